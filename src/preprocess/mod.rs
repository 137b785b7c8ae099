//! From a listing's fields to what a model reads.

mod batch;
mod pool;

pub use batch::map_batch;
pub use pool::{spawn, threads};
