use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::adam::AdamW;

const TENSORS: &str = "checkpoint.safetensors";
const STATE: &str = "checkpoint.json";

/// Where a training stands between two epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Recipe and data that the training began with; another begins anew.
    pub(super) fingerprint: String,
    pub(super) epoch: usize,
    pub(super) step: u32,
    pub(super) best_epoch: usize,
    pub(super) best_loss: f64,
    pub(super) losses: Vec<(f64, f64)>,
    /// The tensors' file is of this hash; a stop between the two writes is so found.
    tensors_sha256: String,
}

impl State {
    pub(super) fn new(fingerprint: String) -> Self {
        Self {
            fingerprint,
            epoch: 0,
            step: 0,
            best_epoch: 0,
            best_loss: f64::INFINITY,
            losses: Vec::new(),
            tensors_sha256: String::new(),
        }
    }
}

/// A folder that keeps the last finished epoch.
#[derive(Debug)]
pub(super) struct Checkpoint {
    dir: PathBuf,
}

impl Checkpoint {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Saves the optimiser, the best tensors so far and the state.
    pub(super) fn save(
        &self,
        state: &mut State,
        adam: &AdamW,
        best: &[(String, Tensor)],
    ) -> candle_core::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let mut tensors: HashMap<String, Tensor> = adam.state()?.into_iter().collect();
        tensors.extend(best.iter().map(|(name, t)| (format!("best.{name}"), t.clone())));
        let fresh = self.dir.join("checkpoint.new");
        candle_core::safetensors::save(&tensors, &fresh)?;
        state.tensors_sha256 = crate::registry::sha256_hex(&fs::read(&fresh)?);
        state.step = adam.steps();
        fs::rename(&fresh, self.dir.join(TENSORS))?;
        let json = serde_json::to_vec(state).map_err(candle_core::Error::wrap)?;
        fs::write(&fresh, json)?;
        fs::rename(&fresh, self.dir.join(STATE))?;
        Ok(())
    }

    /// Puts the last epoch back, when it is of the same recipe and data and whole.
    pub(super) fn resume(
        &self,
        fingerprint: &str,
        adam: &mut AdamW,
    ) -> Option<(State, Vec<(String, Tensor)>)> {
        let json = fs::read(self.dir.join(STATE)).ok()?;
        let state: State = serde_json::from_slice(&json).ok()?;
        let bytes = fs::read(self.dir.join(TENSORS)).ok()?;
        if state.fingerprint != fingerprint
            || crate::registry::sha256_hex(&bytes) != state.tensors_sha256
        {
            return None;
        }
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).ok()?;
        adam.restore(state.step, &tensors).ok()?;
        let best = tensors
            .into_iter()
            .filter_map(|(name, t)| Some((name.strip_prefix("best.")?.to_owned(), t)))
            .collect();
        Some((state, best))
    }

    /// Takes the folder away.
    pub(super) fn clear(&self) {
        for name in [TENSORS, STATE, "checkpoint.new"] {
            let _ = fs::remove_file(self.dir.join(name));
        }
        let _ = fs::remove_dir(&self.dir);
    }
}
