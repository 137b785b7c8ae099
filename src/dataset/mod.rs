//! Labelled listings on disk: one schema, honest splits, and a check that both hold.
//!
//! Owns the row ([`Row`]), reading and writing it, the manifest of a dataset's folder, the split
//! into train, valid and test, the check for leaks and shortcuts, and the changes by which
//! sellers get past filters ([`attack`]). It trains nothing and scores nothing: rows go to
//! `train`, and as [`samples()`] to `eval`.

pub mod attack;
mod check;
mod groups;
mod loader;
mod manifest;
mod ordinary;
mod prices;
mod record;
mod samples;
mod shingles;
mod shortcuts;
mod slices;
mod split;
#[cfg(test)]
mod testing;

pub use check::{CheckReport, FileCount, Finding, MIN_HARD, NearestPair, Severity, check};
pub use groups::{Groups, NEAR_COPY};
pub use loader::{DatasetError, LoadedFile, RowError, load_rows, read_file};
pub use manifest::{
    FileRecord, MANIFEST, Manifest, SplitRecord, file_sha256, write_rows, write_split,
};
pub use ordinary::{Ordinary, OrdinaryFile};
pub use prices::{PriceRow, Prices};
pub use record::{Lang, Row, SCHEMA_VERSION};
pub use samples::samples;
pub use shortcuts::{MAX_AUC, MAX_AUC_TOGETHER, MAX_BITS, Shortcut};
pub use slices::{KNOWN_SLICES, KnownSlice};
pub use split::{Shares, SharesError, Side, Split, SplitOptions, split};
