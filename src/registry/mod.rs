//! Models on disk: `models/<id>/`, the `live` file that names the one in use, and the `shadow` file
//! that names one to compare it with.
//!
//! Owns the manifest, the check of every file against its hash, the loading, and the change from
//! one model in use to another with its history. It does not score: `scoring` does, with the
//! [`LoadedModel`] that comes from here; nor does it judge: `eval::gate` does.

mod change;
mod folder;
mod history;
mod layout;
mod load;
mod manifest;
mod pretrained;
mod shadow;
#[cfg(test)]
mod testing;

pub use change::{ChangeError, Exclusive, check_name};
pub use folder::{Card, FileEntry, FileState, Folder, FolderError, Sources};
pub use history::{Action, Change, HISTORY_FILE, Held, HistoryError, read_history};
pub use layout::{
    LayoutError, find_models_dir, image_encoder_dir, live_if_any, live_model, model_dir, model_ids,
    set_live,
};
pub use load::{
    LoadError, LoadedEncoder, LoadedModel, TOKENIZER, heads_config, load_model, sha256_hex,
};
pub use manifest::{
    Calibration, EncoderSpec, MANIFEST_FILE, Manifest, ManifestError, SCHEMA, Spec, Training,
    WEIGHTS_FILE,
};
pub use pretrained::{PretrainedError, pretrained_engine, pretrained_sizes, pretrained_vision};
pub use shadow::{
    ShadowFileError, Shadowing, Share, ShareError, clear_shadow, read_shadow, set_shadow,
};
