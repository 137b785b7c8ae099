//! From labelled rows to a candidate in `models/`.
//!
//! Owns recipes, examples, the optimiser, checkpoints and the run that puts them together. It
//! reads files and never the store; whether a candidate becomes the live model is decided
//! elsewhere, on its evaluation.

mod adam;
mod bag;
mod checkpoint;
mod examples;
mod recipe;
mod reduce;
mod run;

pub use adam::{AdamW, Group};
pub use recipe::{Recipe, RecipeError};
pub use run::{Outcome, Progress, TrainError, run};
