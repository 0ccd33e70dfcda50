//! The catalogue of change families: what kind of fault or wish a task is about, after orthogonal
//! defect classification, each with the weakness of the CWE list it is found under.

/// A class of orthogonal defect classification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefectClass {
    /// A value is wrong or missing.
    Assignment,
    /// A condition or validation is wrong or missing.
    Checking,
    /// The procedure is wrong.
    Algorithm,
    /// A capability is wrong or missing.
    Function,
    /// Order or sharing is wrong.
    Timing,
    /// Caller and callee disagree.
    Interface,
    /// Parts of the product disagree.
    Relationship,
    /// Only people are misled.
    Documentation,
}

/// One family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Kebab-case name, as in records.
    pub name: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Its class.
    pub class: DefectClass,
    /// The nearest entry of the CWE list.
    pub cwe: u16,
}

const fn family(name: &'static str, title: &'static str, class: DefectClass, cwe: u16) -> Family {
    Family { name, title, class, cwe }
}

use DefectClass::{
    Algorithm, Assignment, Checking, Documentation, Function, Interface, Relationship, Timing,
};

/// Every family that some operator makes.
pub const FAMILIES: &[Family] = &[
    family("off-by-one", "a bound is off by one", Checking, 193),
    family("inverted-condition", "a condition says the opposite", Checking, 697),
    family("missing-clause", "a condition lacks a clause", Checking, 754),
    family("over-strict-condition", "a condition refuses too much", Checking, 697),
    family("missing-guard", "input is not checked", Checking, 20),
    family("missing-null-check", "a missing value is not handled", Checking, 476),
    family("missing-empty-case", "an empty collection is not handled", Checking, 754),
    family("dead-branch", "a branch is never taken", Algorithm, 561),
    family("wrong-variable", "the wrong variable is used", Assignment, 682),
    family("wrong-attribute", "the wrong field is used", Assignment, 682),
    family("wrong-initial-value", "a value starts out wrong", Assignment, 665),
    family("missing-update", "a value is not updated", Assignment, 456),
    family("overwritten-accumulation", "a sum is overwritten", Algorithm, 682),
    family("aliased-state", "state is shared by mistake", Assignment, 471),
    family("stale-state", "an outdated value is used", Assignment, 471),
    family("wrong-constant", "a constant is wrong", Assignment, 682),
    family("unit-error", "a unit or scale is wrong", Algorithm, 682),
    family("wrong-arithmetic", "a calculation is wrong", Algorithm, 682),
    family("rounding-error", "rounding or division is wrong", Algorithm, 682),
    family("wrong-callee", "the wrong function is called", Function, 684),
    family("argument-order", "arguments are in the wrong order", Interface, 683),
    family("missing-argument", "an argument is missing", Interface, 685),
    family("wrong-option", "an option has the wrong value", Interface, 687),
    family("wrong-flag", "a flag is set the wrong way", Assignment, 687),
    family("wrong-receiver", "the wrong object is asked", Interface, 628),
    family("call-site-drift", "a call does not match the definition", Interface, 628),
    family("broken-return", "the returned value is wrong", Interface, 394),
    family("missing-return", "an early exit is missing", Algorithm, 393),
    family("missing-normalisation", "a value is not normalised", Checking, 178),
    family("missing-filter", "unwanted entries are kept", Algorithm, 1023),
    family("wrong-iteration", "the wrong thing is iterated over", Algorithm, 834),
    family("premature-exit", "a loop ends too early", Algorithm, 835),
    family("endless-loop", "a loop does not end", Algorithm, 835),
    family("wrong-slice", "a slice or index is wrong", Checking, 129),
    family("wrong-key", "a key or name is wrong", Assignment, 628),
    family("wrong-separator", "a separator or format is wrong", Algorithm, 838),
    family("wrong-pattern", "a pattern matches too much or too little", Checking, 185),
    family("date-error", "a date or time is wrong", Algorithm, 682),
    family("swallowed-error", "an error is swallowed", Checking, 390),
    family("broad-handler", "a handler catches too much", Checking, 396),
    family("wrong-error-type", "the wrong error is reported", Interface, 209),
    family("ignored-error", "an error is ignored", Checking, 252),
    family("panic-instead-of-error", "it crashes where it should report", Checking, 248),
    family("resource-leak", "a resource is not released", Timing, 772),
    family("missing-await", "a result is used before it is there", Timing, 696),
    family("race", "two things happen at once", Timing, 362),
    family("not-idempotent", "repeating it changes the result", Timing, 837),
    family("missing-side-effect", "something is not done", Function, 573),
    family("mutated-input", "the caller's value is changed", Function, 374),
    family("stale-cache", "a cache is keyed or cleared wrongly", Relationship, 524),
    family("missing-case", "a case is not handled", Algorithm, 478),
    family("missing-fallback", "there is no default", Algorithm, 484),
    family("lost-field", "a field is lost", Interface, 502),
    family("config-drift", "a configured value is wrong", Assignment, 1188),
    family("wrong-default", "a parameter's default is wrong", Assignment, 1188),
    family("missing-escaping", "a value is not escaped", Checking, 116),
    family("path-handling", "a path is handled wrongly", Checking, 22),
    family("missing-permission", "a permission is not checked", Checking, 862),
    family("wrong-import", "the wrong dependency is used", Relationship, 1357),
    family("wrong-order", "things are done in the wrong order", Timing, 696),
    family("partial-failure", "a failure leaves something half done", Timing, 460),
    family("missing-lock", "something shared is not guarded", Timing, 667),
    family("truncation", "a value does not fit its type", Assignment, 681),
    family("missing-registration", "something is not registered or derived", Function, 573),
    family("missing-documentation", "documentation is missing", Documentation, 1112),
    family("vague-name", "a name says too little", Documentation, 1116),
    family("missing-annotation", "a type is not stated", Documentation, 1116),
    family("magic-number", "a number is not named", Documentation, 547),
    family("deep-nesting", "code is nested deeper than it need be", Documentation, 1124),
    family("duplication", "something is written twice", Documentation, 1041),
    family("dead-code", "code never runs", Documentation, 561),
    family("verbose-loop", "a loop says what an expression could", Documentation, 1041),
    family("hard-to-maintain", "code is harder to change than it need be", Documentation, 1041),
];

/// The family of that name.
pub fn named(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operator;
    use std::collections::BTreeSet;

    #[test]
    fn operators_and_families_fit() {
        let known: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
        assert_eq!(known.len(), FAMILIES.len(), "names are unique");
        let made: BTreeSet<&str> =
            Operator::ALL.iter().flat_map(|operator| operator.families()).copied().collect();
        assert_eq!(made, known, "each family is made by an operator and each made one is listed");
        assert!(known.len() >= 51);
    }

    #[test]
    fn operators_have_names_of_their_own_and_a_quarter_refactors() {
        let names: BTreeSet<&str> = Operator::ALL.iter().map(|operator| operator.name()).collect();
        assert_eq!(names.len(), Operator::ALL.len());
        assert!(Operator::ALL.iter().all(|&o| Operator::named(o.name()) == Some(o)));
        let sum = |of: &dyn Fn(&Operator) -> bool| -> f64 {
            Operator::ALL.iter().filter(|o| of(o)).map(|o| o.weight()).sum()
        };
        let share = sum(&|o| o.refactoring()) / sum(&|_| true);
        assert!((0.2..0.3).contains(&share), "{share}");
    }
}
