//! Models on disk: `models/<id>/` and the `live` file that names the one in use.
//!
//! Owns the manifest, the check of every file against its hash, and the loading. It does not
//! score: `scoring` does, with the [`LoadedModel`] that comes from here.

mod layout;
mod load;
mod manifest;

pub use layout::{LayoutError, find_models_dir, live_model, model_dir, set_live};
pub use load::{
    LoadError, LoadedEncoder, LoadedModel, TOKENIZER, heads_config, load_model, sha256_hex,
};
pub use manifest::{
    Calibration, Codes, EncoderSpec, Manifest, ManifestError, SCHEMA, Spec, Training, WEIGHTS_FILE,
};
