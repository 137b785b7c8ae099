use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use crate::domain::{ApiKey, Clock};
use crate::store::{KeyRecord, Store, StoreError};

/// A key revoked by another process opens nothing any more after this long.
pub const REVOKED_WITHIN: Duration = Duration::seconds(5);
/// Keys remembered at most.
const REMEMBERED: usize = 1024;

type Hash = [u8; 32];

/// Whose key is it? Asks the store, and remembers the answer for a few seconds.
///
/// Only keys that exist are remembered, so that made-up ones cannot push them out; a key is
/// remembered by its hash, so that no secret stays in memory.
pub struct Keys {
    store: Store,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<Hash, Known>>,
}

#[derive(Clone)]
struct Known {
    record: Arc<KeyRecord>,
    since: OffsetDateTime,
}

impl Known {
    /// A clock that was set back must not prolong it.
    fn is_fresh(&self, now: OffsetDateTime) -> bool {
        let age = now - self.since;
        age >= Duration::ZERO && age < REVOKED_WITHIN
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, known: Mutex::default() }
    }

    /// The record of `key`, unless it is unknown or revoked.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find(&self, key: &ApiKey) -> Result<Option<Arc<KeyRecord>>, StoreError> {
        let hash: Hash = Sha256::digest(key.reveal()).into();
        let now = self.clock.now();
        let known = self.lock().get(&hash).filter(|k| k.is_fresh(now)).cloned();
        if let Some(known) = known {
            return Ok(Some(known.record));
        }
        let record = self.store.find_key(key).await?.map(Arc::new);
        match &record {
            Some(record) => self.remember(hash, Known { record: Arc::clone(record), since: now }),
            None => {
                self.lock().remove(&hash);
            }
        }
        Ok(record)
    }

    /// Forgets a key at once, when this process revoked it.
    pub fn forget(&self, id: &str) {
        self.lock().retain(|_, known| known.record.id != id);
    }

    fn remember(&self, hash: Hash, known: Known) {
        let mut all = self.lock();
        if all.len() >= REMEMBERED && !all.contains_key(&hash) {
            let now = known.since;
            all.retain(|_, k| k.is_fresh(now));
            if all.len() >= REMEMBERED {
                // All are in use: starting over costs each one look-up.
                all.clear();
            }
        }
        all.insert(hash, known);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Hash, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
