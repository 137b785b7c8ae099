//! From a listing's fields to what a model reads.
//!
//! Owns the text normaliser with its map back to the seller's own characters ([`text`]), the
//! sub-word tokenizer ([`Pieces`]), pictures ([`picture`]), sketches of texts and the contacts in
//! them, the stable hash of features and the batch driver. It knows no weights and no lexicon: the
//! words that are worth restoring are handed in.

mod batch;
mod contacts;
mod hash;
pub mod picture;
mod pieces;
mod pool;
mod sketch;
pub mod text;
mod threads;

pub use batch::{Pool, PoolError, map_batch};
pub use contacts::{Contact, find_contacts};
pub use hash::{FastMap, FastSet, StableHasher, hash_str, mix};
pub use pieces::{Pieces, PiecesError};
pub use pool::{spawn, threads};
pub use sketch::{BANDS, Sketch, Sketched};
pub use threads::{ThreadsError, set_threads};
