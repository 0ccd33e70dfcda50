//! Archives whose bytes follow from what is in them alone.
use super::{Entry, Release, hex};
use anyhow::Result;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use tar::{Builder, EntryType, Header};

/// `git-sera-VERSION-TARGET.tar.gz`: everything below one folder of that name.
pub(super) fn archive(release: &Release, name: &str) -> Result<Vec<u8>> {
    tar_gz(&release.files, &format!("{name}/"), release.time)
}

/// A name as Debian wants it.
pub(super) fn deb_name(release: &Release) -> String {
    format!("git-sera_{}_{}.deb", release.version, architecture(release))
}

/// A Debian package: an `ar` of a version, what is to be known, and what is installed.
pub(super) fn deb(release: &Release) -> Result<Vec<u8>> {
    let mut installed = Vec::new();
    for file in &release.files {
        let page = file.path.starts_with("share/man/");
        let (path, bytes) = match page {
            true => (format!("{}.gz", file.path), gzip(&file.bytes)?),
            false => (file.path.clone(), file.bytes.clone()),
        };
        installed.push(Entry { path: format!("usr/{path}"), bytes, executable: file.executable });
    }
    let licences = "Sera is licensed under the Apache License, Version 2.0, or the MIT licence, at your option:\n\
                    LICENSE-APACHE and LICENSE-MIT lie in this folder.\n";
    installed.push(text("usr/share/doc/git-sera/copyright", licences.to_owned()));
    installed.sort_by(|one, other| one.path.cmp(&other.path));
    let sums = installed.iter().map(|file| format!("{}  {}\n", sha256(&file.bytes), file.path));
    let control = [
        text("control", control(release, &installed)),
        text("sha256sums", sums.collect::<String>()),
    ];
    let mut bytes = b"!<arch>\n".to_vec();
    member(&mut bytes, "debian-binary", b"2.0\n", release.time);
    member(&mut bytes, "control.tar.gz", &tar_gz(&control, "./", release.time)?, release.time);
    member(&mut bytes, "data.tar.gz", &tar_gz(&installed, "./", release.time)?, release.time);
    Ok(bytes)
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn text(path: &str, text: String) -> Entry {
    Entry { path: path.to_owned(), bytes: text.into_bytes(), executable: false }
}

fn control(release: &Release, installed: &[Entry]) -> String {
    let kib: usize = installed.iter().map(|file| file.bytes.len().div_ceil(1024)).sum();
    format!(
        "Package: git-sera\nVersion: {}\nArchitecture: {}\nMaintainer: The Sera developers\n\
         Installed-Size: {kib}\nDepends: git (>= 1:2.30), libc6 (>= 2.34), libgcc-s1, libstdc++6\n\
         Section: vcs\nPriority: optional\n\
         Description: grows a small coding model out of a git repository\n \
         A git subcommand and a daemon that turn a repository's history into tasks, train a small\n \
         model on those that were solved, and serve it, on one's own machine.\n",
        release.version,
        architecture(release)
    )
}

/// Debian's word for the processor.
fn architecture(release: &Release) -> &str {
    match release.target.split('-').next() {
        Some("x86_64") => "amd64",
        Some("aarch64") => "arm64",
        Some(other) => other,
        None => "all",
    }
}

/// A member of an `ar` archive.
fn member(into: &mut Vec<u8>, name: &str, bytes: &[u8], time: u64) {
    let head = format!("{name:<16}{time:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, "100644", bytes.len());
    into.extend_from_slice(head.as_bytes());
    into.extend_from_slice(bytes);
    if bytes.len() % 2 == 1 {
        into.push(b'\n');
    }
}

/// Files in the order given, with the folders that they lie in, below `prefix`.
fn tar_gz(files: &[Entry], prefix: &str, time: u64) -> Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    let header = |kind: EntryType, size: usize, mode: u32| {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size as u64);
        header.set_mode(mode);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header
    };
    let mut made = std::collections::BTreeSet::new();
    for file in files {
        let path = format!("{prefix}{}", file.path);
        for (at, _) in path.match_indices('/') {
            let folder = path[..=at].to_owned();
            if made.insert(folder.clone()) {
                let mut header = header(EntryType::Directory, 0, 0o755);
                tar.append_data(&mut header, folder, std::io::empty())?;
            }
        }
        let mode = if file.executable { 0o755 } else { 0o644 };
        let mut header = header(EntryType::Regular, file.bytes.len(), mode);
        tar.append_data(&mut header, path, &*file.bytes)?;
    }
    gzip(&tar.into_inner()?)
}

/// Without a name and a time.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release() -> Release {
        let file = |path: &str, executable| Entry {
            path: path.to_owned(),
            bytes: path.as_bytes().to_vec(),
            executable,
        };
        Release {
            version: "1.2.3".to_owned(),
            target: "x86_64-unknown-linux-gnu".to_owned(),
            time: 1_764_263_490,
            files: vec![file("bin/git-sera", true), file("share/man/man1/git-sera.1", false)],
        }
    }

    #[test]
    fn an_archive_is_the_same_twice_and_holds_what_was_put_in() {
        let bytes = archive(&release(), "s").expect("it is packed");
        assert_eq!(bytes, archive(&release(), "s").expect("it is packed"));
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&*bytes));
        let entries = tar.entries().expect("it is an archive").map(|entry| {
            let entry = entry.expect("it is whole");
            let header = entry.header();
            let (mode, time) = (header.mode().expect("a mode"), header.mtime().expect("a time"));
            assert_eq!(time, 1_764_263_490);
            (String::from_utf8_lossy(&entry.path_bytes()).into_owned(), mode)
        });
        let entries: Vec<_> = entries.collect();
        let names =
            ["s/", "s/bin/", "s/bin/git-sera", "s/share/", "s/share/man/", "s/share/man/man1/"];
        assert_eq!(entries.iter().map(|(name, _)| name).take(6).collect::<Vec<_>>(), names);
        assert_eq!((entries[2].1, entries[6].1), (0o755, 0o644));
    }

    #[test]
    fn a_package_has_its_three_members() {
        let bytes = deb(&release()).expect("it is packed");
        assert_eq!(bytes, deb(&release()).expect("it is packed"));
        assert!(bytes.starts_with(
            b"!<arch>\ndebian-binary   1764263490  0     0     100644  4         `\n2.0\n"
        ));
        assert_eq!(deb_name(&release()), "git-sera_1.2.3_amd64.deb");
        assert_eq!(bytes.len() % 2, 0);
    }
}
