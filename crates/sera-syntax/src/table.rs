//! What the engine needs to know about each language: one row of node kinds, field names and
//! words per language. Adding a language is adding a row (and its grammar); nothing else.
use sera_core::Language;

mod c;
mod csharp;
mod go;
mod java;
mod javascript;
mod php;
mod python;
mod ruby;
mod rust;

/// What a node is, whatever its grammar calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Concept {
    /// A definition with a name and a body.
    Function,
    /// An anonymous function; one bound to a name counts as a function.
    Closure,
    /// What qualifies the names of the functions in it: class, impl, module.
    Container,
    /// The parameter list of a definition.
    Parameters,
    /// A parameter with a default value.
    DefaultParameter,
    /// A node whose named children are statements.
    Statements,
    /// An expression standing as a statement.
    ExpressionStatement,
    /// Conditional statement or expression with a block.
    If,
    /// A further condition of a chain.
    Elif,
    /// What runs otherwise.
    Else,
    /// `a if c else b`, `c ? a : b`.
    Ternary,
    /// A loop of any sort.
    Loop,
    /// Two operands around an operator: arithmetic, comparison or logic.
    Binary,
    /// One operand behind an operator.
    Unary,
    /// A call.
    Call,
    /// The list of a call's arguments.
    Arguments,
    /// An argument given by name.
    Keyword,
    /// What some grammars put around each argument or index.
    Argument,
    /// A macro call, whose inside is tokens, not syntax.
    Macro,
    /// A dotted access.
    Member,
    /// Element access.
    Index,
    /// A range of elements.
    Slice,
    /// An assignment to something that exists, or that begins to exist by it.
    Assign,
    /// A declaration with a value.
    Declare,
    /// `+=` and its kind.
    Compound,
    /// Leaves the function.
    Return,
    /// Leaves the loop.
    Break,
    /// Goes on with the next round.
    Continue,
    /// Throws.
    Raise,
    /// A block whose errors are handled.
    Try,
    /// A handler.
    Catch,
    /// Passes an error on, `?`.
    Propagate,
    /// One branch of a switch or match.
    Arm,
    /// Waits for a future.
    Await,
    /// A variable's name.
    Identifier,
    /// A member's name.
    Property,
    /// A whole number or a fraction.
    Number,
    /// `true` or `false`.
    Boolean,
    /// No value.
    Null,
    /// A string, quotes included.
    String,
    /// Literals that are none of the above: characters, regular expressions.
    OtherLiteral,
    /// Never code.
    Comment,
    /// A type: names in it are not variables.
    Type,
    /// Brings names in from elsewhere.
    Import,
    /// An annotation on a definition.
    Decorator,
    /// A statement that checks a condition and carries a message.
    Assert,
    /// Parentheses around one expression.
    Parenthesized,
    /// Binds names: patterns, loop variables.
    Pattern,
    /// An entry of a map or object literal.
    Pair,
    /// A string made of several.
    Interpolation,
    /// Elements or entries written out.
    Collection,
    /// A value taken for one of another type.
    Cast,
    /// A block that releases what it is given at its end.
    Scoped,
    /// A block that one at a time runs.
    Lock,
    /// What runs when the function or block is left.
    Deferred,
}

/// What a child is to its parent, whatever the grammar calls the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The name of a definition.
    Name,
    /// The body of a definition or loop.
    Body,
    /// The parameters of a definition.
    Parameters,
    /// What is called.
    Callee,
    /// The arguments of a call.
    Arguments,
    /// What a member is taken of.
    Object,
    /// The member's name.
    Property,
    /// Left operand or target.
    Left,
    /// Right operand or value.
    Right,
    /// The operator of a binary expression.
    Operator,
    /// What is tested.
    Condition,
    /// What runs if so.
    Consequence,
    /// What runs otherwise.
    Alternative,
}

/// The row of one language.
#[derive(Debug)]
pub struct Row {
    /// The language.
    pub language: Language,
    /// Its grammar.
    pub grammar: fn() -> tree_sitter::Language,
    /// Node kinds by concept.
    pub kinds: &'static [(Concept, &'static [&'static str])],
    /// Field names by role.
    pub roles: &'static [(Role, &'static [&'static str])],
    /// Conjunction, disjunction, and negation as it is written before its operand.
    pub logic: [&'static str; 3],
    /// `true`, `false` and the null a function may return, if the language has one for all types.
    pub literals: (&'static str, &'static str, Option<&'static str>),
    /// Whether indentation is structure.
    pub indented: bool,
    /// Whether a name holds in the block that binds it, not in the whole function.
    pub block_scoped: bool,
    /// What a definition of a kind is wrapped in so that it parses by itself.
    pub frames: &'static [(&'static str, (&'static str, &'static str))],
    /// The receiver's name inside methods.
    pub receivers: &'static [&'static str],
    /// Whether a method calls its object's others without naming the object.
    pub implicit_receiver: bool,
    /// What stands between an object and its member.
    pub dot: &'static str,
    /// What asks for a member of what may be missing, and what puts a default in its place.
    pub safety: Option<(&'static str, &'static str)>,
    /// Values that stand for what is missing.
    pub defaults: &'static [&'static str],
    /// What stands between the name of an argument and its value.
    pub keyword: Option<&'static str>,
    /// Whether types are stated only for those who read.
    pub hinted: bool,
    /// The error that every usual one is.
    pub broad_error: Option<&'static str>,
    /// Functions that do not return.
    pub leaving: &'static [&'static str],
    /// Pairs of operators of one kind, each an alternative to the other.
    pub operators: &'static [(&'static str, &'static str)],
    /// Callees of this language's libraries, each of which is a likely slip for the other.
    pub antonyms: &'static [(&'static str, &'static str)],
    /// Functions and methods whose single-argument call is often forgotten.
    pub wrappers: &'static [&'static str],
    /// Method links that are often forgotten, arguments included.
    pub links: &'static [&'static str],
    /// Whether a compiler refuses most slips between names: there only what has the same
    /// declared type is exchanged, and arguments are not optional.
    pub typed: bool,
    /// Functions and methods that return the type they take.
    pub preserving: &'static [&'static str],
    /// Words that cannot be a variable.
    pub reserved: &'static [&'static str],
}

/// The row of `language`.
pub fn row(language: Language) -> &'static Row {
    match language {
        Language::Python => &python::ROW,
        Language::Rust => &rust::ROW,
        Language::JavaScript => &javascript::JAVASCRIPT,
        Language::TypeScript => &javascript::TYPESCRIPT,
        Language::Tsx => &javascript::TSX,
        Language::Go => &go::ROW,
        Language::Java => &java::ROW,
        Language::C => &c::C,
        Language::Cpp => &c::CPP,
        Language::CSharp => &csharp::ROW,
        Language::Ruby => &ruby::ROW,
        Language::Php => &php::ROW,
    }
}

/// Callees each of which is a likely slip for the other, in any language that has them.
pub const ANTONYMS: &[(&str, &str)] = &[
    ("min", "max"),
    ("any", "all"),
    ("first", "last"),
    ("append", "extend"),
    ("add", "remove"),
    ("add", "update"),
    ("push", "pop"),
    ("push", "unshift"),
    ("pop", "shift"),
    ("insert", "remove"),
    ("encode", "decode"),
    ("dumps", "loads"),
    ("dump", "load"),
    ("startswith", "endswith"),
    ("startsWith", "endsWith"),
    ("starts_with", "ends_with"),
    ("HasPrefix", "HasSuffix"),
    ("TrimPrefix", "TrimSuffix"),
    ("TrimLeft", "TrimRight"),
    ("strip_prefix", "strip_suffix"),
    ("removeprefix", "removesuffix"),
    ("lstrip", "rstrip"),
    ("strip", "rstrip"),
    ("lower", "upper"),
    ("toLowerCase", "toUpperCase"),
    ("to_lowercase", "to_uppercase"),
    ("ToLower", "ToUpper"),
    ("floor", "ceil"),
    ("floor", "round"),
    ("Floor", "Ceil"),
    ("find", "rfind"),
    ("find", "index"),
    ("split", "rsplit"),
    ("partition", "rpartition"),
    ("indexOf", "lastIndexOf"),
    ("keys", "values"),
    ("items", "values"),
    ("some", "every"),
    ("filter", "map"),
    ("map", "forEach"),
    ("sort", "sorted"),
    ("read", "readline"),
    ("get", "set"),
    ("get", "pop"),
    ("open", "close"),
    ("start", "stop"),
    ("enter", "exit"),
    ("lock", "unlock"),
    ("Lock", "Unlock"),
    ("is_some", "is_none"),
    ("is_ok", "is_err"),
    ("unwrap_or", "unwrap_or_default"),
    ("iter", "into_iter"),
    ("take", "skip"),
    ("chars", "bytes"),
    ("isinstance", "issubclass"),
    ("trim", "trim_end"),
    ("trimStart", "trimEnd"),
    ("Max", "Min"),
    ("Marshal", "Unmarshal"),
    ("Println", "Printf"),
    ("increment", "decrement"),
    ("show", "hide"),
    ("enable", "disable"),
    ("before", "after"),
    ("prev", "next"),
    ("abs", "round"),
    ("union", "intersection"),
    ("slice", "splice"),
    ("parseInt", "parseFloat"),
    ("floor", "trunc"),
    ("contains", "starts_with"),
    ("and_then", "map"),
    ("or_else", "and_then"),
];

/// Separators each of which is a likely slip for the next.
pub const SEPARATORS: &[&str] =
    &[",", ";", ":", ".", " ", "", "_", "-", "/", "\\n", "\\t", ", ", "=", "|"];

/// First segments and names of calls that only report: nothing in them is worth mutating.
pub const REPORTING: &[&str] = &[
    "log",
    "logger",
    "logging",
    "console",
    "print",
    "pprint",
    "println",
    "eprintln",
    "eprint",
    "debug",
    "info",
    "warn",
    "warning",
    "warnings",
    "error",
    "trace",
    "slog",
    "Print",
    "Println",
    "Printf",
    "Errorf",
    "Fprintf",
    "Logf",
    "Fatalf",
    "Fatal",
    "panic",
    "_logger",
    "_log",
    "LOG",
    "LOGGER",
    "klog",
    "zap",
    "printf",
    "fprintf",
    "perror",
    "syslog",
    "error_log",
    "var_dump",
    "print_r",
    "trigger_error",
    "Console",
    "Debug",
    "Trace",
    "cout",
    "cerr",
    "clog",
];

/// Short names that only report where nothing stands before them.
pub const SPOKEN: &[&str] = &["p", "pp", "puts"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_field_exists_in_its_grammar() {
        for language in Language::ALL {
            let row = row(language);
            let grammar = (row.grammar)();
            for (concept, kinds) in row.kinds {
                for kind in *kinds {
                    let id = grammar.id_for_node_kind(kind, true);
                    assert!(id != 0, "{language} has no {kind} ({concept:?})");
                }
            }
            for (role, fields) in row.roles {
                for field in *fields {
                    let id = grammar.field_id_for_name(field);
                    assert!(id.is_some(), "{language} has no field {field} ({role:?})");
                }
            }
        }
    }
}
