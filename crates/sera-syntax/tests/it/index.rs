//! Searching a small tree.
use sera_core::TreePath;
use sera_syntax::Index;
use std::sync::Arc;

fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("a good path")
}

fn tree() -> Arc<Index> {
    let files = [
        (
            "src/header.py",
            "LIMIT = 80\n\ndef parse_header(line):\n    # splits at the colon\n    key, value = line.split(':')\n    return key.strip(), value\n\ndef write_header(key, value):\n    return key + ':' + value\n",
        ),
        ("src/body.py", "def read_body(stream):\n    return stream.read()\n"),
        ("README.md", "Headers and bodies.\n"),
    ];
    Arc::new(Index::build(files.map(|(at, text)| (path(at), Arc::from(text)))))
}

#[test]
fn the_function_that_speaks_of_it_comes_first() {
    let hits = tree().search("parseHeader drops text after the second colon", 5);
    assert_eq!(hits[0].name.as_deref(), Some("parse_header"));
    assert_eq!((hits[0].line, hits[0].text.as_str()), (4, "# splits at the colon"));
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    assert_eq!(hits, tree().search("parseHeader drops text after the second colon", 5));
}

#[test]
fn code_outside_functions_and_other_files_are_found() {
    let hits = tree().search("LIMIT", 5);
    assert_eq!((hits[0].name.as_deref(), hits[0].line), (None, 1));
    let hits = tree().search("bodies", 5);
    assert_eq!(hits[0].path, path("README.md"));
    assert!(tree().search("", 5).is_empty());
    assert!(tree().search("nowhere", 5).is_empty());
}

#[test]
fn a_replaced_file_is_searched_as_it_now_is() {
    let base = tree();
    let view = base.with_file(&path("src/body.py"), "def read_chunk(stream):\n    return 1\n");
    assert_eq!(view.search("chunk", 5)[0].name.as_deref(), Some("read_chunk"));
    assert!(view.search("read_body", 5).iter().all(|hit| hit.name.as_deref() != Some("read_body")));
    assert!(base.search("chunk", 5).is_empty());
    let again = view.with_file(&path("new.py"), "def chunk_again():\n    pass\n");
    assert_eq!(again.search("chunk", 5).len(), 2);
    let found = view.function(&path("src/body.py"), "read_chunk").expect("it is there");
    assert_eq!((found.first_line, found.last_line), (1, 2));
    assert!(view.function(&path("src/body.py"), "read_body").is_none());
    assert_eq!(view.functions_of(&path("src/header.py")).len(), 2);
    assert!(view.functions_of(&path("missing.py")).is_empty());
    // What is counted there must not hold what was replaced: with a planted fault, the answer.
    let texts = |index: &Index, word: &str| index.texts().any(|(_, text)| text.contains(word));
    assert!(texts(&base, "read_body") && !texts(&base, "read_chunk"));
    assert!(!texts(&view, "read_body") && texts(&view, "read_chunk"));
}
