//! What is found in a file, by language.
use sera_core::Language;
use sera_syntax::{Function, parse, same_code};

fn summary(function: &Function) -> String {
    let mut line = format!(
        "{} {}-{} s{} c{}",
        function.name,
        function.first_line,
        function.last_line,
        function.statements,
        function.complexity
    );
    for (set, word) in [
        (function.test, " test"),
        (function.accessor, " accessor"),
        (function.docstring.is_some(), " doc"),
    ] {
        line.push_str(if set { word } else { "" });
    }
    format!("{line} [{}]", function.calls.join(" "))
}

fn check(language: Language, source: &str, expect: &[&str]) {
    let parsed = parse(language, source);
    assert!(!parsed.has_errors(), "{language}: {:?}", parsed.error_lines());
    let found: Vec<String> = parsed.functions().iter().map(summary).collect();
    assert_eq!(found, expect, "{language}");
}

#[test]
fn python_functions() {
    let source = "\
class Outer(Base):
    def method(self, a, b=1):
        \"\"\"Says what.\"\"\"
        if a and b:
            return self.other(a)
        def inner(x):
            y = x + 1
            return y
        return inner(b)

    @property
    def size(self):
        return self._size

    def __repr__(self):
        return 'x'

def test_it():
    assert Outer().method(1)
";
    check(
        Language::Python,
        source,
        &[
            "Outer.method 2-9 s6 c3 doc [other inner]",
            "Outer.method.inner 6-8 s2 c1 []",
            "Outer.size 12-13 s1 c1 accessor []",
            "Outer.__repr__ 15-16 s1 c1 accessor []",
            "test_it 18-19 s1 c1 test [method Outer]",
        ],
    );
}

#[test]
fn rust_functions() {
    let source = "\
/// Says what.
/// And more.
#[inline]
pub fn free(a: usize) -> Option<usize> {
    let b = a.checked_sub(1)?;
    if b > 2 && a < 9 { return None; }
    Some(b)
}
impl<T: Clone> Stack<T> {
    fn push(&mut self, item: T) { self.items.push(item); }
    fn total(&self) -> usize {
        let mut n = 0;
        for item in &self.items { n += item.len(); }
        n
    }
}
impl fmt::Debug for Stack<u8> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { write!(f, \"x\")?; Ok(()) }
}
#[cfg(test)]
mod tests {
    fn build() -> usize { let a = 1; a + 1 }
    #[test]
    fn works() { assert_eq!(build(), 2); }
}
";
    check(
        Language::Rust,
        source,
        &[
            "free 4-8 s4 c4 doc [checked_sub Some]",
            "Stack.push 10-10 s1 c1 accessor [push]",
            "Stack.total 11-15 s4 c2 [len]",
            "Stack.fmt 18-18 s2 c2 accessor [write Ok]",
            "tests.build 22-22 s2 c1 test []",
            "tests.works 24-24 s1 c1 test accessor [assert_eq]",
        ],
    );
}

#[test]
fn go_functions() {
    let source = "\
package p

// Total says what.
func (s *Server[T]) Total(xs []int) (int, error) {
	n := 0
	for _, x := range xs {
		if x > 0 || x < -9 {
			n += x
		}
	}
	return n, nil
}

func TestTotal(t *testing.T) { t.Log(1) }

func main() { run(1) }
";
    check(
        Language::Go,
        source,
        &[
            "Server.Total 4-12 s5 c4 doc []",
            "TestTotal 14-14 s1 c1 test accessor [Log]",
            "main 16-16 s1 c1 accessor [run]",
        ],
    );
}

#[test]
fn typescript_functions() {
    let source = "\
export class Cart extends Base {
  get size(): number { return this.items.length; }
  total(rate: number = 1): number {
    let sum = 0;
    for (const item of this.items) sum += item.price ?? 0;
    return sum * rate;
  }
}
/** Says what. */
export const half = (x: number) => {
  const y = x / 2;
  return y > 1 ? y : 1;
};
describe('cart', () => {
  const helper = () => { const a = 1; return a + 1; };
  it('adds', () => { expect(half(2)).toBe(1); });
});
";
    let expect = [
        "Cart.size 2-2 s1 c1 accessor []",
        "Cart.total 3-7 s4 c3 []",
        "half 10-13 s2 c2 doc []",
        "helper 15-15 s2 c1 test []",
    ];
    check(Language::TypeScript, source, &expect);
    check(Language::Tsx, source, &expect);
    let plain = source.replace(": number", "").replace(" = 1", "");
    check(Language::JavaScript, &plain, &expect);
}

#[test]
fn java_functions() {
    let source = "\
package p;
@Deprecated
class Stack<T> extends Base {
    /** Says what. */
    @Override
    public int total(int a) throws IOException {
        if (a > 0 && b.get(a) != null) { return this.other(a); }
        return a;
    }
    Stack(int size) { super(size); this.size = size; }
    class Inner { int size() { return size; } }
    @Test void works() { assertEquals(1, new Stack<>(1).total(2)); }
}
";
    check(
        Language::Java,
        source,
        &[
            "Stack.total 5-9 s3 c3 doc [get other]",
            "Stack.Stack 10-10 s2 c1 []",
            "Stack.Inner.size 11-11 s1 c1 accessor []",
            "Stack.works 12-12 s1 c1 test [assertEquals total Stack]",
        ],
    );
}

#[test]
fn c_functions() {
    let source = "\
#include <stdio.h>
/* Says what. */
static char **split(const char *text, int (*by)(int)) {
    int n = 0;
#ifdef DEBUG
    puts(text);
#endif
    for (; *text; text++)
        if (by(*text)) n++;
    return parts(n);
}
int declared(int a);
int main(void) { return declared(1); }
";
    let expect = ["split 3-11 s5 c3 doc [puts by parts]", "main 13-13 s1 c1 accessor [declared]"];
    check(Language::C, source, &expect);
    check(Language::Cpp, source, &expect);
}

#[test]
fn cpp_functions() {
    let source = "\
namespace n {
template <typename T>
class Stack : public Base {
 public:
  Stack(int size) : size_(size) { reserve(size); top_ = 0; }
  bool empty() const { return top_ == 0; }
  T pop();
};
// Says what.
template <typename T>
T Stack<T>::pop() {
  if (empty()) throw Empty();
  return items_[--top_];
}
n::Other& n::Other::operator=(const Other& other) { copy(other); return *this; }
TEST(Stack, Pops) { Stack<int> s(1); EXPECT_EQ(s.pop(), 1); }
}
";
    check(
        Language::Cpp,
        source,
        &[
            "Stack.Stack 5-5 s2 c1 [reserve]",
            "Stack.empty 6-6 s1 c1 []",
            "Stack.pop 11-14 s3 c2 doc [empty Empty]",
            "Other.operator= 15-15 s2 c1 [copy]",
            "TEST 16-16 s2 c1 test [EXPECT_EQ pop]",
        ],
    );
}

#[test]
fn csharp_functions() {
    let source = "\
namespace N;
public class Stack<T> : Base
{
    public Stack(int size) { _size = size; Reset(); }
    /// <summary>Says what.</summary>
    [Pure]
    public async Task<int> Total(int a, int b = 1)
    {
        var x = await Load(a) ?? b;
        int Twice(int y) { var z = y * 2; return z; }
        return x switch { 0 => 1, _ => Twice(x) };
    }
    public int Size() => _size;
    [Fact] public void Works() { Assert.Equal(1, new Stack<int>(1).Size()); }
}
";
    check(
        Language::CSharp,
        source,
        &[
            "Stack.Stack 4-4 s2 c1 [Reset]",
            "Stack.Total 6-12 s5 c4 doc [Load Twice]",
            "Stack.Total.Twice 10-10 s2 c1 []",
            "Stack.Size 13-13 s0 c1 accessor []",
            "Stack.Works 14-14 s1 c1 test [Equal Size Stack]",
        ],
    );
}

#[test]
fn ruby_functions() {
    let source = "\
module Club
  class Roster < Base
    # Says what.
    def add(person, guest: false)
      return if person.nil? && !guest
      @members << person
      each { |m| yield m if m.size > 2 }
    end

    def self.open(path) = new(path)

    def size
      @size
    end
  end
end
describe 'Roster' do
  def build(a)
    b = a + 1
    b
  end
end
";
    check(
        Language::Ruby,
        source,
        &[
            "Club.Roster.add 4-8 s4 c4 doc [nil? each size]",
            "Club.Roster.open 10-10 s0 c1 [new]",
            "Club.Roster.size 12-14 s1 c1 accessor []",
            "build 18-21 s2 c1 test []",
        ],
    );
}

#[test]
fn php_functions() {
    let source = "\
<?php
namespace Shop;
final class Basket extends Base implements Countable
{
    /**
     * Says what.
     */
    #[Pure]
    public function add(string $name, int $n = 1): int
    {
        if ($n < 1 || !isset($this->items[$name])) {
            return 0;
        }
        foreach ($this->items as $key => $value) {
            $this->touch($key);
        }
        return self::twice($n) ?? count($this->items);
    }
    public function count(): int { return $this->count; }
}
function scale($x) { $y = $x * 2; return $y; }
class BasketTest extends TestCase { public function testAdds() { $this->assertSame(1, 1); } }
";
    check(
        Language::Php,
        source,
        &[
            "Basket.add 8-18 s5 c5 doc [isset touch twice count]",
            "Basket.count 19-19 s1 c1 accessor []",
            "scale 21-21 s2 c1 []",
            "BasketTest.testAdds 22-22 s1 c1 test accessor [assertSame]",
        ],
    );
}

#[test]
fn repeated_names_are_told_apart() {
    check(
        Language::Python,
        "def f():\n    a()\n    b()\ndef f():\n    c()\n    d()\n",
        &["f 1-3 s2 c1 [a b]", "f#2 4-6 s2 c1 [c d]"],
    );
}

#[test]
fn errors_are_told_by_line() {
    let lines = |language, source| parse(language, source).error_lines();
    assert_eq!(lines(Language::Rust, "fn a() {}\nfn b( {}\n"), [2]);
    assert_eq!(lines(Language::Go, "package p\nfunc f() {\n\tx :=\n}\n").len(), 1);
    assert!(lines(Language::Python, "x = 1\n").is_empty());
}

#[test]
fn same_code_is_blind_to_layout_only() {
    let check = |language, a: &str, b: &str, expect: bool| {
        assert_eq!(same_code(language, a, b), expect, "{language}: {a:?} {b:?}");
    };
    check(Language::Python, "def f(a):\n    return a  # why\n", "def f( a ):\n  return a\n", true);
    check(Language::Python, "if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n", false);
    check(Language::Python, "a = 'x y'\n", "a = 'x  y'\n", false);
    check(Language::Python, "a = f'{x} y'\n", "a = f'{x}  y'\n", false);
    check(Language::Rust, "fn f() { a() } // x", "fn f() {\r\n    a()\r\n}\r\n", true);
    check(Language::Rust, "fn f() { a() }", "fn f() { a(); }", false);
    check(Language::JavaScript, "function f() { return\nx }", "function f() { return x }", false);
    check(Language::JavaScript, "f(`a ${b} c`)", "f(`a ${b}  c`)", false);
    check(
        Language::Go,
        "package p\nfunc f() {\n\ta()\n\tb()\n}\n",
        "package p\n\nfunc f() { a(); b() }\n",
        true,
    );
}
