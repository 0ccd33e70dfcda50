//! Secrets: found by pattern, replaced by pseudonyms of the same length and class.
//!
//! A scanner alone misses about one secret in eight, so files that exist to hold secrets are
//! not read at all ([`denied`]) and everything else is scanned as it is read ([`Redactor`]).
use crate::{Language, Patch, TreePath};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[cfg(test)]
mod kinds;
mod pseudonym;
#[cfg(test)]
mod recall;
mod rules;
mod scan;
#[cfg(test)]
mod tests;

pub use scan::Find;

/// Whole file names, lower case.
const DENIED_NAMES: [&str; 70] = [
    ".authinfo",
    ".bash_history",
    ".boto",
    ".dockercfg",
    ".dockerconfigjson",
    ".esmtprc",
    ".fetchmailrc",
    ".ftpconfig",
    ".git-credentials",
    ".gitcookies",
    ".htpasswd",
    ".irb_history",
    ".msmtprc",
    ".my.cnf",
    ".mylogin.cnf",
    ".mysql_history",
    ".netrc",
    ".node_repl_history",
    ".npmrc",
    ".pgpass",
    ".psql_history",
    ".pypirc",
    ".python_history",
    ".rediscli_history",
    ".remote-sync.json",
    ".s3cfg",
    ".secrets",
    ".sftp.json",
    ".sh_history",
    ".sqlite_history",
    ".terraformrc",
    ".vault-token",
    ".vault_pass",
    ".yarnrc.yml",
    ".zsh_history",
    "_netrc",
    "application_default_credentials.json",
    "auth.json",
    "client_secret.json",
    "client_secrets.json",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.xml",
    "credentials.yaml",
    "credentials.yml",
    "credentials.yml.enc",
    "filezilla.xml",
    "htpasswd",
    "kubeconfig",
    "master.key",
    "pgpass.conf",
    "recentservers.xml",
    "secret.json",
    "secret.yaml",
    "secret.yml",
    "secrets.env",
    "secrets.ini",
    "secrets.json",
    "secrets.properties",
    "secrets.toml",
    "secrets.xml",
    "secrets.yaml",
    "secrets.yml",
    "service-account.json",
    "service_account.json",
    "sftp-config.json",
    "sitemanager.xml",
    "terraform.rc",
    "vault_pass.txt",
];

/// Extensions, lower case.
const DENIED_EXTENSIONS: [&str; 28] = [
    "agekey",
    "asc",
    "bks",
    "env",
    "gpg",
    "jceks",
    "jks",
    "kdb",
    "kdbx",
    "key",
    "keystore",
    "keytab",
    "kubeconfig",
    "kwallet",
    "ovpn",
    "p12",
    "p8",
    "pem",
    "pfx",
    "pk8",
    "pkcs12",
    "ppk",
    "psafe3",
    "pvk",
    "snk",
    "tfplan",
    "tfstate",
    "tfvars",
];

/// Folders whose every file is denied, lower case.
const DENIED_FOLDERS: [&str; 11] = [
    ".aws",
    ".azure",
    ".docker",
    ".gcloud",
    ".gem",
    ".gnupg",
    ".kube",
    ".oci",
    ".password-store",
    ".ssh",
    ".terraform.d",
];

/// Where secrets stand in `text`, and pseudonyms that replaced them, in order, without overlaps.
pub fn secrets(text: &str) -> Vec<Find> {
    scan::secrets(text)
}

/// Whether a secret stands in `text`, or a pseudonym that replaced one.
pub fn holds_secret(text: &str) -> bool {
    !secrets(text).is_empty()
}

/// Files that are never read into an environment at all (`.env*`, `*.pem`, `id_*`, …), and those
/// whose path itself holds a secret. `id_*` spares source files: `id_map.rs` is code.
pub fn denied(path: &TreePath) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    let extension = path.extension().map(str::to_ascii_lowercase);
    let key = name.starts_with("id_") && Language::of(path).is_none();
    key || name.starts_with(".env")
        || [".tfstate.", ".tfvars."].iter().any(|part| name.contains(part))
        || DENIED_NAMES.contains(&name.as_str())
        || extension.is_some_and(|extension| DENIED_EXTENSIONS.contains(&extension.as_str()))
        || path.folders().any(|f| DENIED_FOLDERS.contains(&f.to_ascii_lowercase().as_str()))
        || holds_secret(path.as_str())
}

/// Replaces secrets by pseudonyms, keyed per repository: the same secret always gets the same
/// pseudonym, which has its length and character classes, so views, searches and edits agree.
#[derive(Clone)]
pub struct Redactor {
    /// Repository key.
    key: Arc<[u8; 32]>,
    /// Files and folders that are not read either.
    hidden: Arc<BTreeSet<TreePath>>,
}

impl std::fmt::Debug for Redactor {
    /// Without the key: with it, pseudonyms could be told from secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor with this repository's key.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: Arc::new(key), hidden: Arc::default() }
    }

    /// The same, and these files and folders are not read either.
    #[must_use]
    pub fn hiding(self, hidden: BTreeSet<TreePath>) -> Self {
        Self { hidden: Arc::new(hidden), ..self }
    }

    /// Files that are never read: [`denied`], or hidden here.
    pub fn denies(&self, path: &TreePath) -> bool {
        denied(path) || self.hidden.iter().any(|hidden| path.is_within(hidden))
    }

    /// `text` with every secret replaced, and how many there were. Bytes keep their places:
    /// the result has the same length and the same lines. Redacting it again changes nothing.
    pub fn redact(&self, text: &str) -> (String, usize) {
        let (mut text, mut total) = (Cow::Borrowed(text), 0);
        // The second pass finds nothing but what the first one's pseudonyms happened to spell.
        for _ in 0..4 {
            let Some((next, count)) = self.pass(&text) else { break };
            (text, total) = (Cow::Owned(next), total + count);
        }
        (text.into_owned(), total)
    }

    fn pass(&self, text: &str) -> Option<(String, usize)> {
        let mut after: Option<String> = None;
        let mut count = 0;
        for Find { span, .. } in scan::secrets(text) {
            let Some(pseudonym) = pseudonym::of(&self.key, &text[span.clone()]) else { continue };
            after.get_or_insert_with(|| text.to_owned()).replace_range(span, &pseudonym);
            count += 1;
        }
        after.map(|after| (after, count))
    }

    /// How many secrets were replaced in `text`, by pseudonyms of this key.
    pub fn replaced(&self, text: &str) -> usize {
        let stands_in = |find: &Find| pseudonym::is_one(&self.key, &text[find.span.clone()]);
        scan::secrets(text).iter().filter(|find| stands_in(find)).count()
    }

    /// Whether a changed line of `patch` holds a secret or a pseudonym.
    pub fn touches_secret(&self, patch: &Patch) -> bool {
        patch.files.iter().any(|file| {
            // A secret may span lines, so the changed lines are looked at together, side by side.
            file.hunks.iter().any(|hunk| {
                [false, true].iter().any(|&after| {
                    let (text, changed) = hunk.side(after);
                    let hit = |Find { span, .. }: Find| {
                        changed.iter().any(|line| line.start < span.end && span.start < line.end)
                    };
                    scan::secrets(&text).into_iter().any(hit)
                })
            })
        })
    }

    /// Maps a patch made on redacted text back to the text as it stands: context and removed lines
    /// become those of `original`. `None` where a changed line touches a secret or where the patch
    /// was not made on the redacted `original`.
    pub fn restore(
        &self,
        patch: &Patch,
        original: &dyn Fn(&TreePath) -> Option<String>,
    ) -> Option<Patch> {
        if self.touches_secret(patch) {
            return None;
        }
        let mut restored = patch.clone();
        let mut texts = BTreeMap::new();
        for file in &mut restored.files {
            let Some(old) = &file.old else { continue };
            let text = match texts.entry(old.clone()) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => entry.insert(original(old)?),
            };
            let redacted = self.redact(text).0;
            let lines: Vec<(&str, &str)> = redacted.split('\n').zip(text.split('\n')).collect();
            file.hunks.iter_mut().try_for_each(|hunk| hunk.restore(&lines))?;
        }
        Some(restored)
    }
}
