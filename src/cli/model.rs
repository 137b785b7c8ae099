//! Which model scores: the only place of the command line that loads one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Hint as _;
use crate::config;
use crate::scoring::{self, Assess};

/// Which tiers a run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum TierChoice {
    /// The fast tier settles what it can, the encoder the rest.
    #[default]
    Auto,
    /// The fast tier alone.
    Fast,
    /// The encoder for everything.
    Full,
}

impl From<TierChoice> for scoring::TierChoice {
    fn from(choice: TierChoice) -> Self {
        match choice {
            TierChoice::Auto => Self::Auto,
            TierChoice::Fast => Self::Fast,
            TierChoice::Full => Self::Full,
        }
    }
}

/// What to load.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) scoring: config::Scoring,
    pub(super) tier: TierChoice,
}

impl Wanted {
    /// `model` is an id, or the folder of a model when it has a separator or names a folder.
    pub(super) fn new(mut scoring: config::Scoring, model: Option<&str>, tier: TierChoice) -> Self {
        if let Some(model) = model {
            let path = Path::new(model);
            if model.contains(['/', '\\']) || path.is_dir() {
                let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
                scoring.models_dir = path.parent().map(PathBuf::from).unwrap_or_default();
                scoring.model = name.unwrap_or_default();
            } else {
                model.clone_into(&mut scoring.model);
            }
        }
        Self { scoring, tier }
    }
}

/// Loads the scorer.
///
/// # Errors
/// When there is no such model, its files do not fit together, or it lacks the tier.
pub(super) fn load(wanted: &Wanted) -> anyhow::Result<Arc<dyn Assess>> {
    let scorer = scoring::load(&wanted.scoring).hint("--model takes a model's id or folder")?;
    if wanted.tier == TierChoice::Full && !scorer.has_encoder() {
        return Err(anyhow::anyhow!(
            "{} has no encoder, so there is no full tier",
            scorer.model().id
        ))
        .hint("--tier fast or auto scores with the fast tier");
    }
    Ok(scorer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(model: Option<&str>) -> (String, String) {
        let settings = config::load(None).unwrap();
        let scoring = Wanted::new(settings.scoring, model, TierChoice::Auto).scoring;
        (scoring.models_dir.display().to_string(), scoring.model)
    }

    #[test]
    fn a_model_is_an_id_or_a_folder() {
        assert_eq!(wanted(None), (String::new(), String::new()));
        assert_eq!(wanted(Some("vi-1")), (String::new(), "vi-1".to_owned()));
        assert_eq!(wanted(Some("/none/such/vi-1")), ("/none/such".into(), "vi-1".into()));
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("vi-2");
        std::fs::create_dir(&model).unwrap();
        let (parent, name) = wanted(Some(&format!("{}/", model.display())));
        assert_eq!(name, "vi-2");
        assert_eq!(parent, dir.path().canonicalize().unwrap().display().to_string());
    }
}
