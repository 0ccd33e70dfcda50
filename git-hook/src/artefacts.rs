//! Man pages and completions, made from the tree of commands. `cargo xtask codegen` writes them
//! into `packaging/`, a test says when they are stale, and `git sera man` writes them anywhere.
use crate::cli;
use crate::command_error::Kind;
use crate::render::line;
use clap_complete::Shell;
use clap_mangen::Man;

/// One generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefact {
    /// Its name, without a folder.
    pub name: String,
    /// Its text.
    pub content: String,
}

/// Every shell that completions are made for.
pub const SHELLS: [Shell; 5] =
    [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell];

/// Everything below `packaging/`, by folder.
pub fn packaging() -> Vec<(&'static str, Vec<Artefact>)> {
    vec![("man", man_pages()), ("completions", SHELLS.map(completion).to_vec())]
}

/// `git-sera.1`, which `git help sera` shows, and one page per command, as `man git-sera-fix` looks
/// for them.
pub fn man_pages() -> Vec<Artefact> {
    let mut root = cli();
    root.build();
    let shown = root.get_subcommands().filter(|command| !command.is_hide_set());
    std::iter::once(&root).chain(shown).map(man_page).collect()
}

fn man_page(command: &clap::Command) -> Artefact {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut page = Vec::new();
    // The exit codes of the long help get a section of their own below.
    Man::new(command.clone().after_long_help(None))
        .title(name.to_uppercase())
        .source("git-sera")
        .manual("Git Manual")
        .render(&mut page)
        .expect("a vector takes every write");
    let mut content = String::from_utf8(page).expect("help is text");
    content.push_str(".SH \"EXIT STATUS\"\n");
    for kind in Kind::ALL {
        line(&mut content, format_args!(".TP\n{}\n{}", kind as i32, kind.meaning()));
    }
    Artefact { name: format!("{name}.1"), content }
}

/// The completions of one shell.
pub fn completion(shell: Shell) -> Artefact {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli(), "git-sera", &mut script);
    let mut content = String::from_utf8(script).expect("completions are text");
    if shell == Shell::Bash {
        content.push_str(GIT_BASH);
    }
    let name = clap_complete::Generator::file_name(&shell, "git-sera");
    Artefact { name, content }
}

/// Git's own bash completion calls `_git_sera` for `git sera`, with the words as they stand.
const GIT_BASH: &str = r#"
_git_sera() {
    local -a COMP_WORDS=(git-sera "${COMP_WORDS[@]:2}")
    local COMP_CWORD=$((COMP_CWORD - 1))
    _git__sera git-sera "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
}
"#;
