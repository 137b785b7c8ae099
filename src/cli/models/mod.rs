//! `thatgia models`: which models there are, which one is in use, and which in its shadow.
//!
//! Owns the five subcommands and their output. What a folder holds and how another model comes
//! into use is `registry`'s; whether one may is judged by `eval::gate` on what `measure` measured.

mod facts;
mod list;
mod promote;
mod rollback;
mod shadow;
mod show;
mod verdict;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Status;
use super::error::Hint as _;
use crate::config::{self, Settings};
use crate::domain::ModelId;
use crate::registry::{ChangeError, model_dir};
use crate::scoring;

/// List, show, promote, roll back and compare models.
#[derive(Debug, clap::Args)]
pub(super) struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::Opts),
    Show(show::Opts),
    Promote(promote::Opts),
    Rollback(rollback::Opts),
    Shadow(shadow::Opts),
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    match &opts.command {
        Command::List(opts) => list::run(opts),
        Command::Show(opts) => show::run(opts),
        Command::Promote(opts) => promote::run(opts),
        Command::Rollback(opts) => rollback::run(opts),
        Command::Shadow(opts) => shadow::run(opts),
    }
}

/// Where the models are.
#[derive(Debug, clap::Args)]
struct Place {
    /// Folder of models; by default the one in the settings.
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// A file of settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// The settings, and the folder of models that they lead to.
    fn resolve(&self) -> anyhow::Result<(Settings, PathBuf)> {
        let mut settings = config::load(self.config.as_deref())?;
        if let Some(models) = &self.models {
            models.clone_into(&mut settings.scoring.models_dir);
        }
        let models =
            scoring::models_dir(&settings.scoring).hint("--models names the folder of models")?;
        Ok((settings, models))
    }
}

/// The folder of a model: a folder when it has a separator or names one, else an id in `models`.
fn folder(models: &Path, model: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(model);
    if model.contains(['/', '\\']) || path.is_dir() {
        // With its own name, whatever way it was named by.
        return path.canonicalize().with_context(|| format!("no model in {model}"));
    }
    let found = ModelId::new(model).map_err(anyhow::Error::from);
    found
        .and_then(|id| Ok(model_dir(models, &id)?))
        .hint("`thatgia models list` shows the ids; a model may also be named by its folder")
}

/// The error with what to do about it, where there is something to do.
fn hinted(error: ChangeError) -> anyhow::Error {
    let hint = match &error {
        ChangeError::Busy(_) => "try again when it is done",
        ChangeError::Taken(_) => "give the candidate an id of its own in its recipe",
        ChangeError::NotJudged(_) => "do not change a candidate while it is judged",
        ChangeError::NotHeld(_) | ChangeError::Fault { .. } | ChangeError::Folder(_) => {
            "a model's files must be as they were; no other model stands in for it"
        }
        ChangeError::NoneBefore | ChangeError::NeverLive(_) => {
            "`thatgia models promote` puts a model in use"
        }
        ChangeError::Unrecorded { .. } => "--to names the model to go back to",
        ChangeError::AlreadyLive(_)
        | ChangeError::Io { .. }
        | ChangeError::Layout(_)
        | ChangeError::History(_) => return error.into(),
    };
    let result: Result<(), _> = Err(error);
    result.hint(hint).err().unwrap_or_else(|| anyhow::anyhow!("no error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_an_id_or_a_folder() {
        let models = tempfile::tempdir().unwrap();
        let dir = models.path().join("m-1");
        std::fs::create_dir(&dir).unwrap();
        assert!(folder(models.path(), "m-1").is_err(), "no manifest");
        std::fs::write(dir.join("manifest.toml"), "").unwrap();
        assert_eq!(folder(models.path(), "m-1").unwrap(), dir);
        let given = format!("{}/./", dir.display());
        assert_eq!(folder(Path::new("none"), &given).unwrap(), dir.canonicalize().unwrap());
        for bad in ["../m-1", "M", "", "m-2"] {
            assert!(folder(models.path(), bad).is_err(), "{bad}");
        }
    }
}
