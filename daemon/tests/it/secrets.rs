//! What is secret in a repository leaves it nowhere: not to a teacher, not into the store, an
//! export, a log or an answer. Each secret here is planted once and looked for everywhere.
use crate::kinds::{KINDS, drawn};
use crate::user::{Ended, User, holding, real_base};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use sera_testkit::teacher::{Act, Asked, answer, good, says};
use sera_testkit::{Person, Repo, TeacherServer};
use serde_json::Value;
use std::cell::RefCell;
use std::path::Path;

/// Letters that stand in no other place: what is looked for.
fn canary(number: usize) -> String {
    let digest = sera_core::Digest::of(format!("canary {number}").as_bytes());
    let upper = |(at, c): (usize, char)| if at % 3 == 0 { c.to_ascii_uppercase() } else { c };
    let letters = digest.as_str().chars().map(|c| match c {
        '0'..='4' => char::from(b'g' + c as u8 - b'0'),
        other => other,
    });
    letters.enumerate().map(upper).take(36).collect()
}

/// Where a secret is planted, by the number of its canary.
#[derive(Clone, Copy)]
enum Place {
    Constant,
    InFunction,
    Documentation,
    Test,
    Readme,
    DotEnv,
    PrivateKey,
    KeyBlock,
    History,
    Subject,
    Body,
    Path,
    FunctionName,
    Author,
    WorkTree,
    Description,
    Teacher,
    Import,
}

impl Place {
    const ALL: [Self; 18] = [
        Self::Constant,
        Self::InFunction,
        Self::Documentation,
        Self::Test,
        Self::Readme,
        Self::DotEnv,
        Self::PrivateKey,
        Self::KeyBlock,
        Self::History,
        Self::Subject,
        Self::Body,
        Self::Path,
        Self::FunctionName,
        Self::Author,
        Self::WorkTree,
        Self::Description,
        Self::Teacher,
        Self::Import,
    ];

    fn canary(self) -> String {
        canary(self as usize)
    }

    /// A token that says itself that it is one.
    fn token(self) -> String {
        format!("ghp_{}", self.canary())
    }
}

/// A module in which every function may be asked about.
fn module() -> String {
    let key: Vec<String> = (100..108).map(|n| canary(n) + &canary(n + 100)[..28]).collect();
    format!(
        r#""""Talks to the shop."""

API_TOKEN = "{constant}"

SIGNING_KEY = """-----BEGIN RSA PRIVATE KEY-----
{before}
{block}{filling}
{after}
-----END RSA PRIVATE KEY-----"""


def retries(count, limit):
    """Tell how often a call is tried again."""
    left = limit - count
    if left < 0:
        return 0
    return left


def headers(extra):
    """Return the headers of a call, as the shop wants them.

    The old ones had token: {documentation}
    """
    password = "{in_function}"
    found = {{"Authorization": password}}
    for name, value in extra:
        found[name.lower()] = value
    return found


def {function}(prices, rebate):
    """Add the prices up and take the rebate off."""
    total = sum(prices)
    if rebate > total:
        return 0
    return total - rebate
"#,
        constant = Place::Constant.token(),
        before = key[..4].join("\n"),
        block = Place::KeyBlock.canary(),
        filling = &canary(99)[..28],
        after = key[4..].join("\n"),
        documentation = Place::Documentation.token(),
        in_function = Place::InFunction.token(),
        function = function_name(),
    )
}

/// A name of a function that holds what the key of a cloud looks like.
fn function_name() -> String {
    format!("AKIA{}", &Place::FunctionName.canary().to_uppercase()[..16])
}

/// What is looked for of a place: less where less of it fits.
fn looked_for(place: Place) -> String {
    match place {
        Place::FunctionName => function_name()[4..].to_owned(),
        other => other.canary()[..24].to_owned(),
    }
}

/// Functions of which the first `changed` count otherwise.
fn parts(changed: usize) -> String {
    let part = |n: usize| {
        let sign = if n < changed { '+' } else { '-' };
        format!(
            "def part_{n}(count, brought):\n    first = count * {n}\n    second = first {sign} brought\n    return second\n\n\n"
        )
    };
    (0..16).map(part).collect()
}

fn planted() -> User {
    let repo = Repo::new();
    repo.commit("Begin", &[("shop/parts.py", &parts(0))]);
    for round in 1..6 {
        repo.commit(
            &format!("Count part {round} with what it brings"),
            &[("shop/parts.py", &parts(round))],
        );
    }
    let module = module();
    let leaking = module.replace("left = limit - count", "left = limit - count - 1");
    let with_history = leaking.replace(
        "    return left\n",
        &format!(
            "    url = 'https://shop:{}@shop.invalid'\n    return left\n",
            Place::History.token()
        ),
    );
    repo.commit("Add the shop", &[("shop/calls.py", &with_history)]);
    repo.commit("Keep no address in the code", &[("shop/calls.py", &leaking)]);
    let path = format!("shop/{}.py", Place::Path.token());
    repo.commit(
        "Keep more of it",
        &[
            (&path, "def keep(a, b):\n    c = a + b\n    return c * 2\n"),
            (".env", &format!("SHOP={}\n", Place::DotEnv.canary())),
            ("certs/shop.pem", &format!("{}\n", Place::PrivateKey.canary())),
            ("README.md", &format!("# Shop\n\npassword: {}\n", Place::Readme.token())),
            (
                "tests/test_shop.py",
                &format!("def test_token():\n    assert token() == '{}'\n", Place::Test.token()),
            ),
        ],
    );
    let subject = format!("Count every retry, {} did not", Place::Subject.token());
    let once = leaking.replace("limit - count - 1", "limit - count");
    repo.commit(&subject, &[("shop/calls.py", &once)]);
    let body = format!("Take no more off\n\nSeen with the token {} only.", Place::Body.token());
    let more = once.replace("if rebate > total", "if rebate >= total");
    repo.commit(&body, &[("shop/calls.py", &more)]);
    let author = Person {
        name: "Ada Example",
        email: String::leak(format!("{}@example.invalid", Place::Author.token())),
    };
    let last = more.replace("found[name.lower()] = value", "found[name.strip().lower()] = value");
    repo.commit_as(author, "Strip the names of headers", &[("shop/calls.py", &last)]);
    // What is newest is held out, and nothing is asked about it.
    for round in 6..16 {
        repo.commit(
            &format!("Count part {round} with what it brings"),
            &[("shop/parts.py", &parts(round))],
        );
    }
    repo.write("shop/new.py", format!("SECRET_TOKEN = '{}'\n", Place::WorkTree.token()));
    User::of(repo)
}

/// A teacher that writes a secret of its own into its thoughts, reports and edits.
fn indiscreet(asked: &Asked) -> Vec<Act> {
    let token = Place::Teacher.token();
    let text = answer(&asked.body).unwrap_or_else(|| "submit".to_owned());
    let text = text.replace("I look there first.", &format!("I found {token} and look there."));
    let text = text.replace("for the last entry", &format!("with the token {token} at hand"));
    says(&text.replace("# Looked at.\ndef part_1", &format!("# Not '{token}'.\ndef part_1")))
}

/// Every answer of the command, kept to be looked through.
struct Seen<'a> {
    user: &'a User,
    said: RefCell<String>,
}

impl Seen<'_> {
    fn sera(&self, arguments: &[&str]) -> Ended {
        let ended = self.user.sera(arguments);
        self.said.replace_with(|said| format!("{said}{arguments:?}\n{}{}", ended.out, ended.err));
        ended
    }

    /// Nothing that is planted stands in what was said, what was sent, and what is kept.
    fn hold_none(&self, sent: &[Asked]) {
        self.user.sera(&["stop"]).well();
        let root = self.user.repo.root();
        // What is kept can be read: names of functions stand in it as they are.
        assert!(!holding(&self.user.sera_folder(), "part_3").is_empty());
        let said = self.said.borrow();
        for place in Place::ALL {
            let wanted = looked_for(place);
            assert!(!said.contains(&wanted), "{} is told:\n{said}", place as usize);
            for one in sent {
                let heard = one.body.contains(&wanted) || one.line.contains(&wanted);
                assert!(!heard, "{} is sent: {}", place as usize, one.body);
                assert!(one.headers.iter().all(|line| !line.contains(&wanted)));
            }
            for folder in [self.user.sera_folder(), root.join("s"), root.join("c"), root.join("r")]
            {
                assert_eq!(holding(&folder, &wanted), [""; 0], "{}", place as usize);
            }
        }
    }
}

#[test]
fn nothing_secret_is_sent_stored_exported_or_logged() {
    let server = TeacherServer::new(indiscreet);
    let user = planted();
    for (key, value) in [("sera.teacher.url", &*server.url), ("sera.teacher.model", "m-1")] {
        user.repo.git(&["config", "--global", key, value]);
    }
    let seen = Seen { user: &user, said: RefCell::default() };
    seen.sera(&["mine", "--explain"]).well();
    seen.sera(&["rollout", "--procedural"]).well();
    seen.sera(&["rollout", "--limit", "60"]).well();
    seen.sera(&["rollout", "--limit", "2", "--dry-run"]);
    let row = serde_json::json!({
        "instance_id": format!("x_{}_1", Place::Import.token()),
        "problem_statement": format!("Retries are wrong, token {}", Place::Import.token()),
        "messages": [{"role": "user", "content": Place::Import.token()}],
        "rollout_patch": "--- a/shop/calls.py\n+++ b/shop/calls.py\n@@ -1,1 +1,1 @@\n-\"\"\"Talks to the shop.\"\"\"\n+\"\"\"Talks to it.\"\"\"\n",
    });
    std::fs::write(user.repo.root().join("rows.jsonl"), format!("{row}\n")).unwrap();
    seen.sera(&["import", "../rows.jsonl"]);
    seen.sera(&["select", "--min-recall", "0"]).well();
    for format in ["openai", "axolotl", "hermes", "swe-agent", "atif"] {
        seen.sera(&["export", "--format", format, "-o", &format!("../out-{format}")]).well();
    }
    let log = seen.sera(&["log", "-n", "400", "--json"]).well().json();
    for one in log["trajectories"].as_array().unwrap() {
        seen.sera(&["show", one["id"].as_str().unwrap()]).well();
    }
    seen.sera(&["why", "shop/calls.py"]);
    seen.sera(&["status"]).well();
    let asked = server.asked();
    // The functions beside the secrets were worked on, and their pseudonyms stand in their place.
    let shown =
        |one: &&Asked| one.body.contains("shop/calls.py") && one.body.contains("password = ");
    assert!(asked.iter().filter(shown).any(|one| one.body.contains("ghp_")), "{}", asked.len());
    let sent = seen.sera(&["audit", "-n", "100000", "--kind", "sent", "--json"]).well().json();
    // What pip is asked for speaks of no secret.
    let replaced = |entry: &Value| entry["event"]["redactions"].as_u64();
    let replaced = sent["entries"].as_array().unwrap().iter().filter_map(replaced);
    assert!(replaced.sum::<u64>() > 0, "the audit log counts the pseudonyms that are sent");
    let exported = std::fs::read_to_string(user.repo.root().join("out-openai")).unwrap();
    assert!(
        exported.contains("shop/calls.py") && exported.contains("and look there"),
        "{exported}"
    );
    seen.hold_none(&asked);
}

/// Secrets that say themselves what they are, of one kind: where each stands, and what of it nobody
/// may see.
struct Planted {
    /// A module whose function may be asked about.
    module: String,
    /// The module before it was cleaned up.
    before: String,
    /// What a test printed once, and what a script sets.
    beside: [String; 2],
    canaries: Vec<String>,
}

fn plant(number: usize, form: &str, rng: &mut ChaCha8Rng) -> Planted {
    let mut canaries = Vec::new();
    let mut secret = || {
        let (secret, random) = drawn(form, rng);
        canaries.push(random[..random.len().min(20)].to_owned());
        secret
    };
    let constants: String =
        (0..4).map(|n| format!("TOKEN_{n} = \"{}\"\n", secret())).collect::<String>();
    let function = format!(
        "\n\ndef part_{number}(count, brought):\n    \"\"\"Bring the count.\n\n    token: {}\n    \"\"\"\n    \
         token = '{}'\n    first = count * {number}\n    second = first - brought\n    \
         return second, token\n",
        secret(),
        secret()
    );
    let old: String = (0..4).map(|n| format!("OLD_TOKEN_{n} = \"{}\"\n", secret())).collect();
    let printed: String =
        (0..2).map(|_| format!("E   AssertionError: assert '{}' == 'x'\n", secret())).collect();
    let set: String = (0..3).map(|n| format!("export TOKEN_{n}=\"{}\"\n", secret())).collect();
    let module = format!("{constants}{function}");
    let before = format!("{old}{module}").replace("first - brought", "first + brought");
    Planted { module, before, beside: [printed, set], canaries }
}

/// Fifteen of each kind, in code, documentation, history, what a test printed and what a script
/// sets. The teacher is asked about the functions that hold them.
#[test]
fn a_thousand_secrets_stay_here() {
    let mut rng = ChaCha8Rng::seed_from_u64(1_000);
    // What ends in a sign is told from its place by luck, and not in all of these.
    let alone =
        |(kind, _, form): &&(&str, &str, &str)| !form.starts_with('=') && *kind != "broker address";
    let forms = KINDS.iter().filter(alone).enumerate();
    let planted: Vec<Planted> = forms.map(|(n, (_, _, form))| plant(n, form, &mut rng)).collect();
    let repo = Repo::new();
    let files =
        |of: &dyn Fn(&Planted) -> String, folder: &str, ending: &str| -> Vec<(String, String)> {
            let file =
                |(n, one): (usize, &Planted)| (format!("{folder}/part_{n}.{ending}"), of(one));
            planted.iter().enumerate().map(file).collect()
        };
    let commit = |subject: &str, files: &[(String, String)]| {
        let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        repo.commit(subject, &files);
    };
    commit("Begin with all parts", &files(&|one| one.before.clone(), "shop", "py"));
    commit("Keep what the tests printed", &files(&|one| one.beside[0].clone(), "tests", "txt"));
    commit("Set what scripts need", &files(&|one| one.beside[1].clone(), "ci", "sh"));
    for (n, file) in files(&|one| one.module.clone(), "shop", "py").into_iter().enumerate() {
        commit(&format!("Take away what part {n} brings"), &[file]);
    }
    let user = User::of(repo);
    let server = TeacherServer::new(good);
    for (key, value) in [("sera.teacher.url", &*server.url), ("sera.teacher.model", "m-1")] {
        user.repo.git(&["config", "--global", key, value]);
    }
    let mut said = String::new();
    for arguments in [
        &["mine", "--explain"][..],
        &["rollout", "--procedural"],
        &["rollout", "--limit", "200"],
        &["export", "--format", "openai", "-o", "../out"],
        &["log", "-n", "1000", "--json"],
        &["stop"],
    ] {
        let ended = user.sera(arguments).well();
        said.push_str(&ended.out);
        said.push_str(&ended.err);
    }
    let sent: String = server.asked().iter().map(|asked| &*asked.body).collect();
    assert!(sent.contains("shop/part_"));
    // A pseudonym begins as its secret does.
    let begins = KINDS.iter().filter_map(|(_, _, form)| form.split('%').next());
    let shown = begins.filter(|begin| begin.len() >= 4 && sent.contains(begin)).count();
    assert!(shown >= 20, "what stands for secrets of {shown} kinds is sent");
    let root = user.repo.root();
    let mut kept = Vec::new();
    for folder in [user.sera_folder(), root.join("s"), root.join("c"), root.join("out")] {
        contents(&folder, &mut kept);
    }
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("shop/part_"), "what is kept can be read");
    let canaries: Vec<&String> = planted.iter().flat_map(|one| &one.canaries).collect();
    assert!(planted.len() >= 50 && canaries.len() >= 1_000, "{} kinds", planted.len());
    for canary in canaries {
        for (place, text) in [("sent", &*sent), ("told", &*said), ("kept", &*kept)] {
            assert!(!text.contains(canary), "{canary} is {place}");
        }
    }
}

/// Every byte of a file or of the files below a folder.
fn contents(path: &Path, into: &mut Vec<u8>) {
    if !path.is_dir() {
        into.extend(std::fs::read(path).unwrap_or_default());
        return;
    }
    for entry in std::fs::read_dir(path).unwrap() {
        contents(&entry.unwrap().path(), into);
    }
}

#[test]
fn a_fix_keeps_what_its_words_and_files_hold_to_itself() {
    let Some(base) = real_base() else { return };
    let user = planted();
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    let seen = Seen { user: &user, said: RefCell::default() };
    let description =
        format!("retries gives one too few with token {}", Place::Description.token());
    user.sera(&["mine"]).well();
    let ended = user.sera(&["fix", &description, "shop/calls.py"]);
    assert!(!ended.out.contains(&looked_for(Place::Constant)), "{ended:?}");
    seen.hold_none(&[]);
}
