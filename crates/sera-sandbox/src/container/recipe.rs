//! A repository's own recipe of an image: its development container, or its Dockerfile.
//!
//! Of a development container (containers.dev) only what makes the image is taken: `image`, or
//! `build` with its `dockerfile`, `context`, `args` and `target`. Features, mounts, commands and
//! arguments of the run are not: a container of ours is made as we say.
use crate::Overlay;
use sera_core::{Digest, TreePath};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Where development containers are described, the usual place first.
const DEVELOPMENT: [&str; 2] = [".devcontainer/devcontainer.json", ".devcontainer.json"];
/// Where images are described otherwise.
const PLAIN: [&str; 4] =
    [".devcontainer/Dockerfile", "Dockerfile", "Containerfile", ".docker/Dockerfile"];

/// How an image is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The file that says so.
    pub file: TreePath,
    /// The steps, in the language of Dockerfiles.
    pub text: String,
    /// The folder that its files are copied from; none is the whole tree.
    pub folder: Option<TreePath>,
    /// Values of the recipe's arguments.
    pub arguments: BTreeMap<String, String>,
    /// The stage to stop at.
    pub target: Option<String>,
}

/// Why a tree's recipe cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Nothing in the tree says how to build an image.
    #[error("the tree has none of {}", DEVELOPMENT.iter().chain(&PLAIN).copied().collect::<Vec<_>>().join(", "))]
    None,
    /// What says so cannot be read, or names what is not there.
    #[error("{file} cannot be followed: {reason}")]
    Unfit {
        /// The file.
        file: TreePath,
        /// What is wrong with it.
        reason: String,
    },
}

impl Recipe {
    /// The recipe of a tree.
    pub fn of(tree: &Overlay) -> Result<Self, RecipeError> {
        let read = |name: &str| {
            let path = TreePath::new(name).ok()?;
            Some((path.clone(), tree.read_text(&path).ok()?.to_string()))
        };
        if let Some((file, text)) = DEVELOPMENT.iter().find_map(|name| read(name)) {
            return development(&file, &text, &read);
        }
        let (file, text) = PLAIN.iter().find_map(|name| read(name)).ok_or(RecipeError::None)?;
        let (folder, arguments, target) = (None, BTreeMap::new(), None);
        Ok(Self { file, text, folder, arguments, target })
    }

    /// Names everything that decides what is built, but for the files that are copied.
    pub fn digest(&self) -> Digest {
        let Self { file, text, folder, arguments, target } = self;
        let parts = (file, text, folder, arguments, target);
        Digest::of(&serde_json::to_vec(&parts).expect("plain data"))
    }
}

/// All of it, for people to agree to: what an argument holds may be a command.
impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, text, folder, arguments, target } = self;
        writeln!(f, "# {file}")?;
        folder.as_ref().map_or(Ok(()), |folder| writeln!(f, "# files: {folder}"))?;
        target.as_ref().map_or(Ok(()), |target| writeln!(f, "# stage: {target:?}"))?;
        arguments.iter().try_for_each(|(name, value)| writeln!(f, "# {name:?} = {value:?}"))?;
        f.write_str(text)
    }
}

fn development(
    file: &TreePath,
    text: &str,
    read: &dyn Fn(&str) -> Option<(TreePath, String)>,
) -> Result<Recipe, RecipeError> {
    let unfit = |reason: &str| RecipeError::Unfit { file: file.clone(), reason: reason.to_owned() };
    let options = jsonc_parser::ParseOptions::default();
    let described: Value = jsonc_parser::parse_to_serde_value(text, &options)
        .map_err(|error| unfit(&error.to_string()))?;
    let build = &described["build"];
    let dockerfile = build["dockerfile"].as_str().or_else(|| described["dockerFile"].as_str());
    let Some(dockerfile) = dockerfile else {
        let image = described["image"]
            .as_str()
            .ok_or_else(|| unfit("it names no image and no Dockerfile"))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@".contains(c);
        if image.is_empty() || !image.chars().all(plain) {
            return Err(unfit("its image has no name that an image can have"));
        }
        let (folder, arguments, target) = (None, BTreeMap::new(), None);
        return Ok(Recipe {
            file: file.clone(),
            text: format!("FROM {image}\n"),
            folder,
            arguments,
            target,
        });
    };
    let beside = file.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
    let inside = |path: &str| within(beside, path).ok_or_else(|| unfit("it leads out of the tree"));
    let (_, text) =
        read(&inside(dockerfile)?).ok_or_else(|| unfit("its Dockerfile is not there"))?;
    let context = build["context"].as_str().or_else(|| described["context"].as_str());
    let folder = inside(context.unwrap_or("."))?;
    let folder = match folder.as_str() {
        "" => None,
        folder => Some(TreePath::new(folder).map_err(|_| unfit("its context is no folder"))?),
    };
    let arguments = build["args"].as_object().into_iter().flatten();
    let arguments = arguments
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        // What would come from the environment of whoever builds.
        .filter(|(_, value)| !value.contains("${"));
    let target = build["target"].as_str().map(str::to_owned);
    Ok(Recipe { file: file.clone(), text, folder, arguments: arguments.collect(), target })
}

/// A path seen from a folder as one of the tree, without `.` and `..`; none where it leaves it.
fn within(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains('\\') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Option<(TreePath, String)> {
        let known = ["Dockerfile", ".devcontainer/Dockerfile", "docker/dev"];
        let path = TreePath::new(name).expect("a path inside the tree");
        known.contains(&name).then(|| (path, format!("FROM {name}\n")))
    }

    #[test]
    fn development_containers_are_read_for_their_image() {
        let file = TreePath::new(".devcontainer/devcontainer.json").expect("a path");
        let check = |text: &str, expect: Result<(&str, Option<&str>), &str>| {
            let found = development(&file, text, &read).map_err(|error| error.to_string());
            let found = found.map(|recipe| (recipe.text, recipe.folder.map(|f| f.to_string())));
            match expect {
                Ok((from, folder)) => {
                    let expect = (format!("FROM {from}\n"), folder.map(str::to_owned));
                    assert_eq!(found, Ok(expect), "{text}");
                }
                Err(reason) => {
                    assert!(found.as_ref().is_err_and(|e| e.contains(reason)), "{text}: {found:?}");
                }
            }
        };
        check("// first\n{\"image\": \"debian:12\", /* so */ }", Ok(("debian:12", None)));
        check(
            r#"{"build": {"dockerfile": "Dockerfile"}}"#,
            Ok((".devcontainer/Dockerfile", Some(".devcontainer"))),
        );
        check(
            r#"{"build": {"dockerfile": "../Dockerfile", "context": ".."}}"#,
            Ok(("Dockerfile", None)),
        );
        check(
            r#"{"dockerFile": "../docker/dev", "context": "../docker"}"#,
            Ok(("docker/dev", Some("docker"))),
        );
        check(r#"{"build": {"dockerfile": "../../Dockerfile"}}"#, Err("leads out"));
        check(r#"{"build": {"dockerfile": "/etc/passwd"}}"#, Err("leads out"));
        check(r#"{"build": {"dockerfile": "Dockerfile", "context": "../.."}}"#, Err("leads out"));
        check(r#"{"build": {"dockerfile": "nothing"}}"#, Err("not there"));
        check(r#"{"image": "x\nRUN curl evil"}"#, Err("no name"));
        check(r#"{"dockerComposeFile": "c.yml"}"#, Err("names no image"));
        check("{", Err("cannot be followed"));
    }

    #[test]
    fn values_of_the_builders_environment_are_not_taken() {
        let file = TreePath::new(".devcontainer.json").expect("a path");
        let text = r#"{"build": {"dockerfile": "Dockerfile", "target": "dev",
            "args": {"A": "1", "B": "${localEnv:AWS_SECRET_ACCESS_KEY}"}}}"#;
        let recipe = development(&file, text, &read).expect("it can be followed");
        assert_eq!(recipe.arguments, BTreeMap::from([("A".to_owned(), "1".to_owned())]));
        assert_eq!(recipe.target.as_deref(), Some("dev"));
    }
}
