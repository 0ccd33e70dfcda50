//! The mutation operators: names, weights, and the families of faults they make. The weights are
//! the frequencies of the repairs in real fixes; a quarter of their sum is refactoring.
use std::ops::Range;

/// A kind of single edit, named in the faulty direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// A variable replaced by another of the same scope and kind.
    IdentifierSwap,
    /// A member replaced by another of the same receiver.
    AttributeSwap,
    /// Another function or method called.
    CalleeSwap,
    /// An argument left out.
    ArgumentDrop,
    /// Two neighbouring arguments exchanged.
    ArgumentSwap,
    /// An operand exchanged with its neighbour or left out.
    OperandChange,
    /// `f(x)` reduced to `x`.
    WrapperRemoved,
    /// `x.f()` reduced to `x`.
    LinkRemoved,
    /// A method called on another object.
    ReceiverSwap,
    /// A number changed by one, in sign, or tenfold.
    NumberChange,
    /// `true` and `false` exchanged.
    BooleanFlip,
    /// A key, separator or the case of a string changed.
    StringChange,
    /// One side of a conjunction or disjunction left out.
    ClauseDrop,
    /// A bound shifted by one.
    BoundaryShift,
    /// A condition or connective turned into its opposite.
    Negation,
    /// An arithmetic, bit or compound operator exchanged.
    ArithmeticSwap,
    /// `+=` reduced to `=`.
    AccumulateOverwritten,
    /// An early exit left out.
    GuardDeleted,
    /// A condition around a block, or what runs otherwise, left out.
    BranchUnwrapped,
    /// A call made for its effect left out.
    CallDeleted,
    /// An assignment left out.
    AssignmentDeleted,
    /// Another value returned.
    ReturnChanged,
    /// `break` and `continue` exchanged.
    LoopExit,
    /// A handler widened, or errors no longer handled.
    ErrorHandling,
    /// An error no longer passed on.
    ErrorIgnored,
    /// A default for a missing value left out.
    NullSafety,
    /// The default of a parameter changed.
    DefaultChanged,
    /// An element of a collection or an entry of a map left out.
    ElementDrop,
    /// A future no longer waited for.
    AwaitRemoved,
    /// An option or entry given under another name.
    KeyChange,
    /// What runs if so and what runs otherwise exchanged.
    BranchSwap,
    /// A branch of a switch or match left out.
    ArmDrop,
    /// Two statements of which one depends on the other exchanged.
    StatementSwap,
    /// What is to be released at the end no longer is.
    ResourceScope,
    /// Something done by one at a time done by all at once.
    LockRemoved,
    /// A copy no longer made.
    CopyDropped,
    /// A value taken for one of another width or type.
    CastChanged,
    /// A constant of the file that the function reads changed.
    ConstantDrift,
    /// A decorator or annotation left out.
    DecoratorRemoved,
    /// What a class is derived from left out.
    BaseRemoved,
    /// Documentation removed; its inverse documents.
    DocstringRemoved,
    /// A local's telling name made vague; its inverse renames.
    LocalRenamed,
    /// A type annotation removed; its inverse annotates.
    AnnotationRemoved,
    /// A constant's value written out; its inverse names it.
    ConstantInlined,
    /// What follows a guard put into its alternative; its inverse flattens.
    GuardNested,
    /// A statement written twice; its inverse takes one away.
    StatementRepeated,
    /// A branch that never runs; its inverse takes it away.
    DeadBranchAdded,
    /// A comprehension written as a loop; its inverse writes it as one.
    ComprehensionUnrolled,
    /// What a helper returns written out; its inverse calls the helper.
    HelperInlined,
}

/// One single edit of a function: replace the bytes at `span` of the file by `replacement`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// What made it.
    pub operator: Operator,
    /// Bytes of the file it replaces.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub replacement: String,
    /// What stood there before.
    pub removed: String,
    /// A word for descriptions: the identifier or construct concerned, as it was before.
    pub subject: String,
}

impl Mutation {
    /// `text` with the edit made.
    pub fn apply(&self, text: &str) -> String {
        let mut edited = String::with_capacity(text.len() + self.replacement.len());
        edited.push_str(&text[..self.span.start]);
        edited.push_str(&self.replacement);
        edited.push_str(&text[self.span.end..]);
        edited
    }

    /// Whether it begins and ends on one line and inserts no line end.
    pub fn single_line(&self) -> bool {
        !self.removed.contains('\n') && !self.replacement.contains('\n')
    }
}

/// What is known of an operator beside its code.
struct Entry {
    name: &'static str,
    weight: f64,
    families: &'static [&'static str],
}

impl Operator {
    /// Every operator, in the order of the catalogue.
    pub const ALL: &'static [Self] = &[
        Self::IdentifierSwap,
        Self::AttributeSwap,
        Self::CalleeSwap,
        Self::ArgumentDrop,
        Self::ArgumentSwap,
        Self::OperandChange,
        Self::WrapperRemoved,
        Self::LinkRemoved,
        Self::ReceiverSwap,
        Self::NumberChange,
        Self::BooleanFlip,
        Self::StringChange,
        Self::ClauseDrop,
        Self::BoundaryShift,
        Self::Negation,
        Self::ArithmeticSwap,
        Self::AccumulateOverwritten,
        Self::GuardDeleted,
        Self::BranchUnwrapped,
        Self::CallDeleted,
        Self::AssignmentDeleted,
        Self::ReturnChanged,
        Self::LoopExit,
        Self::ErrorHandling,
        Self::ErrorIgnored,
        Self::NullSafety,
        Self::DefaultChanged,
        Self::ElementDrop,
        Self::AwaitRemoved,
        Self::KeyChange,
        Self::BranchSwap,
        Self::ArmDrop,
        Self::StatementSwap,
        Self::ResourceScope,
        Self::LockRemoved,
        Self::CopyDropped,
        Self::CastChanged,
        Self::ConstantDrift,
        Self::DecoratorRemoved,
        Self::BaseRemoved,
        Self::DocstringRemoved,
        Self::LocalRenamed,
        Self::AnnotationRemoved,
        Self::ConstantInlined,
        Self::GuardNested,
        Self::StatementRepeated,
        Self::DeadBranchAdded,
        Self::ComprehensionUnrolled,
        Self::HelperInlined,
    ];

    /// Kebab-case name, as in records: `identifier-swap`.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The operator of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operator| operator.name() == name)
    }

    /// Relative sampling weight.
    pub fn weight(self) -> f64 {
        self.entry().weight
    }

    /// Whether its inverse improves code instead of repairing a fault.
    pub fn refactoring(self) -> bool {
        matches!(
            self,
            Self::DocstringRemoved
                | Self::LocalRenamed
                | Self::AnnotationRemoved
                | Self::ConstantInlined
                | Self::GuardNested
                | Self::StatementRepeated
                | Self::DeadBranchAdded
                | Self::ComprehensionUnrolled
                | Self::HelperInlined
        )
    }

    /// The families a change made by it may belong to, likeliest first; each is listed in
    /// [`crate::families`].
    pub fn families(self) -> &'static [&'static str] {
        self.entry().families
    }

    fn entry(self) -> Entry {
        let entry = |name, weight, families| Entry { name, weight, families };
        match self {
            Self::IdentifierSwap | Self::AttributeSwap | Self::CalleeSwap | Self::ReceiverSwap => {
                self.naming()
            }
            Self::ArgumentDrop | Self::ArgumentSwap | Self::DefaultChanged | Self::ElementDrop => {
                self.passing()
            }
            Self::OperandChange => entry(
                "operand-change",
                10.0,
                &["wrong-arithmetic", "wrong-variable", "unit-error", "stale-cache"],
            ),
            Self::WrapperRemoved => entry(
                "wrapper-removed",
                7.0,
                &["missing-normalisation", "rounding-error", "missing-escaping", "path-handling"],
            ),
            Self::LinkRemoved => entry(
                "link-removed",
                4.0,
                &["missing-normalisation", "missing-filter", "aliased-state", "mutated-input"],
            ),
            Self::NumberChange | Self::BooleanFlip | Self::StringChange => self.literal(),
            Self::ClauseDrop | Self::BoundaryShift | Self::Negation => self.condition(),
            Self::ArithmeticSwap => {
                entry("arithmetic-swap", 2.0, &["wrong-arithmetic", "rounding-error"])
            }
            Self::AccumulateOverwritten => entry(
                "accumulate-overwritten",
                1.0,
                &["overwritten-accumulation", "not-idempotent"],
            ),
            Self::GuardDeleted
            | Self::BranchUnwrapped
            | Self::CallDeleted
            | Self::AssignmentDeleted
            | Self::ReturnChanged
            | Self::LoopExit => self.flow(),
            Self::ErrorHandling | Self::ErrorIgnored | Self::NullSafety | Self::AwaitRemoved => {
                self.robustness()
            }
            Self::KeyChange
            | Self::BranchSwap
            | Self::ArmDrop
            | Self::StatementSwap
            | Self::ResourceScope
            | Self::LockRemoved => self.order(),
            Self::CopyDropped
            | Self::CastChanged
            | Self::ConstantDrift
            | Self::DecoratorRemoved
            | Self::BaseRemoved => self.declaration(),
            Self::ConstantInlined
            | Self::GuardNested
            | Self::StatementRepeated
            | Self::DeadBranchAdded
            | Self::ComprehensionUnrolled
            | Self::HelperInlined => self.rewriting(),
            Self::DocstringRemoved => entry("docstring-removed", 16.0, &["missing-documentation"]),
            Self::LocalRenamed => entry("local-renamed", 16.0, &["vague-name", "hard-to-maintain"]),
            Self::AnnotationRemoved => entry("annotation-removed", 4.0, &["missing-annotation"]),
        }
    }

    fn naming(self) -> Entry {
        let (name, weight, families): (_, _, &[&str]) = match self {
            Self::AttributeSwap => {
                ("attribute-swap", 7.0, &["wrong-attribute", "lost-field", "config-drift"])
            }
            Self::CalleeSwap => (
                "callee-swap",
                9.0,
                &["wrong-callee", "wrong-import", "wrong-error-type", "date-error"],
            ),
            Self::ReceiverSwap => ("receiver-swap", 2.0, &["wrong-receiver", "wrong-variable"]),
            _ => ("identifier-swap", 14.0, &["wrong-variable", "wrong-iteration", "stale-state"]),
        };
        Entry { name, weight, families }
    }

    fn passing(self) -> Entry {
        let (name, weight, families): (_, _, &[&str]) = match self {
            Self::ArgumentSwap => ("argument-swap", 1.0, &["argument-order"]),
            Self::DefaultChanged => {
                ("default-changed", 0.5, &["wrong-default", "wrong-initial-value"])
            }
            Self::ElementDrop => ("element-drop", 1.0, &["lost-field", "missing-case"]),
            _ => ("argument-drop", 9.0, &["missing-argument", "call-site-drift"]),
        };
        Entry { name, weight, families }
    }

    fn literal(self) -> Entry {
        let (name, weight, families): (_, _, &[&str]) = match self {
            Self::BooleanFlip => ("boolean-flip", 3.0, &["wrong-option", "wrong-flag"]),
            Self::StringChange => {
                ("string-change", 3.0, &["wrong-key", "wrong-separator", "wrong-pattern"])
            }
            _ => (
                "number-change",
                6.0,
                &["wrong-constant", "off-by-one", "unit-error", "config-drift"],
            ),
        };
        Entry { name, weight, families }
    }

    fn condition(self) -> Entry {
        let (name, weight, families): (_, _, &[&str]) = match self {
            Self::ClauseDrop => {
                ("clause-drop", 5.0, &["missing-clause", "missing-permission", "missing-filter"])
            }
            Self::BoundaryShift => ("boundary-shift", 3.0, &["off-by-one", "wrong-slice"]),
            _ => ("negation", 3.0, &["inverted-condition", "over-strict-condition", "dead-branch"]),
        };
        Entry { name, weight, families }
    }

    fn flow(self) -> Entry {
        let (name, weight, families): (_, _, &[&str]) = match self {
            Self::BranchUnwrapped => (
                "branch-unwrapped",
                2.0,
                &["missing-empty-case", "missing-fallback", "missing-case"],
            ),
            Self::CallDeleted => {
                ("call-deleted", 3.0, &["missing-side-effect", "stale-cache", "resource-leak"])
            }
            Self::AssignmentDeleted => {
                ("assignment-deleted", 2.0, &["missing-update", "wrong-initial-value"])
            }
            Self::ReturnChanged => ("return-changed", 2.0, &["broken-return", "missing-return"]),
            Self::LoopExit => ("loop-exit", 1.0, &["premature-exit", "endless-loop"]),
            _ => (
                "guard-deleted",
                3.0,
                &["missing-guard", "missing-null-check", "missing-return", "missing-permission"],
            ),
        };
        Entry { name, weight, families }
    }

    fn order(self) -> Entry {
        let (name, weight, families): (_, _, &[&str]) = match self {
            Self::KeyChange => ("key-change", 2.0, &["wrong-option", "wrong-key", "lost-field"]),
            Self::BranchSwap => ("branch-swap", 1.0, &["inverted-condition", "missing-case"]),
            Self::ArmDrop => ("arm-drop", 0.5, &["missing-case", "missing-fallback"]),
            Self::StatementSwap => ("statement-swap", 0.5, &["wrong-order", "stale-state"]),
            Self::ResourceScope => ("resource-scope", 0.5, &["resource-leak", "partial-failure"]),
            _ => ("lock-removed", 0.5, &["race", "missing-lock"]),
        };
        Entry { name, weight, families }
    }

    fn declaration(self) -> Entry {
        let (name, weight, families): (_, _, &[&str]) = match self {
            Self::CopyDropped => ("copy-dropped", 0.5, &["aliased-state", "mutated-input"]),
            Self::CastChanged => ("cast-changed", 0.3, &["truncation"]),
            Self::ConstantDrift => ("constant-drift", 0.5, &["config-drift", "wrong-constant"]),
            Self::DecoratorRemoved => {
                ("decorator-removed", 0.5, &["missing-registration", "stale-cache"])
            }
            _ => ("base-removed", 0.3, &["missing-registration"]),
        };
        Entry { name, weight, families }
    }

    fn rewriting(self) -> Entry {
        let (name, families): (_, &[&str]) = match self {
            Self::ConstantInlined => ("constant-inlined", &["magic-number"]),
            Self::GuardNested => ("guard-nested", &["deep-nesting"]),
            Self::StatementRepeated => ("statement-repeated", &["duplication"]),
            Self::HelperInlined => ("helper-inlined", &["duplication", "hard-to-maintain"]),
            Self::DeadBranchAdded => ("dead-branch-added", &["dead-code"]),
            _ => ("comprehension-unrolled", &["verbose-loop"]),
        };
        Entry { name, weight: 1.5, families }
    }

    fn robustness(self) -> Entry {
        let (name, weight, families): (_, _, &[&str]) = match self {
            Self::ErrorIgnored => {
                ("error-ignored", 1.0, &["ignored-error", "panic-instead-of-error"])
            }
            Self::NullSafety => ("null-safety", 1.0, &["missing-null-check", "missing-fallback"]),
            Self::AwaitRemoved => ("await-removed", 0.5, &["missing-await", "race"]),
            _ => ("error-handling", 1.0, &["swallowed-error", "broad-handler"]),
        };
        Entry { name, weight, families }
    }
}
