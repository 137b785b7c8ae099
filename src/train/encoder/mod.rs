//! The full tier: the encoder with its heads.

mod examples;
mod fit;
mod net;
mod recipe;
mod run;

pub(super) use run::run;
