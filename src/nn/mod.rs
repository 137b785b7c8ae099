//! Models as arithmetic: tensors in, numbers out.
//!
//! Owns layers and their weights on candle; knows nothing of listings, files' meaning or
//! settings. `registry` loads the weights, `train` makes them, `scoring` calls them.

mod bag;
mod dropout;
mod encoder;
mod heads;
mod linear;
mod ops;

pub use bag::{BagConfig, BagWeights};
pub use dropout::Dropout;
pub use encoder::{Encoder, EncoderConfig, Packed, Weights};
pub use heads::{Beside, Heads, HeadsConfig, Said, softplus};
