//! From a listing's fields to what a model reads.

mod batch;

pub use batch::map_batch;
