//! The rows of JavaScript and TypeScript, which differ only in types and field definitions.
use super::{Concept as C, Role as R, Row};
use sera_core::Language;

macro_rules! kinds {
    ($($more:expr),* $(,)?) => {
        &[
            (C::Function, &["function_declaration", "generator_function_declaration", "method_definition"]),
            (C::Closure, &["arrow_function", "function_expression", "generator_function"]),
            (C::Parameters, &["formal_parameters"]),
            (C::Statements, &["statement_block", "program", "switch_case", "switch_default"]),
            (C::ExpressionStatement, &["expression_statement"]),
            (C::If, &["if_statement"]),
            (C::Else, &["else_clause"]),
            (C::Ternary, &["ternary_expression"]),
            (C::Loop, &["for_statement", "for_in_statement", "while_statement", "do_statement"]),
            (C::Binary, &["binary_expression"]),
            (C::Unary, &["unary_expression"]),
            (C::Call, &["call_expression", "new_expression"]),
            (C::Arguments, &["arguments"]),
            (C::Member, &["member_expression"]),
            (C::Index, &["subscript_expression"]),
            (C::Assign, &["assignment_expression"]),
            (C::Declare, &["variable_declarator"]),
            (C::Compound, &["augmented_assignment_expression", "update_expression"]),
            (C::Return, &["return_statement"]),
            (C::Break, &["break_statement"]),
            (C::Continue, &["continue_statement"]),
            (C::Raise, &["throw_statement"]),
            (C::Try, &["try_statement"]),
            (C::Catch, &["catch_clause"]),
            (C::Arm, &["switch_case"]),
            (C::Await, &["await_expression"]),
            (C::Identifier, &["identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"]),
            (C::Property, &["property_identifier", "private_property_identifier"]),
            (C::Number, &["number"]),
            (C::Boolean, &["true", "false"]),
            (C::Null, &["null", "undefined"]),
            (C::String, &["string", "template_string"]),
            (C::OtherLiteral, &["regex"]),
            (C::Comment, &["comment", "html_comment", "hash_bang_line"]),
            (C::Import, &["import_statement"]),
            (C::Decorator, &["decorator"]),
            (C::Parenthesized, &["parenthesized_expression"]),
            (C::Pattern, &["object_pattern", "array_pattern", "rest_pattern"]),
            (C::Pair, &["pair"]),
            (C::Collection, &["array", "object"]),
            (C::Deferred, &["finally_clause"]),
            (C::Interpolation, &["template_substitution"]),
            $($more),*
        ]
    };
}

macro_rules! javascript {
    ($language:expr, $grammar:expr, $kinds:expr) => {
        Row {
            language: $language,
            grammar: $grammar,
            kinds: $kinds,
            roles: ROLES,
            logic: ["&&", "||", "!"],
            literals: ("true", "false", Some("null")),
            indented: false,
            block_scoped: true,
            frames: &[("method_definition", ("class A { ", " }"))],
            receivers: &["this"],
            implicit_receiver: false,
            dot: ".",
            safety: Some(("?.", "??")),
            defaults: &["0", "''", "[]", "{}"],
            keyword: None,
            hinted: false,
            broad_error: None,
            leaving: &[],
            operators: OPERATORS,
            antonyms: &[],
            wrappers: &[
                "String",
                "Number",
                "Boolean",
                "parseInt",
                "Array.from",
                "Math.abs",
                "Math.floor",
            ],
            links: &[
                ".trim()",
                ".toLowerCase()",
                ".length",
                ".slice()",
                ".toString()",
                ".reverse()",
            ],
            typed: false,
            preserving: &[],
            reserved: RESERVED,
        }
    };
}

const ROLES: &[(R, &[&str])] = &[
    (R::Name, &["name"]),
    (R::Body, &["body"]),
    (R::Parameters, &["parameters", "parameter"]),
    (R::Callee, &["function", "constructor"]),
    (R::Arguments, &["arguments"]),
    (R::Object, &["object"]),
    (R::Property, &["property"]),
    (R::Left, &["left", "name"]),
    (R::Right, &["right", "value"]),
    (R::Operator, &["operator"]),
    (R::Condition, &["condition"]),
    (R::Consequence, &["consequence"]),
    (R::Alternative, &["alternative"]),
];

const OPERATORS: &[(&str, &str)] = &[
    ("+", "-"),
    ("*", "/"),
    ("%", "/"),
    ("**", "*"),
    ("&", "|"),
    ("<<", ">>"),
    (">>>", ">>"),
    ("+=", "-="),
    ("*=", "/="),
    ("|=", "&="),
    ("++", "--"),
    ("??", "||"),
];

const RESERVED: &[&str] = &[
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "let",
    "new",
    "null",
    "of",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "enum",
    "interface",
    "type",
];

const TYPES: (C, &[&str]) = (
    C::Type,
    &[
        "type_annotation",
        "type_arguments",
        "type_parameters",
        "type_alias_declaration",
        "interface_declaration",
        "asserts_annotation",
        "type_predicate_annotation",
        "union_type",
        "literal_type",
        "generic_type",
        "array_type",
        "object_type",
    ],
);

pub(super) const JAVASCRIPT: Row = javascript!(
    Language::JavaScript,
    || tree_sitter_javascript::LANGUAGE.into(),
    kinds![
        (C::Container, &["class_declaration", "class"]),
        (C::DefaultParameter, &["assignment_pattern"]),
    ]
);

const TYPED: &[(C, &[&str])] = kinds![
    (
        C::Container,
        &["class_declaration", "class", "abstract_class_declaration", "internal_module"]
    ),
    (C::DefaultParameter, &["assignment_pattern", "required_parameter", "optional_parameter"]),
    TYPES,
];

pub(super) const TYPESCRIPT: Row =
    javascript!(Language::TypeScript, || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(), TYPED);

pub(super) const TSX: Row =
    javascript!(Language::Tsx, || tree_sitter_typescript::LANGUAGE_TSX.into(), TYPED);
