use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::queue::{Unfinished, compute};
use crate::config;
use crate::domain::{Limits, Listing};
use crate::scoring::{self, Assess, Detail, ScoringError};
use crate::telemetry::metrics::{MODEL_SWAPS, MODEL_SWAPS_FAILED};

/// The model in use, which another may take the place of while requests are answered.
///
/// A request takes the scorer once and keeps it to its end, so that no answer is of two models.
#[derive(Debug)]
pub struct Live(RwLock<Arc<dyn Assess>>);

/// A model did not come into use.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    #[error(transparent)]
    Load(#[from] ScoringError),
    #[error("its trial failed")]
    Trial(#[from] Unfinished),
}

/// A listing that a new model scores before it is used: what is touched here is not touched for the
/// first time by a client.
const TRIAL: &[u8] = br#"{"title":"Giay the thao nam hang rep 1:1","description":"Ib shop","price":{"amount":250000}}"#;

/// Loads the model that the settings name, off the async threads, and has it score a listing.
pub(super) async fn load_and_try(settings: config::Scoring) -> Result<Arc<dyn Assess>, SwapError> {
    let loaded = tokio::task::spawn_blocking(move || scoring::load(&settings)).await;
    let scorer = loaded.map_err(|_| Unfinished)??;
    let trial = Arc::clone(&scorer);
    compute(move || {
        Listing::from_json(TRIAL, &Limits::default())
            .map(|listing| trial.assess(&listing, Detail::Full.into()))
            .is_ok()
    })
    .await?;
    Ok(scorer)
}

impl Live {
    pub fn new(scorer: Arc<dyn Assess>) -> Self {
        Self(RwLock::new(scorer))
    }

    /// The scorer in use now.
    pub fn get(&self) -> Arc<dyn Assess> {
        // A change is one assignment and can't be left half done.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts `scorer` in use; what runs with the old one runs on with it.
    pub fn put(&self, scorer: Arc<dyn Assess>) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, scorer);
        drop(current);
        // Outside the lock: the last holder of a model has much to free.
        drop(old);
    }

    /// Puts the model that the settings name in use, where it is another than now; whether it was.
    ///
    /// # Errors
    /// When it can't be loaded or fails its trial; then nothing changes.
    pub async fn refresh(&self, settings: &config::Scoring) -> Result<bool, SwapError> {
        let named = scoring::named(settings)?;
        if named.as_ref() == Some(&self.get().model().id) {
            return Ok(false);
        }
        self.put(load_and_try(settings.clone()).await?);
        Ok(true)
    }

    /// Looks every `every` for another model in use, for as long as the service runs.
    pub async fn follow(self: Arc<Self>, settings: config::Scoring, every: Duration) {
        let mut failed = None;
        loop {
            tokio::time::sleep(every).await;
            match self.refresh(&settings).await {
                Ok(true) => {
                    failed = None;
                    metrics::counter!(MODEL_SWAPS).increment(1);
                    tracing::info!(model = %self.get().model().id, "another model is in use");
                }
                Ok(false) => failed = None,
                Err(error) => {
                    let error = error.to_string();
                    // Said once, not every few seconds.
                    if failed.as_ref() != Some(&error) {
                        metrics::counter!(MODEL_SWAPS_FAILED).increment(1);
                        tracing::error!(error, "the model named as live is not usable");
                        failed = Some(error);
                    }
                }
            }
        }
    }
}
