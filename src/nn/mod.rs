//! Models as arithmetic: tensors in, numbers out.
//!
//! Owns layers and their weights on candle; knows nothing of listings, files' meaning or
//! settings. `registry` loads the weights, `train` makes them, `scoring` calls them.

mod bag;
mod dropout;
mod encoder;
mod engine;
mod heads;
mod kernels;
mod linear;
mod ops;
mod vision;

pub use bag::{BagConfig, BagWeights};
pub use dropout::Dropout;
pub use encoder::{Encoder, EncoderConfig, Packed, Weights};
pub use engine::{Arithmetic, Engine, NoSuchPrecision, Opinion, Precision, PriceView, Readout};
pub use heads::{Beside, Heads, HeadsConfig, Said, softplus};
pub use kernels::{Level, NoSuchLevel};
pub use vision::{BlockConfig, Vision, VisionConfig};
