//! The full tier: the encoder with its heads.

mod examples;
mod fit;
mod lessons;
mod net;
mod recipe;
mod run;
mod weak;

pub(super) use run::run;
