//! What a model writes, in every dialect, and what comes of it in an environment.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_agent::Environment;
use sera_agent::dialect::{Dialect, Reader, hopeless, read_reply};
use sera_core::redact::Redactor;
use sera_core::{Call, Reply};
use sera_sandbox::Overlay;
use sera_syntax::Index;
use sera_testkit::MemoryTree;
use std::sync::{Arc, LazyLock};

const CODE: &str = "def total(prices, rebate):\n    left = sum(prices)\n    return left - rebate\n";

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let tree = MemoryTree::new([("shop/price.py", CODE), ("README.md", "# Shop\n")]);
    let overlay = Overlay::new(Arc::new(tree), Redactor::new([7; 32]));
    let files = sera_datagen::source_files(&overlay).expect("the files are in memory");
    Environment::new(overlay, Arc::new(Index::build(files)))
});

fuzz_target!(|input: (&str, &str, &str)| {
    let (text, name, arguments) = input;
    let call = Call { id: "1".to_owned(), name: name.to_owned(), arguments: arguments.to_owned() };
    let calls = if name.is_empty() { Vec::new() } else { vec![call] };
    let reply = Reply { text: text.to_owned(), calls, finished: true, ..Reply::default() };
    hopeless(text);
    let mut environment = ENVIRONMENT.clone();
    let readers = Dialect::ALL.map(Reader::Teacher).into_iter().chain([Reader::Student]);
    for reader in readers {
        let (_, action) = read_reply(reader, &reply);
        environment.execute(&action);
    }
    let patch = environment.patch();
    for file in &patch.files {
        assert!(!file.path().as_str().split('/').any(|part| matches!(part, ".." | ".git" | "")));
    }
});
