//! The command line: the real binary for exit codes and whole output, library calls where a fake
//! scorer is needed.

mod dataset;
mod usage;
