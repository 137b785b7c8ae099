//! `thatgia score`.

use std::path::PathBuf;

use super::Status;
use super::model::{self, TierChoice, Wanted};
use crate::config;

const EXAMPLES: &str = "Examples:
  thatgia score listings.jsonl";

/// Scores files of listings.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Opts {
    /// Files to score; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Tiers to use.
    #[arg(long, value_enum, default_value_t)]
    tier: TierChoice,
    /// A model's id, or its folder.
    #[arg(long, value_name = "ID|DIR")]
    model: Option<String>,
    /// A file of settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(opts: Opts) -> anyhow::Result<Status> {
    let settings = config::load(opts.config.as_deref())?;
    model::load(&Wanted::new(settings.scoring, opts.model.as_deref(), opts.tier))?;
    Ok(Status::Done)
}
