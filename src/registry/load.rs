use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use sha2::{Digest, Sha256};

use super::manifest::{EncoderSpec, MANIFEST_FILE, Manifest, ManifestError, WEIGHTS_FILE};
use crate::domain::{LegalClass, ModelRef, hex};
use crate::nn::{Arithmetic, BagWeights, Engine, HeadsConfig, Readout, Weights};
use crate::preprocess::{Pieces, PiecesError};
use crate::signals::{
    FILES, FeatureSpace, Fusion, Knowledge, KnowledgeError, PRICE_FEATURES, PRICE_FLAGS,
    PRICE_HINGES,
};

/// The tokenizer's file.
pub const TOKENIZER: &str = "tokenizer.json";

/// A model read from its folder, every file checked against the manifest.
#[derive(Debug)]
pub struct LoadedModel {
    pub manifest: Manifest,
    pub reference: ModelRef,
    pub knowledge: Knowledge,
    pub pieces: Pieces,
    pub space: FeatureSpace,
    /// One weight for each feature of `space`.
    pub weights: Vec<f32>,
    /// Text part of a listing without any feature.
    pub intercept: f64,
    /// The price part's weights; all but the first at least 0.
    pub price: [f64; PRICE_FEATURES],
    /// The second tier, where the model has one.
    pub encoder: Option<LoadedEncoder>,
}

/// The second tier of a model.
#[derive(Debug)]
pub struct LoadedEncoder {
    pub engine: Engine,
    pub readout: Readout,
}

/// A model folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{file}: SHA-256 is {got}, the manifest says {want}")]
    Hash { file: String, got: String, want: String },
    #[error("manifest.toml: no hash of {0}")]
    NoHash(&'static str),
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    #[error(transparent)]
    Pieces(#[from] PiecesError),
    #[error("{WEIGHTS_FILE}: {0}")]
    Weights(#[from] candle_core::Error),
    #[error("{WEIGHTS_FILE}: {0}")]
    Mismatch(String),
}

/// SHA-256 of `bytes` in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Loads the model in `dir`; its encoder, where it has one, is to calculate by `arithmetic`.
///
/// # Errors
/// When a file is missing, was changed, or does not fit the others.
pub fn load_model(dir: &Path, arithmetic: Arithmetic) -> Result<LoadedModel, LoadError> {
    let read = |name: &str| {
        let path = dir.join(name);
        fs::read(&path).map_err(|source| LoadError::Io { path, source })
    };
    let text = String::from_utf8_lossy(&read(MANIFEST_FILE)?).into_owned();
    let manifest = Manifest::parse(&text)?;
    // Each file is read once: what was hashed is what is used.
    let checked = |name: &'static str| {
        let want = manifest.files.get(name).ok_or(LoadError::NoHash(name))?;
        let bytes = read(name)?;
        let got = sha256_hex(&bytes);
        if got == *want {
            Ok(bytes)
        } else {
            Err(LoadError::Hash { file: name.to_owned(), got, want: want.clone() })
        }
    };
    let text = |name: &'static str| {
        String::from_utf8(checked(name)?).map_err(|e| {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidData, e);
            LoadError::Io { path: dir.join(name), source }
        })
    };
    let [lexicon, brands, teencode, fusion] = FILES.map(text);
    let fusion = Fusion::parse(&fusion?).map_err(KnowledgeError::from)?;
    let knowledge = Knowledge::parse(&lexicon?, &brands?, &teencode?)?.with_fusion(fusion);
    let pieces = Pieces::parse(&checked(TOKENIZER)?)?;
    let tensors = candle_core::safetensors::load_buffer(&checked(WEIGHTS_FILE)?, &Device::Cpu)?;
    let bag = BagWeights::from_tensors(&tensors)?;
    let spec = manifest.spec;
    let space = FeatureSpace {
        pieces: spec.pieces,
        bucket_bits: spec.bucket_bits,
        concepts: knowledge.lexicon().concepts().len(),
    };
    let config = bag.config()?;
    let weights = bag.flatten()?.to_vec1::<f32>()?;
    let fits = weights.len() == space.len()
        && config.pieces == spec.pieces
        && config.dims == spec.dims
        && spec.concepts == space.concepts
        && pieces.vocabulary() >= spec.pieces;
    if !fits {
        return Err(LoadError::Mismatch(format!(
            "{config:?} does not fit the manifest ({spec:?}) or the lexicon ({} concepts)",
            space.concepts
        )));
    }
    let numbers = |name: &str| -> Result<Vec<f64>, LoadError> {
        let tensor: &Tensor =
            tensors.get(name).ok_or_else(|| LoadError::Mismatch(format!("no tensor {name:?}")))?;
        let numbers = tensor.to_dtype(candle_core::DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        if numbers.iter().all(|n| n.is_finite()) {
            Ok(numbers)
        } else {
            Err(LoadError::Mismatch(format!("{name:?} holds a number that is none")))
        }
    };
    let price: [f64; PRICE_FEATURES] = numbers("price")?
        .try_into()
        .map_err(|_| LoadError::Mismatch("price has the wrong length".to_owned()))?;
    if price[1..].iter().any(|w| *w < 0.0) || weights.iter().any(|w| !w.is_finite()) {
        return Err(LoadError::Mismatch("a weight is negative or no number".to_owned()));
    }
    let intercept = numbers("intercept")?.first().copied().unwrap_or(0.0);
    let second = |spec: EncoderSpec| encoder(&spec, space, &tensors, arithmetic);
    let encoder = manifest.encoder.map(second).transpose()?;
    let weights_sha256 = manifest.files[WEIGHTS_FILE].as_str().into();
    let reference = ModelRef { id: manifest.id.clone(), weights_sha256 };
    Ok(LoadedModel {
        manifest,
        reference,
        knowledge,
        pieces,
        space,
        weights,
        intercept,
        price,
        encoder,
    })
}

/// The sizes of the heads over an encoder of this width.
pub fn heads_config(space: FeatureSpace, hidden: usize) -> HeadsConfig {
    HeadsConfig {
        hidden,
        signs: space.len() - space.concepts_at(),
        flags: PRICE_FLAGS,
        hinges: PRICE_HINGES,
        classes: LegalClass::ALL.len(),
    }
}

fn encoder(
    spec: &EncoderSpec,
    space: FeatureSpace,
    tensors: &HashMap<String, Tensor>,
    arithmetic: Arithmetic,
) -> Result<LoadedEncoder, LoadError> {
    let parts = ["embeddings.", "encoder.", "heads."];
    let own = tensors.iter().filter(|(name, _)| parts.iter().any(|p| name.starts_with(p)));
    let weights = Weights::new(own.map(|(name, tensor)| (name.clone(), tensor.clone())))?;
    for (name, tensor) in weights.iter() {
        // A sum of squares is a number only where all of them are.
        if !tensor.sqr()?.sum_all()?.to_scalar::<f32>()?.is_finite() {
            return Err(LoadError::Mismatch(format!("{name:?} holds a number that is none")));
        }
    }
    Ok(LoadedEncoder {
        engine: Engine::new(spec.sizes, &weights, arithmetic)?,
        readout: Readout::new(&heads_config(space, spec.sizes.hidden), &weights, arithmetic.level)?,
    })
}
