//! The classes: each writes as many paths as are asked for, all different in depth, target or name.

/// Paths of each class.
pub(super) const VARIANTS: usize = 50;

/// One class of paths.
pub(super) struct Class {
    pub(super) name: &'static str,
    /// No path of it may even be named; the others may, and lead to what stands in the tree or to
    /// nothing.
    pub(super) refused: bool,
    /// The path of a number, given the folder that holds the work tree and the bait.
    pub(super) write: fn(usize, &str) -> String,
}

const fn refused(name: &'static str, write: fn(usize, &str) -> String) -> Class {
    Class { name, refused: true, write }
}

const fn inside(name: &'static str, write: fn(usize, &str) -> String) -> Class {
    Class { name, refused: false, write }
}

const TARGETS: [&str; 5] =
    ["outside/secret.txt", "etc/passwd", "planted.txt", "home/.ssh/id_rsa", "proc/self/environ"];

fn target(variant: usize) -> &'static str {
    TARGETS[variant % TARGETS.len()]
}

/// From 1 to 10, another one for every five variants.
fn depth(variant: usize) -> usize {
    1 + variant / TARGETS.len()
}

fn up(step: &str, variant: usize) -> String {
    step.repeat(depth(variant)) + target(variant)
}

/// One of `words` for each variant, numbered once they are used up.
fn one_of(words: &[&str], variant: usize) -> String {
    let word = words[variant % words.len()];
    match variant / words.len() {
        0 => word.to_owned(),
        round => format!("src/{}{word}", "d/".repeat(round - 1)),
    }
}

const DEVICES: [&str; 14] = [
    "con",
    "NUL",
    "aux.c",
    "PRN.txt",
    "com1",
    "COM9.log",
    "lpt1.txt",
    "LPT0",
    "com¹",
    "lpt³.x",
    "CONIN$",
    "conout$",
    "nul .txt",
    "Aux.tar.gz",
];
const GIT: [&str; 10] = [
    ".git",
    ".git/config",
    ".git/hooks/post-commit",
    ".GIT/config",
    ".Git/HEAD",
    ".giT/objects/x",
    "a/.git/config",
    "a/b/.GIT/index",
    ".git/../x",
    ".git/info/attributes",
];
const HIDDEN: [char; 10] = [
    '\u{200c}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{202a}',
    '\u{202e}',
    '\u{206a}',
    '\u{feff}',
    '\u{2066}',
    '\u{e0041}',
];

pub(super) const CLASSES: &[Class] = &[
    refused("dot-dot before", |v, _| up("../", v)),
    refused("dot-dot inside", |v, _| format!("src/{}", up("../", v))),
    refused("dot-dot after", |v, _| target(v).to_owned() + &"/..".repeat(depth(v))),
    refused("dot-dot alone", |v, _| "../".repeat(v) + ".."),
    refused("dots between", |v, _| format!("src/{}", up("./../", v))),
    refused("single dots", |v, _| up("./", v)),
    refused("single dots inside", |v, _| format!("src/{}", up("./", v))),
    refused("more dots", |v, _| format!("{}/{}", ".".repeat(3 + v / 5), target(v))),
    refused("backslashes", |v, _| up("..\\", v)),
    refused("mixed slashes", |v, _| up("..\\../", v)),
    refused("backslash inside", |v, _| format!("src{}{}", "\\d".repeat(depth(v)), target(v))),
    inside("percent-encoded", |v, _| up("%2e%2e/", v)),
    inside("percent-encoded slashes", |v, _| up("..%2f", v)),
    inside("percent-encoded twice", |v, _| up("%252e%252e%252f", v)),
    inside("overlong as text", |v, _| up("%c0%ae%c0%ae/", v)),
    inside("replacement characters", |v, _| up("\u{fffd}\u{fffd}/", v)),
    inside("full-width dots", |v, _| up("．．/", v)),
    inside("full-width slashes", |v, _| up("..／", v)),
    inside("one-dot leaders", |v, _| up("․․/", v)),
    inside("composed and not", |v, _| {
        format!("src/{}{}", "e\u{301}/".repeat(v / 2), ["é.py", "e\u{301}.py"][v % 2])
    }),
    refused("absolute", |v, root| {
        format!("{root}/{}", "outside/../".repeat(v) + "outside/secret.txt")
    }),
    refused("absolute to the bait", |v, root| {
        format!("{}{root}/outside/secret.txt", "/".repeat(v))
    }),
    refused("absolute elsewhere", |v, _| format!("/{}{}", "usr/".repeat(depth(v) - 1), target(v))),
    refused("double slashes", |v, _| format!("/{}", up("/", v))),
    refused("empty components", |v, _| format!("src{}/{}", "/".repeat(depth(v)), target(v))),
    inside("slash at the end", |v, _| target(v).to_owned() + &"/".repeat(depth(v))),
    refused("of a process", |v, _| {
        format!("/proc/self/{}/{}", ["root", "cwd", "fd/3", "fd/0", "task"][v / 10], v)
    }),
    inside("of a process, relative", |v, _| {
        format!(
            "proc/self/{}",
            ["environ", "root/etc/passwd", "cwd/planted.txt", "fd/0", "maps"][v % 5]
        ) + &"/x".repeat(v / 5)
    }),
    refused("devices", |v, _| {
        one_of(&["/dev/stdin", "/dev/zero", "/dev/tty", "/dev/fd/0", "/dev/null/x"], v)
            .replace("src/", "/")
    }),
    inside("link to a file", |v, _| "link-file".to_owned() + &"/x".repeat(v)),
    inside("link to a folder", |v, _| {
        format!("link-dir/{}", ["secret.txt", "", "secret.txt/x"][v % 3])
            .trim_end_matches('/')
            .to_owned()
            + &"/d".repeat(v / 3)
    }),
    inside("link to a link", |v, _| "link-chain".to_owned() + &"/secret.txt".repeat(v)),
    inside("link to itself", |v, _| "link-loop".to_owned() + &"/link-loop".repeat(v)),
    inside("submodule", |v, _| "module".to_owned() + &"/planted.txt".repeat(v)),
    inside("beside the tree's files", |v, _| {
        ["planted.txt", "src/planted.py", "src/../planted.txt", "~/planted", "work/planted.txt"]
            [v % 5]
            .replace("/..", "")
            + &"/x".repeat(v / 5)
    }),
    inside("other case", |v, _| {
        let name = "src/main.py";
        let flip = |(at, c): (usize, char)| {
            if (v + 1) >> (at % 6) & 1 == 1 { c.to_ascii_uppercase() } else { c }
        };
        name.chars().enumerate().map(flip).collect()
    }),
    refused("git's folder", |v, _| one_of(&GIT, v)),
    refused("git's folder, short", |v, _| {
        format!("{}/config", ["git~1", "GIT~1", "Git~2", "a/git~1", "git~12"][v % 5])
            + &"/x".repeat(v / 5)
    }),
    refused("git's folder, hidden letters", |v, _| {
        let mut name = ".git".to_owned();
        name.insert([0, 1, 2, 3, 4][v / 10], HIDDEN[v % 10]);
        name + "/config"
    }),
    refused("invisible and turning", |v, _| {
        format!("src/ma{}in.py", HIDDEN[v % 10]) + &"/x".repeat(v / 10)
    }),
    refused("carriage return after", |v, _| target(v).to_owned() + &"\r".repeat(depth(v))),
    refused("control characters", |v, _| {
        format!("src/{}{}", char::from_u32(1 + v as u32 % 31).unwrap(), v)
    }),
    refused("NUL", |v, _| format!("{}\0{}", target(v), ".py".repeat(depth(v)))),
    refused("streams", |v, _| {
        format!(
            "src/main.py:{}",
            ["x", ":$DATA", "Zone.Identifier", ":$INDEX_ALLOCATION", "a/b"][v % 5]
        ) + &"x".repeat(v / 5)
    }),
    refused("devices of DOS", |v, _| one_of(&DEVICES, v)),
    refused("drives", |v, _| {
        format!("{}:{}", char::from(b'A' + v as u8 % 26), ["/x", "x", "\\x"][v % 3])
            + &"y".repeat(v / 26)
    }),
    refused("shares", |v, _| {
        format!(
            "\\\\{}\\{}",
            ["server", "?\\C:", ".\\pipe", "?\\UNC\\s", "localhost\\C$"][v % 5],
            "x\\".repeat(depth(v))
        )
    }),
    refused("blank or dot after", |v, _| {
        format!("{}{}", target(v), [" ", ".", " .", ". ", "..."][v / 10]) + &"/x".repeat(v % 10)
    }),
    refused("long component", |v, _| format!("src/{}", "n".repeat(256 + v))),
    refused("long path", |v, _| "d/".repeat(2_049 + v) + "x"),
    inside("deep", |v, _| "d/".repeat(1_998 + v) + "x"),
    inside("home and variables", |v, _| {
        format!("{}/{}", ["~", "~root", "$HOME", "%USERPROFILE%", "${PWD}"][v / 10], target(v))
            + &"/x".repeat(v % 10 / 5)
    }),
    refused("addresses", |v, _| {
        format!("{}://{}", ["file", "http", "git", "ssh", "ext"][v / 10], target(v))
            + &"/x".repeat(v % 10 / 5)
    }),
    inside("deny-listed", |v, _| {
        ["", "a/", "a/b/", "c/", "d/e/"][v / 10].to_owned()
            + [
                ".env",
                "server.pem",
                "id_rsa",
                ".npmrc",
                ".aws/credentials",
                "k.key",
                ".netrc",
                "x.tfstate",
                ".ssh/config",
                "kubeconfig",
            ][v % 10]
    }),
    inside("names of patches", |v, _| {
        format!("{}/{}", ["a", "b", "dev/null", "a/b", "c"][v / 10], target(v))
            + &"/x".repeat(v % 10 / 5)
    }),
    refused("out of a prefix", |v, _| format!("a/{}", up("../", v))),
    inside("quotes and options", |v, _| {
        format!("{}{}", ["\"", "'", "--", "-rf ", "`id`"][v / 10], target(v))
            + &"/x".repeat(v % 10 / 5)
    }),
    inside("in the tree", |v, _| {
        ["src/main.py", "README.md", "src/é.py", "new.py", "src/new/x.py"][v % 5].to_owned()
            + &"/x".repeat(v / 5)
    }),
];
