use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::error::{Hint as _, Status};
use super::output;
use crate::train;

const AFTER_HELP: &str = "\
Examples:
  thatgia train models/recipes/vi-fast.toml --out /tmp/candidates
  thatgia evaluate datasets/gold/test.jsonl --model /tmp/candidates/vi-fast-2026-11c

A training that was stopped goes on where it stood when the same command is given again.";

/// Trains a candidate model from labelled listings
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Opts {
    /// The recipe: data, sizes, fit
    config: PathBuf,
    /// Folder in which the candidate's folder is made
    #[arg(long, value_name = "DIR", default_value = "candidates")]
    out: PathBuf,
    /// Seed in place of the recipe's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let recipe = fs::read_to_string(&opts.config)
        .with_context(|| format!("can't read {}", opts.config.display()))
        .hint("models/recipes holds the recipes of the models that ship")?;
    let bar = output::progress(Some(0), "batches");
    let mut epoch = 1;
    let outcome = train::run(&recipe, opts.seed, &opts.out, &mut |p: train::Progress| {
        // A log gets a line an epoch where a terminal has the bar.
        if p.epoch != epoch && bar.is_hidden() {
            epoch = p.epoch;
            let (done, valid, best) = (p.epoch - 1, p.valid_loss, p.best_epoch);
            output::note(&format!(
                "epoch {done} of {}: valid {valid:.4}, best at {best}",
                p.epochs
            ));
        }
        bar.set_length(p.total as u64);
        bar.set_position(p.done as u64);
        bar.set_message(format!(
            "epoch {} of {}, loss {:.4}, valid {:.4}, best at {}",
            p.epoch, p.epochs, p.train_loss, p.valid_loss, p.best_epoch
        ));
    })
    .context("training failed")?;
    bar.finish_and_clear();
    let chosen = &outcome.thresholds;
    let mut out = output::stdout();
    writeln!(out, "model       {}", outcome.dir.display())?;
    writeln!(out, "rows        {} train, {} valid", outcome.train_rows, outcome.valid_rows)?;
    writeln!(out, "epochs      {}, best {}", outcome.epochs, outcome.best_epoch)?;
    writeln!(out, "valid loss  {:.4}", outcome.valid_log_loss)?;
    writeln!(
        out,
        "calibration slope {:.3}, shift {:.3}",
        outcome.calibration.slope, outcome.calibration.shift
    )?;
    for (name, at) in [("review", &chosen.review), ("high", &chosen.high)] {
        writeln!(
            out,
            "{name:<11} score {:.4}: recall {:.3}, false positives {:.3}",
            at.score, at.recall, at.false_positive_rate
        )?;
    }
    out.flush()?;
    Ok(Status::Done)
}
