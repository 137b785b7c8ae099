use std::fmt;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Settings;
use crate::domain::Clock;
use crate::flow::{Keys, Live, Outside, Shadow, Submit, SubmitParts};
use crate::http::error::{Code, Problem};
use crate::scoring::Assess;
use crate::store::Store;

/// Bodies of the largest size that may be in memory at the same time.
const LARGEST_BODIES: usize = 8;
/// Bytes a permit of the memory for bodies stands for.
const BODY_UNIT: usize = 4096;

/// What the service is made of.
pub struct Parts {
    pub settings: Settings,
    pub store: Store,
    pub scorer: Arc<dyn Assess>,
    /// A registry of products beside the store's own.
    pub origin: Option<Outside>,
    pub clock: Arc<dyn Clock>,
    pub metrics: PrometheusHandle,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("scorer", &self.scorer).finish_non_exhaustive()
    }
}

/// What every handler shares; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    settings: Settings,
    store: Store,
    submit: Submit,
    keys: Keys,
    metrics: PrometheusHandle,
    bodies: Arc<Semaphore>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("submit", &self.0.submit).finish_non_exhaustive()
    }
}

impl App {
    pub fn new(parts: Parts) -> Self {
        let Parts { settings, store, scorer, origin, clock, metrics } = parts;
        let submit = Submit::new(SubmitParts {
            scorer,
            store: store.clone(),
            limits: settings.limits.clone(),
            origin,
            queue_items: settings.server.queue_items,
        });
        let bodies = LARGEST_BODIES * settings.server.max_body_bytes.div_ceil(BODY_UNIT);
        Self(Arc::new(Shared {
            keys: Keys::new(store.clone(), clock),
            bodies: Arc::new(Semaphore::new(bodies.min(Semaphore::MAX_PERMITS))),
            settings,
            store,
            submit,
            metrics,
        }))
    }

    /// The model in use, to be changed while the service runs.
    pub fn live(&self) -> &Arc<Live> {
        self.0.submit.live()
    }

    /// The model in the shadow, likewise.
    pub fn shadow(&self) -> &Arc<Shadow> {
        self.0.submit.shadow()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn submit(&self) -> &Submit {
        &self.0.submit
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(super) fn metrics(&self) -> &PrometheusHandle {
        &self.0.metrics
    }

    /// A share of the memory for bodies, nothing yet.
    pub(super) fn body_share(&self) -> BodyShare {
        BodyShare { all: Arc::clone(&self.0.bodies), taken: None }
    }
}

/// What one body takes of the memory for bodies; given back when dropped.
#[derive(Debug)]
pub(super) struct BodyShare {
    all: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl BodyShare {
    /// Makes it at least `bytes` large, or refuses.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let taken = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.div_ceil(BODY_UNIT).saturating_sub(taken);
        if more == 0 {
            return Ok(());
        }
        let full = || {
            let text = "too many large requests at the same time";
            Problem::new(Code::QueueFull, text).retry_after(1)
        };
        let more = u32::try_from(more).map_err(|_| full())?;
        let more = Arc::clone(&self.all).try_acquire_many_owned(more).map_err(|_| full())?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}
