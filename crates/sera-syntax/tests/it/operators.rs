//! One small case per operator and language: what is planted, and that it is what was meant.
use sera_core::Language::{self, Go, JavaScript, Python, Rust, TypeScript};
use sera_syntax::{Mutation, Operator, edits, mutations, parse};

fn planted(language: Language, source: &str, operator: Operator) -> Vec<String> {
    let parsed = parse(language, source);
    assert!(!parsed.has_errors(), "{language}: {source}");
    let function = &parsed.functions()[0];
    let made = mutations(&parsed, function).into_iter().filter(|m| m.operator == operator);
    made.map(|mutation| changed_line(source, &mutation)).collect()
}

/// The lines of the edited text that the source does not have, joined; `-` if lines only went.
fn changed_line(source: &str, mutation: &Mutation) -> String {
    let edited = mutation.apply(source);
    let before: Vec<&str> = source.lines().collect();
    let lines: Vec<&str> =
        edited.lines().filter(|line| !before.contains(line)).map(str::trim).collect();
    if lines.is_empty() { "-".to_owned() } else { lines.join("; ") }
}

fn check(language: Language, source: &str, operator: Operator, expect: &[&str]) {
    assert_eq!(planted(language, source, operator), expect, "{language} {}", operator.name());
}

fn python(body: &str) -> String {
    format!("def f(self, a, b, c=1):\n    \"\"\"Says what.\"\"\"\n{body}")
}

fn javascript(body: &str) -> String {
    format!("function f(a, b, c = 1) {{\n{body}}}\n")
}

fn rust(body: &str) -> String {
    format!("fn f(a: u32, b: u32, s: &str) -> u32 {{\n{body}}}\n")
}

fn go(body: &str) -> String {
    format!("package p\n\nfunc f(a int, b int, s string) (int, error) {{\n{body}}}\n")
}

#[test]
fn names() {
    use Operator::{AttributeSwap, CalleeSwap, IdentifierSwap, ReceiverSwap};
    check(
        Python,
        &python("    x = a\n    return x\n"),
        IdentifierSwap,
        &["x = c", "x = b", "return a", "return c", "return b"],
    );
    check(
        Python,
        &python("    b.close()\n    return 1\n"),
        ReceiverSwap,
        &["a.close()", "c.close()"],
    );
    check(
        Python,
        &python("    self.top = 1\n    return self.end\n"),
        AttributeSwap,
        &["self.end = 1", "return self.top"],
    );
    check(Python, &python("    return min(a, b)\n"), CalleeSwap, &["return max(a, b)"]);
    check(Rust, &rust("    let n = s.len();\n    a\n"), IdentifierSwap, &["b"]);
    check(Rust, &rust("    a.min(b)\n"), CalleeSwap, &["a.max(b)"]);
    check(Go, &go("\tx := g(a)\n\treturn x, nil\n"), IdentifierSwap, &["x := g(b)"]);
    check(
        JavaScript,
        &javascript("  return a.startsWith('x');\n"),
        CalleeSwap,
        &["return a.endsWith('x');"],
    );
}

#[test]
fn arguments() {
    use Operator::{ArgumentDrop, ArgumentSwap, ElementDrop};
    check(
        Python,
        &python("    return g(a, b, key=c)\n"),
        ArgumentDrop,
        &["return g(a, key=c)", "return g(a, b)"],
    );
    check(Python, &python("    return a.split(',')\n"), ArgumentDrop, &["return a.split()"]);
    check(Python, &python("    return g(a)\n"), ArgumentDrop, &[]);
    check(Python, &python("    return g(a, b)\n"), ArgumentSwap, &["return g(b, a)"]);
    check(Python, &python("    return [a, b]\n"), ElementDrop, &["return [b]", "return [a]"]);
    check(Rust, &rust("    g(a, b)\n"), ArgumentDrop, &[]);
    check(Rust, &rust("    g(a, b)\n"), ArgumentSwap, &["g(b, a)"]);
    check(TypeScript, &javascript("  return g(a, b);\n"), ArgumentDrop, &["return g(a);"]);
}

#[test]
fn values() {
    use Operator::{LinkRemoved, NullSafety, OperandChange, ReturnChanged, WrapperRemoved};
    check(
        Python,
        &python("    x = a - b\n    return g(x)\n"),
        OperandChange,
        &["x = a", "x = b", "x = b - a"],
    );
    check(Python, &python("    return int(a)\n"), WrapperRemoved, &["return a"]);
    check(Python, &python("    return self.g(a)\n"), WrapperRemoved, &[]);
    check(
        Python,
        &python("    x = a.strip().lower()\n    return g(x)\n"),
        LinkRemoved,
        &["x = a.lower()", "x = a.strip()"],
    );
    check(Python, &python("    return a\n"), ReturnChanged, &["return None"]);
    check(Python, &python("    x = a or []\n    return g(x)\n"), NullSafety, &["x = a"]);
    check(JavaScript, &javascript("  return a?.b;\n"), NullSafety, &["return a.b;"]);
    check(JavaScript, &javascript("  return a ?? b;\n"), NullSafety, &["return a;"]);
    check(
        Rust,
        &rust("    let t = s.trim();\n    t.parse().unwrap_or(a)\n"),
        LinkRemoved,
        &["let t = s;"],
    );
    check(Go, &go("\tt := strings.TrimSpace(s)\n\treturn g(t)\n"), WrapperRemoved, &["t := s"]);
}

#[test]
fn literals() {
    use Operator::{BooleanFlip, DefaultChanged, NumberChange, StringChange};
    check(
        Python,
        &python("    return g(20)\n"),
        NumberChange,
        &["return g(19)", "return g(21)", "return g(200)", "return g(2)", "return g(-20)"],
    );
    check(Python, &python("    return g(True)\n"), BooleanFlip, &["return g(False)"]);
    check(
        Python,
        &python("    return a[','] + b['key']\n"),
        StringChange,
        &[
            "return a[';'] + b['key']",
            "return a[', '] + b['key']",
            "return a[','] + b['KEY']",
            "return a[','] + b[',']",
        ],
    );
    check(
        Python,
        &python("    return g(a)\n"),
        DefaultChanged,
        &["def f(self, a, b, c=0):", "def f(self, a, b, c=2):", "def f(self, a, b, c=-1):"],
    );
    check(Rust, &rust("    g(1, true)\n"), NumberChange, &["g(0, true)", "g(2, true)"]);
    check(Go, &go("\treturn 1, nil\n"), NumberChange, &["return 0, nil", "return 2, nil"]);
    check(
        JavaScript,
        &javascript("  return g(0.5);\n"),
        NumberChange,
        &["return g(1.5);", "return g(0.05);"],
    );
}

#[test]
fn conditions() {
    use Operator::{AccumulateOverwritten, ArithmeticSwap, BoundaryShift, ClauseDrop, Negation};
    let both = python("    if a < b and c:\n        return g(1)\n    return h(2)\n");
    check(Python, &both, ClauseDrop, &["if a < b:", "if c:"]);
    check(Python, &both, BoundaryShift, &["if a <= b and c:"]);
    check(
        Python,
        &both,
        Negation,
        &["if a >= b and c:", "if a > b and c:", "if a < b or c:", "if a < b and not c:"],
    );
    check(
        Python,
        &python("    if not a:\n        return g(1)\n    return h(2)\n"),
        Negation,
        &["if a:"],
    );
    check(Python, &python("    return a in b\n"), Negation, &["return a not in b"]);
    check(
        Python,
        &python("    return a[b:c]\n"),
        BoundaryShift,
        &["return a[b - 1:c]", "return a[b + 1:c]", "return a[b:c - 1]", "return a[b:c + 1]"],
    );
    check(
        Python,
        &python("    x = 0\n    x += a * b\n    return x\n"),
        ArithmeticSwap,
        &["x -= a * b", "x += a / b", "x += a ** b"],
    );
    check(
        Python,
        &python("    x = 0\n    x += a\n    return x\n"),
        AccumulateOverwritten,
        &["x = a"],
    );
    check(
        Rust,
        &rust("    for i in 0..a { g(i); }\n    b\n"),
        BoundaryShift,
        &["for i in 0..=a { g(i); }", "for i in 0..a - 1 { g(i); }", "for i in 0..a + 1 { g(i); }"],
    );
    check(
        Rust,
        &rust("    if s.is_empty() && a >= b { return 0; }\n    b\n"),
        ClauseDrop,
        &["if s.is_empty() { return 0; }", "if a >= b { return 0; }"],
    );
    check(
        Go,
        &go("\tif a == b {\n\t\treturn 1, nil\n\t}\n\treturn 2, nil\n"),
        Negation,
        &["if a != b {"],
    );
    check(
        JavaScript,
        &javascript("  return a === b ? c : a;\n"),
        Negation,
        &["return a !== b ? c : a;"],
    );
}

#[test]
fn statements() {
    use Operator::{
        AssignmentDeleted, BranchUnwrapped, CallDeleted, ErrorHandling, ErrorIgnored, GuardDeleted,
        LoopExit,
    };
    let guarded = python(
        "    if not a:\n        return None\n    b.g()\n    self.n = b\n    if b:\n        c = 2\n    else:\n        c = 3\n    return c\n",
    );
    check(Python, &guarded, GuardDeleted, &["-"]);
    check(Python, &guarded, CallDeleted, &["-"]);
    check(Python, &guarded, BranchUnwrapped, &["-"]);
    check(Python, &guarded, AssignmentDeleted, &["-"]);
    check(
        Python,
        &python("    if a:\n        b = 2\n        c = 3\n    return c\n"),
        BranchUnwrapped,
        &["b = 2; c = 3"],
    );
    check(
        Python,
        &python("    for x in a:\n        if x:\n            break\n        g(x)\n    return b\n"),
        LoopExit,
        &["continue", "break"],
    );
    check(
        Python,
        &python("    try:\n        g(a)\n    except KeyError:\n        h(a)\n    return b\n"),
        ErrorHandling,
        &["g(a)", "except Exception:"],
    );
    check(
        Rust,
        "fn f(s: &str) -> Option<u32> {\n    let n = g(s)?;\n    Some(n)\n}\n",
        ErrorIgnored,
        &["let n = g(s).unwrap();"],
    );
    check(
        Go,
        &go("\tx, err := g(a)\n\tif err != nil {\n\t\treturn 0, err\n\t}\n\treturn x, nil\n"),
        ErrorIgnored,
        &["-"],
    );
    check(
        JavaScript,
        &javascript("  if (!a) return null;\n  b.push(c);\n  return b;\n"),
        GuardDeleted,
        &["-"],
    );
    check(
        JavaScript,
        &javascript("  if (!a) return null;\n  b.push(c);\n  return b;\n"),
        CallDeleted,
        &["-"],
    );
    check(
        TypeScript,
        "async function f(a: string) {\n  const x = await g(a);\n  return x;\n}\n",
        Operator::AwaitRemoved,
        &["const x = g(a);"],
    );
}

#[test]
fn refactorings() {
    use Operator::{AnnotationRemoved, DocstringRemoved, LocalRenamed};
    check(Python, &python("    g(a)\n    return b\n"), DocstringRemoved, &["-"]);
    check(
        Rust,
        "/// Says what.\nfn f(a: u32) -> u32 {\n    g(a);\n    a\n}\n",
        DocstringRemoved,
        &["-"],
    );
    check(
        Python,
        &python("    total = a\n    return total + b\n"),
        LocalRenamed,
        &["x = a; return x + b"],
    );
    check(JavaScript, &javascript("  const total = a;\n  return { total };\n"), LocalRenamed, &[]);
    check(
        Python,
        "def f(a: int) -> str:\n    g(a)\n    return a\n",
        AnnotationRemoved,
        &["def f(a) -> str:", "def f(a: int):"],
    );
}

#[test]
fn reports_messages_and_documentation_are_left_alone() {
    let silent = |language, source: &str| {
        let parsed = parse(language, source);
        let made = mutations(&parsed, &parsed.functions()[0]);
        made.into_iter().map(|m| changed_line(source, &m)).collect::<Vec<_>>()
    };
    assert_eq!(
        silent(
            Python,
            "def f(a, b):\n    logging.info('x %d', 1)\n    print(a)\n    raise ValueError('no', 2)\n"
        ),
        [""; 0]
    );
    assert_eq!(
        silent(Python, "def f(a, b):\n    # a == 1\n    assert a, 'got %d' % 1\n    pass\n"),
        ["assert b, 'got %d' % 1", "assert not a, 'got %d' % 1"]
    );
    assert_eq!(
        silent(
            Rust,
            "fn f(a: u32, b: u32) {\n    println!(\"{}\", 1);\n    log::info!(\"x\");\n}\n"
        ),
        [""; 0]
    );
    assert_eq!(
        silent(
            Go,
            "package p\n\nfunc f(a int, b int) {\n\tlog.Printf(\"x\", 1)\n\tfmt.Println(a)\n}\n"
        ),
        [""; 0]
    );
    assert_eq!(
        silent(JavaScript, "function f(a, b) {\n  console.log(a, 1);\n  console.error(b);\n}\n"),
        [""; 0]
    );
}

#[test]
fn words_of_the_task_can_be_inserted() {
    let source = python("    x = a\n    return g(x, b)\n");
    let parsed = parse(Python, source.as_str());
    let words = ["sorted".to_owned(), "width".to_owned(), "12".to_owned()];
    let tried = edits(&parsed, &parsed.functions()[0], &words);
    let lines: Vec<String> = tried.iter().map(|edit| changed_line(&source, edit)).collect();
    for expect in
        ["x = sorted(a)", "return g(x, b, width=12)", "x = a.sorted()", "return sorted(x, b)"]
    {
        assert!(lines.iter().any(|line| line == expect), "{expect} in {lines:#?}");
    }
    let weights: Vec<f64> = tried.iter().map(|edit| edit.operator.weight()).collect();
    assert!(weights.windows(2).all(|pair| pair[0] >= pair[1]), "likeliest first");
}

#[test]
fn what_the_function_says_elsewhere_can_be_inserted() {
    for (body, expect) in [
        ("    g(b[0], c)\n    return h(a)\n", "return h(a, b[0])"),
        ("    g(b, k=1)\n    return h(a)\n", "g(b, a=a, k=1)"),
        ("    g(reversed(b), a)\n    return h(a)\n", "g(reversed(b), reversed(a))"),
        (
            "    if b < c:\n        g(a)\n    return h(a) if a else 1\n",
            "return h(a) if b < c and a else 1",
        ),
        ("    if a > 1:\n        g(b)\n    return b\n", "if a is not None and a > 1:"),
        ("    a = g(b)\n    return a\n", "if b is not None:; a = g(b)"),
        ("    self.a = a\n    self.c = c\n", "self.b = b"),
        ("    a.clear()\n    b.close()\n", "b.clear()"),
        ("    x = a.left\n    return b.right\n", "return b.left"),
        ("    x = g(a)\n    return b(x)\n", "x = b(a)"),
    ] {
        let source = python(body);
        let parsed = parse(Python, source.as_str());
        let tried = edits(&parsed, &parsed.functions()[0], &[]);
        let lines: Vec<String> = tried.iter().map(|edit| changed_line(&source, edit)).collect();
        assert!(lines.iter().any(|line| line == expect), "{expect} in {lines:#?}");
    }
}
