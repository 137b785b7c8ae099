//! The fast tier: a linear model over wording, signs and price.

mod examples;
mod fit;
mod recipe;
mod reduce;
mod run;

pub(super) use run::{Trained, run};
