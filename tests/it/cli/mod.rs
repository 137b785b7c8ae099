//! The command line: the real binary for exit codes and whole output, library calls where a fake
//! scorer is needed.

mod admin;
mod dataset;
mod evaluate;
mod models;
mod products;
mod reference;
mod score;
mod score_bulk;
mod shadow;
mod usage;

use std::process::{Command, Output};

/// Runs the program in `dir`, where it finds no model and no settings.
fn thatgia(dir: &std::path::Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thatgia")).args(args).current_dir(dir).output().unwrap()
}
