//! Labelled listings on disk: one schema, honest splits, and a check that both hold.
//!
//! Owns the row ([`Row`]), reading and writing it, the manifest of a dataset's folder, the split
//! into train, valid and test, and the check for leaks and shortcuts. It trains nothing and
//! scores nothing: rows go to `train`, and as cases to `eval`.

mod loader;
mod record;

pub use loader::{DatasetError, LoadedFile, RowError, load_rows, read_file};
pub use record::{Lang, Row, SCHEMA_VERSION};
