//! Units that start the daemon: what is written, who is told, and that all of it goes again.
use crate::bench::Bench;
use git_sera::scheduler::Told;
use insta::assert_snapshot;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

const DAEMON: &str = "/opt/a \"b\" & <c> 100%/$HOME/sera-daemon";

/// The text of a unit whose every value has to be written with care.
fn unit(told: Told) -> String {
    let environment = [("GIT_SERA_STATE_DIR".to_owned(), "/s & <100%>".to_owned())];
    told.text(DAEMON, &environment, "/l/daemon.log")
}

#[test]
fn units_name_the_daemon_by_its_whole_path() {
    assert_snapshot!("systemd", unit(Told::Systemd));
    for told in [Told::Systemd, Told::Launchd, Told::Schtasks] {
        let text = told.text("/d", &[], "/l");
        let left = ["@DAEMON@", "@ENVIRONMENT@", "@LOG@"].iter().any(|name| text.contains(name));
        assert!(text.contains("/d") && !left, "{text}");
    }
}

/// What systemd itself thinks of the unit. It names what it does not know, and goes on.
#[test]
fn systemd_finds_nothing_amiss() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("git-sera.service");
    // The program must be there, whatever its name.
    let daemon = folder.path().join("a b%c$d");
    std::os::unix::fs::symlink("/bin/true", &daemon).unwrap();
    let environment = [("GIT_SERA_STATE_DIR".to_owned(), "/s \"b\" 100%".to_owned())];
    let text = Told::Systemd.text(daemon.to_str().unwrap(), &environment, "");
    std::fs::write(&file, &text).unwrap();
    let analyze = |file: &Path| {
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(["--user", "--man=no", "verify"]).arg(file);
        analyze.env("XDG_RUNTIME_DIR", folder.path()).output()
    };
    let Ok(output) = analyze(&file) else {
        assert!(std::env::var_os("CI").is_none(), "systemd-analyze is not here");
        let text = "NOT TESTED: systemd-analyze is not here (`cargo xtask test` gets it)\n";
        drop(std::io::stderr().write_all(text.as_bytes()));
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    std::fs::write(&file, text.replace("UMask", "UMaks")).unwrap();
    let said = String::from_utf8(analyze(&file).unwrap().stderr).unwrap();
    assert!(said.contains("UMaks"), "it would say so: {said}");
}

/// What an XML parser makes of the others: names and texts, as one line each.
#[test]
fn the_other_units_are_well_formed() {
    let lines = |script: &str, text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("unit");
        std::fs::write(&file, text).unwrap();
        let output = Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let plist = "import plistlib,sys,pprint; pprint.pp(plistlib.load(open(sys.argv[1],'rb')))";
    assert_snapshot!("launchd", lines(plist, &unit(Told::Launchd)));
    let xml = "import sys,xml.etree.ElementTree as t\n\
               for e in t.parse(sys.argv[1]).iter(): print(e.tag.split('}')[1], (e.text or '').strip())";
    assert_snapshot!("schtasks", lines(xml, &unit(Told::Schtasks)));
}

/// Programs that stand for the schedulers' own: they write down what they are told.
fn schedulers(bench: &Bench, there: &[&str], refuses: &str) -> std::ffi::OsString {
    let folder = bench.folders().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["systemctl", "launchctl", "schtasks"] {
        let end = if there.contains(&name) {
            format!("case \"$*\" in *\"{refuses}\"*) exit 1;; esac")
        } else {
            "exit 1".to_owned()
        };
        let told = bench.folders().join("told");
        let script = format!("#!/bin/sh\necho {name} \"$@\" >> {}\n{end}\n", told.display());
        std::fs::write(folder.join(name), script).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.join(name), mode).unwrap();
    }
    let own = std::env::var_os("PATH").unwrap();
    std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&own))).unwrap()
}

/// A start and two stops with these schedulers, what they were told, and what was left of files.
fn check(name: &str, there: &[&str], refuses: &str, scheduler: &str) {
    let (bench, _seen) = Bench::scripted(|request, daemon| daemon.answer_as_usual(request));
    let path = schedulers(&bench, there, refuses);
    let daemon = bench.folders().join("sera-daemon");
    std::fs::write(&daemon, "").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = bench.command(arguments);
        command.env("PATH", &path).env("GIT_SERA_DAEMON", &daemon);
        bench.show(&command.output().unwrap())
    };
    let mut text = run(&["start", "--scheduler", scheduler]);
    text += &files(&bench);
    text += &run(&["stop"]);
    text += &run(&["stop", "--json"]);
    text += &files(&bench);
    let told = std::fs::read_to_string(bench.folders().join("told")).unwrap_or_default();
    let home = bench.repo.home();
    let told = told.replace(home.to_str().unwrap(), "[HOME]");
    let uid = sera_protocol::paths::own_uid().to_string();
    let told = told.replace(&format!("gui/{uid}"), "gui/[UID]");
    let told = told.replace(bench.folders().to_str().unwrap(), "[FOLDERS]");
    let text = text.replace(home.to_str().unwrap(), "[HOME]");
    let text = text.replace(bench.folders().to_str().unwrap(), "[FOLDERS]");
    assert_snapshot!(name.to_owned(), format!("{text}--- told\n{told}"));
}

/// The units that lie where schedulers look for them.
fn files(bench: &Bench) -> String {
    let home = bench.repo.home();
    let places = [
        home.join(".config/systemd/user/git-sera.service"),
        home.join("Library/LaunchAgents/org.git-sera.daemon.plist"),
        bench.folders().join("state/git-sera.xml"),
    ];
    let there = places.iter().filter(|place| place.exists());
    there.map(|place| format!("--- there: {}\n", place.display())).collect()
}

#[test]
fn each_scheduler_is_told_and_untold() {
    for (scheduler, program) in
        [("systemd", "systemctl"), ("launchd", "launchctl"), ("schtasks", "schtasks")]
    {
        check(&format!("told_{scheduler}"), &[program], "nothing", scheduler);
    }
}

#[test]
fn what_is_not_here_is_not_used() {
    check("auto_launchd", &["launchctl"], "nothing", "auto");
    check("auto_nothing", &[], "nothing", "auto");
    check("systemd_absent", &["schtasks"], "nothing", "systemd");
    check("systemd_refuses", &["systemctl"], "enable", "systemd");
}

#[test]
fn the_daemon_can_be_run_in_the_foreground() {
    let bench = Bench::new();
    let daemon = bench.folders().join("sera-daemon");
    std::fs::write(&daemon, "#!/bin/sh\necho \"$@ $GIT_DIR\"; exit 7\n").unwrap();
    std::fs::set_permissions(&daemon, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = bench.command(&["run"]);
    command.env("GIT_SERA_DAEMON", &daemon).env("GIT_DIR", "elsewhere");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(7), "its exit code is the command's");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "run \n");
}
