//! The command line.
//!
//! Owns the arguments, the exit codes and everything written to the terminal; each command is a
//! file with its `Opts` and `run`. It holds no rule of its own: scoring, the store and the
//! service are called with resolved settings, and nothing below this module sees a clap type.
//!
//! Exit codes: 0 all well, 1 usage or total failure, 2 finished but some items failed.

pub mod bench;
pub mod dataset;
mod demo;
mod error;
pub mod evaluate;
mod key;
mod model;
mod models;
mod output;
mod products;
mod reference;
mod runtime;
pub mod score;
mod serve;
mod store;
pub mod train;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use error::Status;
pub use model::TierChoice;
pub use reference::{Page, page};

/// Scores marketplace listings for counterfeit likelihood, offline, every score explained.
#[derive(Debug, Parser)]
#[command(name = "thatgia", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Opts),
    Serve(serve::Opts),
    Score(score::Opts),
    Train(train::Opts),
    Bench(bench::Opts),
    Evaluate(evaluate::Opts),
    Models(models::Opts),
    Dataset(dataset::Opts),
    Products(products::Opts),
    Key(key::Opts),
    Store(store::Opts),
    #[command(hide = true)]
    Reference(reference::Opts),
}

impl Command {
    fn run(self) -> anyhow::Result<Status> {
        match self {
            Self::Demo(opts) => demo::run(&opts),
            Self::Serve(opts) => serve::run(&opts),
            Self::Score(opts) => score::run(opts),
            Self::Train(opts) => train::run(&opts),
            Self::Bench(opts) => bench::run(&opts),
            Self::Evaluate(opts) => evaluate::run(&opts),
            Self::Models(opts) => models::run(&opts),
            Self::Dataset(opts) => dataset::run(&opts),
            Self::Products(opts) => products::run(&opts),
            Self::Key(opts) => key::run(opts),
            Self::Store(opts) => store::run(opts),
            Self::Reference(opts) => reference::run(&opts),
        }
    }
}

/// Runs the program with `args`, of which the first is its own name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    match cli.command.run() {
        Ok(status) => status.into(),
        Err(error) if error::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// The commands as clap knows them, for the reference pages.
fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_cli() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
                let path = format!("{path} {}", sub.get_name());
                if sub.has_subcommands() {
                    check(sub, &path);
                } else {
                    let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                    assert!(help.contains(path.trim()), "{path}: no example");
                }
            }
        }
        check(&Cli::command(), "thatgia");
    }
}
