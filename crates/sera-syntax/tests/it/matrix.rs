//! Which operator makes something in which language: the rows of the taxonomy's matrix that it marks
//! as direct, over the committed corpus.
use crate::inverses::corpus;
use sera_core::Language::{
    self, C, CSharp, Cpp, Go, Java, JavaScript, Php, Python, Ruby, Rust, TypeScript,
};
use sera_syntax::{Operator, mutations, parse};
use std::collections::{BTreeMap, BTreeSet};

const ALL: &[Language] =
    &[Python, Rust, Go, JavaScript, TypeScript, Java, C, Cpp, CSharp, Ruby, Php];

/// Languages in which names are exchanged without asking a compiler.
const LOOSE: &[Language] = &[Python, JavaScript, TypeScript, Ruby, Php];

/// Taxonomy row, the operators any one of which makes it, languages it is direct for.
const DIRECT: &[(&str, &[Operator], &[Language])] = &[
    ("O01", &[Operator::IdentifierSwap], ALL),
    ("O02", &[Operator::AttributeSwap, Operator::IdentifierSwap], LOOSE),
    ("O03", &[Operator::CalleeSwap], LOOSE),
    ("O04", &[Operator::ArgumentDrop], &[Python, JavaScript, TypeScript, CSharp, Ruby, Php]),
    ("O05", &[Operator::ArgumentSwap], LOOSE),
    (
        "O06",
        &[Operator::KeyChange, Operator::BooleanFlip],
        &[Python, JavaScript, TypeScript, CSharp, Ruby, Php],
    ),
    ("O07", &[Operator::OperandChange], ALL),
    ("O08", &[Operator::WrapperRemoved], LOOSE),
    ("O09", &[Operator::LinkRemoved], LOOSE),
    ("O10", &[Operator::ReceiverSwap], LOOSE),
    ("O11", &[Operator::NumberChange], ALL),
    ("O12", &[Operator::BooleanFlip], ALL),
    ("O13", &[Operator::StringChange], ALL),
    ("O14", &[Operator::ClauseDrop], ALL),
    ("O15", &[Operator::BoundaryShift], ALL),
    ("O16", &[Operator::Negation], ALL),
    ("O17", &[Operator::ArithmeticSwap], ALL),
    ("O18", &[Operator::AccumulateOverwritten], ALL),
    ("O19", &[Operator::GuardDeleted], ALL),
    ("O20 unwrapped", &[Operator::BranchUnwrapped], ALL),
    ("O20 swapped", &[Operator::BranchSwap], ALL),
    ("O21", &[Operator::CallDeleted], ALL),
    ("O22", &[Operator::AssignmentDeleted], &[Python, JavaScript, TypeScript, C, Cpp, Ruby, Php]),
    ("O23", &[Operator::ReturnChanged], &[Python, JavaScript, TypeScript, C, Cpp, Ruby, Php]),
    ("O24", &[Operator::LoopExit], ALL),
    ("O25", &[Operator::ErrorHandling], &[Python, JavaScript, TypeScript, Java, CSharp, Ruby, Php]),
    ("O26", &[Operator::ErrorIgnored], &[Rust, Go]),
    ("O27", &[Operator::ResourceScope], &[Python, Go, Java, CSharp, Ruby]),
    (
        "O28",
        &[Operator::AwaitRemoved, Operator::LockRemoved],
        &[Python, Go, JavaScript, TypeScript, Java, CSharp],
    ),
    (
        "O29",
        &[Operator::NullSafety, Operator::GuardDeleted],
        &[Python, Go, JavaScript, TypeScript, CSharp, Ruby, Php],
    ),
    (
        "O30",
        &[Operator::ArmDrop],
        &[Python, Go, JavaScript, TypeScript, Java, C, Cpp, CSharp, Ruby, Php],
    ),
    (
        "O31",
        &[Operator::CopyDropped, Operator::LinkRemoved],
        &[Python, JavaScript, TypeScript, Ruby],
    ),
    (
        "O32",
        &[Operator::ElementDrop],
        &[Python, Go, JavaScript, TypeScript, Java, CSharp, Ruby, Php],
    ),
    ("O33", &[Operator::StatementSwap], &[Python, JavaScript, TypeScript, C, Cpp, Ruby, Php]),
    ("O34", &[Operator::DecoratorRemoved], &[Python, Java, CSharp, Php]),
    ("O35", &[Operator::BaseRemoved], &[Python, Ruby]),
    ("O36", &[Operator::DefaultChanged], &[Python, JavaScript, TypeScript, Cpp, CSharp, Ruby, Php]),
    ("O37", &[Operator::ConstantDrift], ALL),
    ("O38", &[Operator::CastChanged], &[C, Cpp]),
    ("R1", &[Operator::DocstringRemoved], ALL),
    ("R2", &[Operator::HelperInlined], &[Python, JavaScript, Go, C, Java, Php]),
    ("R3", &[Operator::StatementRepeated], ALL),
    ("R4", &[Operator::LocalRenamed], ALL),
    ("R5", &[Operator::ConstantInlined], ALL),
    ("R6", &[Operator::GuardNested], ALL),
    ("R7", &[Operator::AnnotationRemoved], &[Python, Php]),
    ("R8", &[Operator::ComprehensionUnrolled], &[Python]),
    ("R9", &[Operator::DeadBranchAdded], ALL),
];

/// What each operator makes of the corpus: how often, and its first change by language.
fn made() -> BTreeMap<(Language, Operator), (usize, String)> {
    let mut made: BTreeMap<(Language, Operator), (usize, String)> = BTreeMap::new();
    for (language, text) in corpus() {
        let parsed = parse(language, text.as_str());
        assert!(!parsed.has_errors(), "{language}: {:?}", parsed.error_lines());
        for function in parsed.functions() {
            for mutation in mutations(&parsed, &function) {
                let sample = || format!("{:?} → {:?}", mutation.removed, mutation.replacement);
                made.entry((language, mutation.operator)).or_insert_with(|| (0, sample())).0 += 1;
            }
        }
    }
    made
}

#[test]
fn every_direct_cell_of_the_matrix_is_made() {
    let made = made();
    let missing: Vec<String> = DIRECT
        .iter()
        .flat_map(|(row, operators, languages)| languages.iter().map(move |l| (row, operators, l)))
        .filter(|(_, operators, l)| !operators.iter().any(|o| made.contains_key(&(**l, *o))))
        .map(|(row, _, language)| format!("{row} {language}"))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let rows: BTreeSet<Operator> = DIRECT.iter().flat_map(|(_, os, _)| *os).copied().collect();
    assert_eq!(rows.len(), Operator::ALL.len(), "every operator has a row");
}

#[test]
fn what_the_newer_operators_make() {
    let newer = |operator: Operator| operator as usize >= Operator::KeyChange as usize;
    let lines: Vec<String> = made()
        .into_iter()
        .filter(|((_, operator), _)| newer(*operator))
        .map(|((language, operator), (_, sample))| {
            let short: String = sample.chars().take(220).collect();
            format!("{language} {}: {short}", operator.name())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
