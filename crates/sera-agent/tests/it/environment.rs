//! What actions do, and how little of it they show.
use crate::shop::{environment, path};
use sera_agent::{Environment, Views};
use sera_core::Action;

fn search(query: &str) -> Action {
    Action::Search { query: query.to_owned() }
}

fn open(file: &str, name: Option<&str>) -> Action {
    Action::Open { path: path(file), name: name.map(str::to_owned) }
}

fn edit(file: &str, old: &str, new: &str) -> Action {
    Action::Edit { path: path(file), old: old.to_owned(), new: new.to_owned() }
}

fn check(environment: &mut Environment, action: &Action, expect: Result<&str, &str>) {
    let seen = environment.execute(action);
    let result = if seen.ok { Ok(seen.text.as_str()) } else { Err(seen.text.as_str()) };
    assert_eq!(result, expect, "{action:?}");
}

#[test]
fn functions_and_files_are_shown() {
    let e = &mut environment();
    check(
        e,
        &open("shop/price.py", Some("rounded")),
        Ok("def rounded(amount):\n    return math.floor(amount * 100) / 100"),
    );
    check(
        e,
        &open("shop/stock.py", Some("Stock.available")),
        Ok("    def available(self, name):\n        return self.counts.get(name, 0) > 0"),
    );
    check(
        e,
        &open("shop/price.py", None),
        Ok("net_total  4: def net_total(items):\n\
            gross_total  11: def gross_total(items, rate):\n\
            rounded  16: def rounded(amount):"),
    );
    check(e, &open("README.md", None), Ok("# Shop\n\nTotals and stock."));
    check(
        e,
        &open("shop/price.py", Some("sum")),
        Err("no function sum in shop/price.py; it has net_total, gross_total, rounded"),
    );
    check(e, &open("shop/none.py", None), Err("no file at shop/none.py"));
}

#[test]
fn hits_name_functions() {
    let seen = environment().execute(&search("gross rate"));
    assert!(seen.ok);
    let first = seen.text.lines().next().unwrap();
    assert!(first.starts_with("shop/price.py::gross_total  "), "{first}");
    check(&mut environment(), &search("zebra"), Ok("no match"));
}

#[test]
fn edits_need_one_place() {
    let e = &mut environment();
    let line = "        total -= item.price * item.count";
    check(
        e,
        &edit("shop/price.py", "subtotal", "x"),
        Err("the old text does not occur in shop/price.py"),
    );
    check(
        e,
        &edit("shop/price.py", "items", "rows"),
        Err("the old text occurs 4 times in shop/price.py, add lines around it"),
    );
    check(e, &edit("shop/price.py", line, line), Err("the new text equals the old"));
    check(e, &edit("shop/price.py", "", "x"), Err("the edit has no old text"));
    assert!(e.patch().is_empty(), "failed edits change nothing");
    check(
        e,
        &edit("shop/price.py", line, &line.replace('-', "+")),
        Ok("edited shop/price.py\n    total = 0\n    for item in items:\n        \
            total += item.price * item.count\n    return total\n"
            .trim_end_matches('\n')),
    );
    check(e, &edit("shop/new.py", "", "x = 1\n"), Ok("edited shop/new.py\nx = 1"));
    assert_eq!(e.patch().files.len(), 2);
}

#[test]
fn search_sees_edits_and_clones_do_not() {
    let mut changed = environment();
    let untouched = changed.clone();
    check(
        &mut changed,
        &edit("shop/price.py", "def rounded(amount):", "def zebra(amount):"),
        Ok(
            "edited shop/price.py\n\n\ndef zebra(amount):\n    return math.floor(amount * 100) / 100",
        ),
    );
    assert!(changed.execute(&search("zebra")).text.starts_with("shop/price.py::zebra"));
    assert_eq!(untouched.clone().execute(&search("zebra")).text, "no match");
    assert!(untouched.patch().is_empty());
}

#[test]
fn syntax_is_checked_and_changes_are_shown() {
    let e = &mut environment();
    check(e, &Action::Diff, Ok("no changes"));
    let ok = Ok("shop/price.py: no syntax errors");
    check(e, &Action::Check { path: path("shop/price.py") }, ok);
    check(e, &Action::Check { path: path("README.md") }, Ok("README.md: no grammar to check with"));
    assert!(e.execute(&edit("shop/price.py", "net * rate", "net * ) rate")).ok);
    let seen = e.execute(&Action::Check { path: path("shop/price.py") });
    assert_eq!(seen.text, "shop/price.py: syntax errors in lines 13");
    let seen = e.execute(&Action::Diff);
    assert!(seen.text.contains("+    return net + net * ) rate"), "{}", seen.text);
    check(e, &Action::Submit, Ok("submitted"));
}

#[test]
fn observations_stay_short() {
    let views = Views { hits: 2, lines: 3, open_bytes: 60, bytes: 50 };
    let mut e = environment().with_views(views);
    let seen = e.execute(&open("shop/price.py", Some("net_total"))).text;
    assert_eq!(
        seen,
        "def net_total(items):\n    total = 0\n... 2 lines not shown ...\n    return total"
    );
    assert_eq!(e.execute(&search("total items")).text.lines().count(), 1, "as many as fit");
    let unread = e.execute(&Action::Unreadable { text: "hello".to_owned() });
    assert!(!unread.ok);
    assert!(unread.text.len() <= 50, "{}", unread.text);
}

fn view(file: Option<&str>, lines: Option<(usize, usize)>) -> Action {
    Action::View { path: file.map(path), lines }
}

#[test]
fn files_are_viewed_with_numbers_and_folders_listed() {
    let e = &mut environment();
    check(e, &view(None, None), Ok("README.md\nshop/\nshop/price.py\nshop/stock.py"));
    check(e, &view(Some("shop"), None), Ok("price.py\nstock.py"));
    check(e, &view(Some("shop/none.py"), None), Err("no file at shop/none.py"));
    let both = Ok("     4\tdef net_total(items):\n     5\t    total = 0");
    check(e, &view(Some("shop/price.py"), Some((4, 5))), both);
    check(e, &view(Some("README.md"), Some((3, usize::MAX))), Ok("     3\tTotals and stock."));
    check(e, &view(Some("README.md"), Some((9, 12))), Err("README.md has 3 lines"));
}

#[test]
fn files_are_made_lines_put_in_and_changes_taken_back() {
    let e = &mut environment();
    let create = |text: &str| Action::Create { path: path("shop/new.py"), text: text.to_owned() };
    let insert = |file: &str, after, text: &str| Action::Insert {
        path: path(file),
        after,
        text: text.to_owned(),
    };
    let undo = |file: &str| Action::Undo { path: path(file) };
    check(e, &create("zebra = 1"), Ok("made shop/new.py"));
    check(e, &create("x = 2"), Err("shop/new.py is there already; edit it"));
    check(e, &insert("shop/new.py", 1, "y = 2"), Ok("edited shop/new.py\nzebra = 1\ny = 2"));
    check(
        e,
        &insert("shop/new.py", 0, "w = 0\n"),
        Ok("edited shop/new.py\nw = 0\nzebra = 1\ny = 2"),
    );
    check(e, &insert("shop/new.py", 4, "z"), Err("shop/new.py has 3 lines"));
    check(e, &insert("shop/none.py", 0, "z"), Err("no file at shop/none.py"));
    assert!(e.execute(&search("zebra")).text.starts_with("shop/new.py"));
    check(
        e,
        &undo("shop/price.py"),
        Err("shop/price.py was not changed, or all of it was taken back"),
    );
    for _ in 0..3 {
        check(e, &undo("shop/new.py"), Ok("took the last change of shop/new.py back"));
    }
    assert!(!e.execute(&undo("shop/new.py")).ok);
    check(e, &search("zebra"), Ok("no match"));
    assert!(e.patch().is_empty(), "nothing is left of it");
    check(e, &create("x = 2"), Ok("made shop/new.py"));
}

#[test]
fn an_edit_can_be_taken_back() {
    let e = &mut environment();
    assert!(e.execute(&edit("shop/price.py", "net * rate", "rate")).ok);
    assert!(e.execute(&edit("shop/stock.py", "> 0", ">= 0")).ok);
    assert!(e.execute(&edit("shop/price.py", "net + rate", "net")).ok);
    let undo = Action::Undo { path: path("shop/price.py") };
    assert!(e.execute(&undo).ok && e.patch().to_string().contains("+    return net + rate"));
    assert!(e.execute(&undo).ok);
    assert_eq!(e.patch().files.len(), 1, "the other file's change stays");
}
