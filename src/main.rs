//! The `thatgia` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    thatgia::cli::main(std::env::args_os())
}
