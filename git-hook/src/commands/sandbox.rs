//! `git sera sandbox`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{line, seconds};
use clap::{Args, Subcommand};
use sera_protocol::Job;
use sera_protocol::job::ImageSource;
use sera_protocol::report::ImageReport;

/// Prepare what commands of models run in
///
/// A teacher works with a shell where Docker or Podman is, an image was built, and
/// sera.sandbox.kind is not overlay. Containers have no network, no privilege and no file of this
/// machine; `git sera doctor` shows what is in force.
#[derive(Debug, Args)]
pub struct Sandbox {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Build the image that containers are made of
    ///
    /// The default image is made of a few Debian packages with debootstrap or mmdebstrap; no
    /// registry of images is asked. This step, and no other, has a network.
    Build(Build),
}

#[derive(Debug, Args)]
struct Build {
    /// Follow this repository's development container or Dockerfile, as it is at HEAD
    ///
    /// It is shown first: its steps have a network and can read the repository's files.
    #[arg(long)]
    repository: bool,
    /// Build without asking
    #[arg(short, long)]
    yes: bool,
    /// Only show what would be built
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Sandbox {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        match &self.action {
            Action::Build(build) => build.run(context),
        }
    }
}

impl Build {
    fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let shown = self.ask(context, None, false)?;
        if self.dry_run {
            return tell(context, &shown, &shown.text);
        }
        if self.repository && !self.yes {
            let mind = "these steps would run with a network and can read the files of this \
                        repository, in which recognised secrets are replaced";
            let text = format!("{}\n{mind}", shown.text);
            agree(context, CommandError::new(Kind::NotAgreed, text))?;
        }
        let recipe = Some(shown.recipe);
        let built = match self.ask(context, recipe.clone(), self.yes) {
            // The engine is another machine's.
            Err(error) if error.kind == Kind::NotAgreed => {
                agree(context, error)?;
                self.ask(context, recipe, true)?
            }
            built => built?,
        };
        let id = built.id.as_deref().unwrap_or_default();
        let mut text = String::new();
        line(&mut text, format_args!("built {id} in {}", seconds(built.seconds)));
        tell(context, &built, &text)
    }

    fn ask(
        &self,
        context: &Context<'_>,
        agreed: Option<String>,
        consent: bool,
    ) -> Result<ImageReport, CommandError> {
        let from = if self.repository { ImageSource::Repository } else { ImageSource::Default };
        let job = Job::BuildImage { from, agreed, consent };
        Ok(report!(context, job => BuildImage))
    }
}

/// Asks the person; an error where nobody agrees.
fn agree(context: &Context<'_>, error: CommandError) -> Result<(), CommandError> {
    if context.ui.agrees(&error)? {
        return Ok(());
    }
    let hints = vec!["`git sera sandbox build --yes` agrees without being asked".to_owned()];
    Err(CommandError { hints, ..error })
}

fn tell(context: &Context<'_>, report: &ImageReport, text: &str) -> Result<Kind, CommandError> {
    if context.ui.wants_json() {
        context.ui.json(report)?;
    } else {
        context.ui.data(text)?;
    }
    Ok(Kind::Success)
}
