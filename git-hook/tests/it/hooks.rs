//! Hooks are put in where the user asked, tell what happened, and are taken out without a trace;
//! whatever other tools have set up goes on.
use crate::bench::Bench;
use insta::assert_snapshot;
use sera_git::{HINT, Rewritten, Spool};
use sera_testkit::HookTools;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;

/// A developer with one repository, a daemon that agrees to everything, and chosen programs.
struct Developer {
    bench: Bench,
    path: OsString,
}

impl Developer {
    fn with(path: OsString) -> Self {
        let (bench, seen) = Bench::scripted(|request, daemon| daemon.answer_as_usual(request));
        // What the daemon was asked is not looked at here.
        drop(seen);
        Self { bench, path }
    }

    /// With a git of that version, which is really the one that is there.
    fn with_git(version: &str) -> Self {
        let own = std::env::var_os("PATH").unwrap();
        let git =
            std::env::split_paths(&own).map(|folder| folder.join("git")).find(|git| git.is_file());
        let mut developer = Self::with(own.clone());
        let folder = developer.bench.folders().join("bin");
        let says = format!(
            "#!/bin/sh\nfor word; do [ \"$word\" = version ] && echo git version {version} && exit; done\n\
             exec {} \"$@\"\n",
            git.unwrap().display()
        );
        write(&folder.join("git"), &says, 0o755);
        let all = std::iter::once(folder).chain(std::env::split_paths(&own));
        developer.path = std::env::join_paths(all).unwrap();
        developer
    }

    fn repo(&self) -> &Path {
        self.bench.repo.path()
    }

    fn git_dir(&self) -> PathBuf {
        self.repo().join(".git")
    }

    fn hook(&self, name: &str) -> PathBuf {
        self.git_dir().join("hooks").join(name)
    }

    fn spool(&self) -> Spool {
        Spool::below(&self.git_dir())
    }

    /// `git sera` with these arguments.
    fn sera(&self, arguments: &[&str]) -> String {
        let mut command = self.bench.command(arguments);
        self.bench.show(&command.env("PATH", &self.path).output().unwrap())
    }

    /// A program of the developer's in `folder`, whose commits follow each other.
    fn runs_in(&self, folder: &Path, program: &str, arguments: &[&str]) -> Output {
        let mut command = self.bench.repo.command();
        let git = command.get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned)));
        let environment: Vec<(OsString, Option<OsString>)> = git.collect();
        command = std::process::Command::new(program);
        for (name, value) in environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("PATH", &self.path).current_dir(folder).args(arguments);
        command.output().unwrap()
    }

    /// The same, which must succeed, in the repository.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.runs_in(self.repo(), program, arguments);
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.run("git", arguments)
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    fn commit(&self) -> String {
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "one more"]);
        self.head()
    }

    /// Whether a hook gave a hint since the last time this was asked.
    fn was_hinted(&self) -> bool {
        std::fs::remove_file(self.spool().folder().join(HINT)).is_ok()
    }

    fn rewritten(&self) -> Vec<(String, String)> {
        let taken = self.spool().take().unwrap();
        assert_eq!(taken.skipped, 0);
        let text = |pair: &Rewritten| (pair.old.to_string(), pair.new.to_string());
        let pairs = taken.rewritten.iter().map(text).collect();
        taken.done().unwrap();
        pairs
    }

    /// Everything that hooks can stand in.
    fn state(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut state = BTreeMap::new();
        for place in [".git/hooks", ".git/config", ".git/sera/hooks", ".husky", "lefthook.yml"] {
            read(&self.repo().join(place), &mut state);
        }
        state
    }
}

/// Modes and contents by path; where a link leads is its content.
fn read(path: &Path, into: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    let Ok(found) = std::fs::symlink_metadata(path) else { return };
    let content = if found.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            read(&entry.unwrap().path(), into);
        }
        Vec::new()
    } else if found.is_symlink() {
        std::fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()
    } else {
        std::fs::read(path).unwrap()
    };
    into.insert(path.to_owned(), (found.permissions().mode(), content));
}

fn write(path: &Path, content: &str, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_older_git_gets_no_hooks_unless_asked() {
    let developer = Developer::with_git("2.53.0");
    let before = developer.state();
    assert_snapshot!("auto_with_an_older_git", developer.sera(&["register"]));
    assert_snapshot!("config_with_an_older_git", developer.sera(&["register", "--hooks=config"]));
    assert_snapshot!("none_as_json", developer.sera(&["register", "--json", "--hooks=none"]));
    assert_eq!(developer.state(), before);
}

#[test]
fn the_setting_is_the_users_own() {
    let developer = Developer::with_git("2.54.1");
    developer.git(&["config", "--local", "sera.hooks", "files"]);
    developer.git(&["config", "--global", "sera.hooks", "none"]);
    let said = developer.sera(&["register"]);
    assert!(said.contains("no hooks; refs are watched"), "{said}");
    developer.git(&["config", "--global", "sera.hooks", "everywhere"]);
    assert_snapshot!("setting_unknown", developer.sera(&["register"]));
}

/// Hooks that stand already, what becomes of them with ours, and that all is as before without.
#[test]
fn blocks_are_put_into_shell_scripts_and_taken_out_again() {
    let developer = Developer::with_git("2.39.5");
    let evidence = developer.bench.folders().join("evidence");
    let says = |word: &str| format!("echo {word} >> {}\n", evidence.display());
    let script = |word: &str| format!("#!/bin/sh -eu\n{}exit 0\n", says(word));
    write(&developer.hook("post-commit"), &script("commit"), 0o750);
    write(&developer.hook("post-merge"), "#!/usr/bin/env python3\nprint()\n", 0o755);
    let elsewhere = developer.bench.folders().join("shared-hook");
    write(&elsewhere, &script("shared"), 0o755);
    symlink(&elsewhere, developer.hook("post-checkout")).unwrap();
    write(&developer.hook("pre-commit"), &script("before"), 0o755);
    let before = developer.state();

    assert_snapshot!("files", developer.sera(&["register", "--hooks=files"]));
    let with = developer.state();
    assert_eq!(developer.sera(&["register", "--hooks=files", "-q"]).lines().count(), 3);
    assert_eq!(developer.state(), with, "a second time changes nothing");
    let script = std::fs::read_to_string(developer.hook("post-commit")).unwrap();
    assert_snapshot!(
        "a_script_with_the_block",
        script.replace(evidence.to_str().unwrap(), "[EVIDENCE]")
    );
    assert_snapshot!(
        "our_own_file",
        std::fs::read_to_string(developer.hook("post-rewrite")).unwrap()
    );

    let old = developer.commit();
    assert!(developer.was_hinted());
    assert_eq!(std::fs::read_to_string(&evidence).unwrap(), "before\ncommit\n", "theirs ran");
    developer.git(&["commit", "--quiet", "--amend", "--allow-empty", "-m", "better"]);
    assert_eq!(developer.rewritten(), [(old, developer.head())]);

    assert_snapshot!("files_removed", developer.sera(&["unregister"]));
    assert_eq!(developer.state(), before);
    developer.was_hinted();
    developer.commit();
    assert!(!developer.was_hinted());
}

#[test]
fn what_others_add_to_our_file_stays_theirs() {
    let developer = Developer::with_git("2.39.5");
    developer.sera(&["register", "--hooks=files"]);
    let file = developer.hook("post-rewrite");
    let ours = std::fs::read_to_string(&file).unwrap();
    write(&file, &format!("{ours}make test\n"), 0o755);
    developer.sera(&["unregister"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "#!/bin/sh\nmake test\n");
}

#[test]
fn folders_that_are_not_the_repositorys_own_are_left_alone() {
    let developer = Developer::with_git("2.39.5");
    let shared = developer.bench.folders().join("shared");
    write(&shared.join("post-commit"), "#!/bin/sh\n", 0o755);
    let config = |value: &str| {
        developer.git(&["config", "--global", "core.hooksPath", value]);
    };
    config(shared.to_str().unwrap());
    let before = (developer.state(), std::fs::read(shared.join("post-commit")).unwrap());
    assert_snapshot!("foreign_folder", developer.sera(&["register", "--hooks=files"]));
    let after = (developer.state(), std::fs::read(shared.join("post-commit")).unwrap());
    assert_eq!(after, before);
    for (value, expect) in [("~/hooks", false), (".git/hooks", true), (".husky/_", false)] {
        config(value);
        let said = developer.sera(&["register", "--hooks=files"]);
        assert_eq!(said.starts_with("exit 0"), expect, "{value}: {said}");
    }
    // One that is a link leads elsewhere, too.
    developer.git(&["config", "--global", "--unset", "core.hooksPath"]);
    std::fs::remove_dir_all(developer.git_dir().join("hooks")).unwrap();
    symlink(&shared, developer.git_dir().join("hooks")).unwrap();
    let said = developer.sera(&["register", "--hooks=files"]);
    assert!(said.starts_with("exit 65"), "{said}");
}

/// A hook of ours ends well and says nothing, whatever it meets.
#[test]
fn a_hook_never_fails() {
    let Some(tools) = HookTools::named() else { return };
    for (kind, path) in [("config", tools.path()), ("files", std::env::var_os("PATH").unwrap())] {
        let developer = Developer::with(path);
        write(&developer.hook("post-checkout"), "#!/bin/sh\n", 0o755);
        write(&developer.hook("post-commit"), "#!/bin/sh\n", 0o755);
        developer.sera(&["register", "--hooks", kind]);
        let spool = developer.spool().folder().to_owned();
        let quietly = |what: &str| {
            for arguments in [
                &["commit", "--quiet", "--allow-empty", "-m", "x"][..],
                &["commit", "--quiet", "--amend", "--allow-empty", "-m", "y"],
                &["checkout", "--quiet", "-B", "other"],
            ] {
                let output = developer.runs_in(developer.repo(), "git", arguments);
                let quiet = output.stdout.is_empty() && output.stderr.is_empty();
                assert!(output.status.success() && quiet, "{kind}, {what}: {output:?}");
            }
        };
        quietly("all is well");
        assert!(developer.was_hinted() && !developer.rewritten().is_empty(), "{kind}");
        // As large as it may get: what does not fit is left out, and what is there stays whole.
        let line = format!("1 rewritten {0} {0}\n", "a".repeat(40));
        std::fs::write(spool.join("rewritten"), line.repeat((1 << 20) / line.len())).unwrap();
        quietly("the spool is full");
        assert!(std::fs::metadata(spool.join("rewritten")).unwrap().len() <= 1 << 20);
        assert!(developer.spool().take().unwrap().rewritten.len() > 10_000);
        std::fs::remove_dir_all(&spool).unwrap();
        quietly("the spool is gone");
        std::fs::write(&spool, "").unwrap();
        quietly("a file stands in its place");
        std::fs::remove_dir_all(developer.git_dir().join("sera")).unwrap();
        quietly("all of our folder is gone");
    }
}

#[test]
fn a_git_that_runs_hooks_from_its_config() {
    let Some(tools) = HookTools::named() else { return };
    let developer = Developer::with(tools.path());
    let before = developer.state();
    assert_snapshot!("auto_with_a_newer_git", developer.sera(&["register"]));
    let with = developer.state();
    developer.sera(&["register"]);
    assert_eq!(developer.state(), with, "a second time changes nothing");
    let text = std::fs::read_to_string(developer.git_dir().join("sera/hooks")).unwrap();
    assert_snapshot!("the_included_file", text);

    let first = developer.commit();
    assert!(developer.was_hinted(), "commit");
    developer.git(&["checkout", "--quiet", "-b", "topic"]);
    assert!(developer.was_hinted(), "checkout");
    developer.bench.repo.write("a.txt", "a");
    developer.git(&["add", "a.txt"]);
    let [two, three] = [0, 1].map(|_| developer.commit());
    developer.git(&["checkout", "--quiet", "main"]);
    developer.git(&["commit", "--quiet", "--amend", "--allow-empty", "-m", "better"]);
    let amended = developer.head();
    assert_eq!(developer.rewritten(), [(first, amended.clone())]);
    developer.git(&["checkout", "--quiet", "topic"]);
    developer.git(&["rebase", "--quiet", "--keep-empty", "--onto", "main", &format!("{two}~1")]);
    let rebased = [developer.git(&["rev-parse", "HEAD~1"]), developer.head()];
    // The pair before is told once more.
    let pairs = developer.rewritten().split_off(1);
    assert_eq!(pairs, [(two, rebased[0].clone()), (three, rebased[1].clone())]);
    developer.git(&["checkout", "--quiet", "main"]);
    developer.was_hinted();
    developer.git(&["merge", "--quiet", "topic"]);
    assert!(developer.was_hinted(), "merge");

    // A linked work tree tells the one spool, and so does a repository that was moved.
    let linked = developer.bench.folders().join("linked");
    developer.git(&["worktree", "add", "--quiet", linked.to_str().unwrap()]);
    developer.was_hinted();
    let commit = ["commit", "--quiet", "--allow-empty", "-m", "x"];
    assert!(developer.runs_in(&linked, "git", &commit).status.success());
    assert!(developer.was_hinted(), "in a linked work tree");
    let copy = developer.bench.folders().join("copy");
    developer.run("cp", &["-r", developer.repo().to_str().unwrap(), copy.to_str().unwrap()]);
    assert!(developer.runs_in(&copy, "git", &commit).status.success());
    assert!(!developer.was_hinted(), "a copy tells its own");
    assert!(copy.join(".git/sera/spool").join(HINT).exists());

    developer.git(&["worktree", "remove", "--force", linked.to_str().unwrap()]);
    assert_snapshot!("config_removed", developer.sera(&["unregister"]));
    assert_eq!(developer.state(), before);
    developer.commit();
    assert!(!developer.was_hinted());
}

/// Configs of every shape come out as they went in.
#[test]
fn the_config_is_byte_for_byte_what_it_was() {
    let developer = Developer::with_git("2.54.0");
    let file = developer.git_dir().join("config");
    let plain = std::fs::read_to_string(&file).unwrap();
    let own = developer.repo().join("own.config");
    std::fs::write(own, "").unwrap();
    for added in [
        "",
        "# a comment at the end\n",
        "[include]\n\tpath = ../own.config\n",
        "[include]\n\tpath = ../own.config # mine\n[user]\n\tname = x\n",
        "[include]\n\t; nothing yet\n",
        "[hook \"other\"]\n\tevent = post-commit\n\tcommand = true\n",
        "[INCLUDE]\n  path=../own.config\n[core]\n\tpager = less\n",
        "[user]\n\tname = no end of line",
    ] {
        let before = format!("{plain}{added}");
        write(&file, &before, 0o640);
        developer.sera(&["register", "--hooks=config"]);
        let list = developer.git(&["config", "--get-all", "hook.sera.event"]);
        assert_eq!(list.lines().count(), 4, "{added:?}");
        developer.sera(&["unregister"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{added:?}");
    }
    // Git puts another include below our header.
    developer.sera(&["register", "--hooks=config"]);
    developer.git(&["config", "--add", "include.path", "../own.config"]);
    developer.sera(&["unregister"]);
    let paths = developer.git(&["config", "--local", "--no-includes", "--get-all", "include.path"]);
    assert_eq!(paths, "../own.config");
    // Whoever holds git's lock is not disturbed.
    let before = developer.state();
    write(&file.with_file_name("config.lock"), "", 0o644);
    let said = developer.sera(&["register", "--hooks=config"]);
    assert!(said.starts_with("exit 74"), "{said}");
    assert_eq!(developer.state().get(&file), before.get(&file));
}

/// Sets a tool up, so that its hook after a commit writes a line into `evidence`.
struct Tool {
    name: &'static str,
    /// Files of its configuration.
    files: fn(&Path) -> Vec<(&'static str, String)>,
    install: &'static [&'static str],
    uninstall: &'static [&'static str],
    /// Whether git looks for hooks in the repository's own folder.
    own_folder: bool,
}

const TOOLS: [Tool; 4] = [
    Tool {
        name: "husky",
        files: |evidence| {
            vec![(".husky/post-commit", format!("echo husky >> {}\n", evidence.display()))]
        },
        install: &["husky"],
        uninstall: &["git", "config", "--unset", "core.hooksPath"],
        own_folder: false,
    },
    Tool {
        name: "lefthook",
        files: |evidence| {
            let run = format!("run: echo lefthook >> {}", evidence.display());
            let text = format!("post-commit:\n  commands:\n    mark:\n      {run}\n");
            vec![("lefthook.yml", text)]
        },
        install: &["lefthook", "install"],
        uninstall: &["lefthook", "uninstall"],
        own_folder: true,
    },
    Tool {
        name: "pre-commit",
        files: |evidence| {
            let entry = format!("sh -c 'echo pre-commit >> {}'", evidence.display());
            let hook = format!(
                "repos:\n- repo: local\n  hooks:\n  - id: mark\n    name: mark\n    \
                 language: system\n    entry: {entry}\n    always_run: true\n    \
                 pass_filenames: false\n    stages: [post-commit]\n"
            );
            vec![(".pre-commit-config.yaml", hook)]
        },
        install: &["pre-commit", "install", "-t", "post-commit", "-t", "pre-commit"],
        uninstall: &["pre-commit", "uninstall", "-t", "post-commit", "-t", "pre-commit"],
        own_folder: true,
    },
    Tool {
        name: "git-lfs",
        files: |_| {
            vec![(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n".to_owned())]
        },
        install: &["git", "lfs", "install", "--local"],
        uninstall: &["git", "lfs", "uninstall", "--local"],
        own_folder: true,
    },
];

/// Commits a file that Git LFS would take, and says how the tool's own hook showed itself.
fn works(developer: &Developer, tool: &Tool, evidence: &Path, when: &str) {
    drop(std::fs::remove_file(evidence));
    developer.bench.repo.write("data.bin", format!("{when}\n"));
    developer.git(&["add", "--all"]);
    developer.git(&["commit", "--quiet", "-m", when]);
    let shown = match tool.name {
        "git-lfs" => {
            let pointer = developer.git(&["cat-file", "-p", "HEAD:data.bin"]);
            assert!(pointer.starts_with("version https://git-lfs"), "{when}: {pointer}");
            let hook = std::fs::read_to_string(developer.hook("post-commit")).unwrap();
            hook.contains("git lfs post-commit")
        }
        name => std::fs::read_to_string(evidence).unwrap_or_default() == format!("{name}\n"),
    };
    assert!(shown, "{} runs {when}", tool.name);
}

#[test]
fn tools_with_hooks_go_on_beside_ours() {
    let Some(tools) = HookTools::named() else { return };
    for (tool, kind) in TOOLS.iter().flat_map(|tool| [(tool, "config"), (tool, "files")]) {
        let developer = Developer::with(tools.path());
        let evidence = developer.bench.folders().join("evidence");
        let run = |words: &[&str]| developer.run(words[0], &words[1..]);
        for (path, content) in (tool.files)(&evidence) {
            developer.bench.repo.write(path, content);
        }
        run(tool.install);
        works(&developer, tool, &evidence, "before");
        let before = developer.state();

        let said = developer.sera(&["register", "--hooks", kind]);
        let refused = kind == "files" && !tool.own_folder;
        assert_eq!(said.starts_with("exit 65"), refused, "{} {kind}: {said}", tool.name);
        works(&developer, tool, &evidence, "with ours");
        // A script of Git LFS's is not added to, so that it knows its own again.
        let hinted = !(refused || (kind == "files" && tool.name == "git-lfs"));
        assert_eq!(developer.was_hinted(), hinted, "{} {kind}", tool.name);
        developer.sera(&["unregister"]);
        assert_eq!(developer.state(), before, "{} {kind}", tool.name);
        works(&developer, tool, &evidence, "after ours");

        // It can be set up again over ours, and taken away from beside them.
        developer.sera(&["register", "--hooks", kind]);
        run(tool.install);
        works(&developer, tool, &evidence, "set up again");
        run(tool.uninstall);
        developer.sera(&["unregister"]);
        let text = |(_, content): &(u32, Vec<u8>)| String::from_utf8_lossy(content).into_owned();
        for (path, entry) in developer.state() {
            assert!(!text(&entry).contains("sera"), "{} {kind}: {}", tool.name, path.display());
        }
    }
}

#[test]
fn a_tool_that_comes_later_finds_its_place() {
    let Some(tools) = HookTools::named() else { return };
    for (tool, kind) in TOOLS.iter().flat_map(|tool| [(tool, "config"), (tool, "files")]) {
        let developer = Developer::with(tools.path());
        let evidence = developer.bench.folders().join("evidence");
        developer.sera(&["register", "--hooks", kind]);
        for (path, content) in (tool.files)(&evidence) {
            developer.bench.repo.write(path, content);
        }
        developer.run(tool.install[0], &tool.install[1..]);
        works(&developer, tool, &evidence, "installed beside ours");
        developer.sera(&["unregister"]);
        works(&developer, tool, &evidence, "left alone again");
    }
}
