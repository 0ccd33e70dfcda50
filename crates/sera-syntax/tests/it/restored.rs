//! What a function lost, brought back.
use sera_core::Language;
use sera_syntax::{edits, parse};

/// Whether the edits of the only function of `broken` hold the one that puts `right` for `wrong`.
fn check(broken: &str, wrong: &str, right: &str) {
    let parsed = parse(Language::Python, broken);
    let function =
        parsed.functions().into_iter().find(|f| f.name.ends_with("act")).expect("it is there");
    let wanted = broken.replacen(wrong, right, 1);
    assert_ne!(wanted, broken, "{wrong}");
    let tried = edits(&parsed, &function, &[]);
    assert!(tried.iter().any(|edit| edit.apply(broken) == wanted), "{wrong} → {right}");
}

#[test]
fn what_a_function_lost_is_brought_back_from_what_the_file_still_says() {
    let operands = "def act(x, n, k):\n    y = (-x)*k**n + 2*n\n    return [y + 1, n, -2, y[k]]\n";
    check(operands, "return [y", "return [2*y");
    check(operands, "y[k]", "y[k**n]");
    check(operands, "(-x)*", "(-x)**n*");
    check(operands, "2*n", "2*k*n");
    check(operands, "y[k]", "y[k + 1]");
    let slices = "def act(m, j):\n    m[j + 1] = 0\n    return m[1:]\n";
    check(slices, "m[1:]", "m[j + 1:]");
    let wrapped =
        "def act(a, b):\n    for i in a - b:\n        if a.real > b:\n            print(i)\n";
    check(wrapped, "in a - b", "in range(a - b)");
    check(wrapped, "a.real", "abs(a).real");
    let passed = "from shapes import Square\n\n\ndef other(x):\n    return isinstance(x, Circle)\n\n\n\
                  class Shape:\n    def act(self, x, **rest):\n        if isinstance(x):\n            \
                  self.draw(x, fill=True, **rest)\n        return Round(x)\n\n    def draw(self, x, \
                  fill, line, **rest):\n        pass\n";
    check(passed, "isinstance(x):", "isinstance(x, Circle):");
    check(passed, "fill=True, ", "fill=True, line=False, ");
    check(passed, "Round(x)", "Square(x)");
    let method = "class Limit:\n    def act(self, x, dir):\n        return act(x)\n\n    def set(self, \
                  src, srcs):\n        self.srcs = srcs\n";
    check(method, "act(x)\n", "act(x, dir)\n");
    let lost = "class Box:\n    def act(self, src, n=None):\n        n = len(src)\n        \
                self.src_name = src\n        if n == 1:\n            return None\n";
    check(lost, "n = len(src)", "n = n or len(src)");
    check(
        lost,
        "        self.src_name = src\n",
        "        self.src_name = src\n        self.src = src\n",
    );
    check(lost, "n == 1", "n == -1");
    check(lost, "n == 1", "src and n == 1");
    check(lost, "return None", "return self");
}
