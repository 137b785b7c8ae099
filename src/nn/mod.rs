//! Models as arithmetic: tensors in, numbers out.
//!
//! Owns layers and their weights on candle; knows nothing of listings, files' meaning or
//! settings. `registry` loads the weights, `train` makes them, `scoring` calls them.

mod bag;

pub use bag::{BagConfig, BagWeights};
