//! From labelled rows to a candidate in `models/`.
//!
//! Owns recipes, examples, the optimiser, checkpoints and the runs that put them together, one a
//! tier. It reads files and never the store; whether a candidate becomes the live model is decided
//! elsewhere, on its evaluation.

mod adam;
mod checkpoint;
mod common;
mod encoder;
mod fast;

use std::path::Path;

use crate::domain::Tier;

pub use adam::{AdamW, Group};
pub use common::{Outcome, Progress, RecipeError, TrainError};

/// Trains what `recipe` says and writes the candidate to its folder in `out`.
///
/// A training that was stopped goes on where it stood; the same recipe, data and seed give the
/// same weights to the bit.
///
/// # Errors
/// When the recipe or a file can't be used, or the data can't be learned from.
pub fn run(
    recipe: &str,
    seed: Option<u64>,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, TrainError> {
    #[derive(serde::Deserialize)]
    struct Head {
        tier: Tier,
    }
    let head: Head = toml::from_str(recipe).map_err(RecipeError::Toml)?;
    match head.tier {
        Tier::Fast => fast::run(recipe, seed, out, progress),
        Tier::Full => encoder::run(recipe, seed, out, progress),
    }
}
