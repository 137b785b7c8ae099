use std::mem;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use metrics::counter;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::live::{Live, SwapError, load_and_try};
use super::queue::{Queue, compute};
use super::submit::{Batch, Item, slice_size};
use crate::domain::{Assessment, Limits, hex};
use crate::registry::{ShadowFileError, Shadowing, Share, read_shadow};
use crate::scoring::{
    self, Ask, Assess, Detail, RawItem, ReadItem, ScoredItem, TierChoice, score_read,
};
use crate::signals::Context;
use crate::store::{ModelScore, ShadowScore, Store};
use crate::telemetry::metrics::{SHADOW_DROPPED, SHADOW_FAILED, SHADOW_SCORED};
use crate::{config, preprocess};

/// Listings that may be pending, from the pick until their scores are kept.
const PLACES: usize = 1024;
/// Bytes that a place stands for: a longer listing takes several.
const PLACE_BYTES: usize = 64 << 10;
/// Batches of which listings may be pending or still to be picked.
const BATCHES: u32 = 1024;
/// Rows of one transaction: whoever waits for his turn to write does not wait long.
const ROWS: usize = 128;

/// A second model that scores a share of what the live one has scored. Its scores are kept, and
/// nobody is shown them.
///
/// Answers never wait for it: it begins when they are ready, in tasks of its own, takes a quarter
/// of the processors at most, and what there is no place for is dropped and counted.
#[derive(Debug)]
pub struct Shadow {
    current: RwLock<Option<Arc<InUse>>>,
    live: Arc<Live>,
    limits: Arc<Limits>,
    store: Store,
    queue: Queue,
    batches: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// Slices that are being scored or wait for a processor.
    slices: Semaphore,
    /// What waits to be kept, by whoever holds `keeping`.
    scored: Mutex<Vec<Row>>,
    keeping: tokio::sync::Mutex<()>,
}

/// The model in the shadow.
#[derive(Debug)]
struct InUse {
    scorer: Arc<dyn Assess>,
    named: Shadowing,
    /// Whether it has been said that it fails on listings: once is enough.
    said: AtomicBool,
}

/// No model came into the shadow.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    #[error(transparent)]
    File(#[from] ShadowFileError),
    #[error(transparent)]
    Model(#[from] SwapError),
}

/// A batch of which some may be for the shadow, and what the live model said.
#[derive(Debug)]
pub(super) struct Noted<B> {
    shadow: Arc<InUse>,
    batch: Arc<Batch<B>>,
    tier: TierChoice,
    said: Vec<Said>,
}

impl<B> Noted<B> {
    /// Without ids: a listing that is only tried out leaves nothing behind by which it is known.
    pub(super) fn nameless(mut self) -> Self {
        self.said.iter_mut().for_each(|said| said.id = None);
        self
    }
}

/// What the live model said of the listing at these bytes.
#[derive(Debug)]
struct Said {
    at: Range<usize>,
    id: Option<String>,
    context: Context,
    live: ModelScore,
}

/// A listing for the shadow: bytes of its own, so that no client's body is held for it.
#[derive(Debug)]
struct Picked {
    json: Box<[u8]>,
    content_sha256: String,
    id: Option<String>,
    context: Context,
    live: ModelScore,
    place: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Row {
    score: ShadowScore,
    place: OwnedSemaphorePermit,
}

impl Shadow {
    pub(super) fn new(live: Arc<Live>, limits: Arc<Limits>, store: Store, queue: Queue) -> Self {
        Self {
            current: RwLock::new(None),
            live,
            limits,
            store,
            queue,
            batches: Arc::new(Semaphore::new(BATCHES as usize)),
            places: Arc::new(Semaphore::new(PLACES)),
            slices: Semaphore::new((preprocess::threads() / 4).max(1)),
            scored: Mutex::default(),
            keeping: tokio::sync::Mutex::default(),
        }
    }

    fn get(&self) -> Option<Arc<InUse>> {
        // A change is one assignment and can't be left half done.
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, next: Option<InUse>) {
        let next = next.map(Arc::new);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = mem::replace(&mut *current, next);
        drop(current);
        // Outside the lock: the last holder of a model has much to free.
        drop(old);
    }

    /// Which model is in the shadow, and its share.
    pub fn named(&self) -> Option<Shadowing> {
        self.get().map(|current| current.named.clone())
    }

    /// Puts a model in the shadow, or none.
    pub fn put(&self, next: Option<(Arc<dyn Assess>, Share)>) {
        self.set(next.map(|(scorer, share)| {
            let named = Shadowing { model: scorer.model().id.clone(), share };
            InUse { scorer, named, said: AtomicBool::new(false) }
        }));
    }

    /// Puts the model that the `shadow` file names in the shadow; whether anything changed. The live
    /// model is no shadow of itself: while the file names it, there is none.
    ///
    /// # Errors
    /// When the file is broken or the model can't be loaded or fails its trial; then there is none.
    pub async fn refresh(&self, settings: &config::Scoring) -> Result<bool, ShadowError> {
        let changed = self.look(settings).await;
        if changed.is_err() {
            self.set(None);
        }
        changed
    }

    async fn look(&self, settings: &config::Scoring) -> Result<bool, ShadowError> {
        // Where there is no folder of models, since a model was named by its own, is no file.
        let wanted = match scoring::models_dir(settings) {
            Ok(dir) => read_shadow(&dir)?.map(|named| (dir, named)),
            Err(_) => None,
        };
        let live = self.live.get().model().id.clone();
        let Some((dir, named)) = wanted.filter(|(_, named)| named.model != live) else {
            let was = self.get().is_some();
            self.set(None);
            return Ok(was);
        };
        let said = AtomicBool::new(false);
        if let Some(current) = self.get().filter(|c| c.named.model == named.model) {
            let changed = current.named != named;
            if changed {
                let scorer = Arc::clone(&current.scorer);
                self.set(Some(InUse { scorer, named, said }));
            }
            return Ok(changed);
        }
        // Not two of them in memory.
        self.set(None);
        let model = named.model.to_string();
        let settings = config::Scoring { models_dir: dir, model, ..settings.clone() };
        let scorer = load_and_try(settings).await?;
        self.set(Some(InUse { scorer, named, said }));
        Ok(true)
    }

    /// Looks for a model in the shadow now and then `every` so often, for as long as the service
    /// runs; only now where `every` is `None`.
    pub async fn follow(self: Arc<Self>, settings: config::Scoring, every: Option<Duration>) {
        let mut failed = None;
        loop {
            match self.refresh(&settings).await {
                Ok(true) => {
                    failed = None;
                    match self.named() {
                        Some(Shadowing { model, share }) => {
                            tracing::info!(%model, %share, "a model scores in the shadow");
                        }
                        None => tracing::info!("no model scores in the shadow"),
                    }
                }
                Ok(false) => failed = None,
                Err(error) => {
                    let error = error.to_string();
                    // Said once, not every few seconds.
                    if failed.as_ref() != Some(&error) {
                        counter!(SHADOW_FAILED).increment(1);
                        tracing::error!(error, "the model named for the shadow is not usable");
                        failed = Some(error);
                    }
                }
            }
            let Some(every) = every else { return };
            tokio::time::sleep(every).await;
        }
    }

    /// What there is to do for a batch that has been scored, to be begun once its answer is ready.
    pub(super) fn note<B>(
        &self,
        batch: &Arc<Batch<B>>,
        scored: &[ScoredItem],
        tier: TierChoice,
    ) -> Option<Noted<B>> {
        let shadow = self.get()?;
        let said =
            batch.items.iter().zip(scored).filter_map(|(item, ScoredItem { line, read })| {
                let Item::Json { at, .. } = item else { return None };
                let by_live = line.outcome.as_ref().ok()?;
                if by_live.model == *shadow.scorer.model() {
                    return None;
                }
                let context = read.as_ref()?.1.clone();
                let (at, id) = (at.clone(), line.id.clone());
                Some(Said { at, id, context, live: model_score(by_live) })
            });
        let said = said.collect();
        Some(Noted { shadow, batch: Arc::clone(batch), tier, said })
    }

    /// Sees to a batch in a task of its own.
    pub(super) fn begin<B>(self: &Arc<Self>, noted: Option<Noted<B>>)
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let Some(noted) = noted.filter(|noted| !noted.said.is_empty()) else { return };
        let Ok(place) = Arc::clone(&self.batches).try_acquire_owned() else {
            // Which of them it would have been is not worth finding out.
            let share = noted.shadow.named.share.value();
            dropped("full", (noted.said.len() as f64 * share).ceil() as u64);
            return;
        };
        let this = Arc::clone(self);
        tokio::spawn(async move {
            this.work(noted).await;
            drop(place);
        });
    }

    /// Waits until nothing that has begun is pending.
    pub async fn settled(&self) {
        // An error means that the semaphore was closed, which nobody does.
        drop(self.batches.acquire_many(BATCHES).await);
    }

    async fn work<B>(self: &Arc<Self>, noted: Noted<B>)
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let Noted { shadow, batch, tier, said } = noted;
        let (this, share) = (Arc::clone(self), shadow.named.share);
        let picked = compute(move || this.pick(share, &batch, said)).await;
        let mut picked = picked.unwrap_or_default();
        let size = slice_size(&*shadow.scorer, tier);
        // Nobody will look at an explanation.
        let ask = Ask { detail: Detail::Bare, tier };
        let mut rows = Vec::new();
        while !picked.is_empty() {
            let rest = picked.split_off(size.min(picked.len()));
            let slice = mem::replace(&mut picked, rest);
            rows.extend(self.score(&shadow, slice, ask).await);
            if rows.len() >= ROWS || picked.is_empty() {
                self.keep(mem::take(&mut rows)).await;
            }
        }
    }

    /// The listings of the share, each with its place among the pending ones, while there are any.
    ///
    /// The hash of its bytes decides, so that the same listing is always in or always out.
    fn pick<B: AsRef<[u8]>>(&self, share: Share, batch: &Batch<B>, said: Vec<Said>) -> Vec<Picked> {
        let (mut picked, mut left) = (Vec::new(), 0);
        for Said { at, id, context, live } in said {
            let json = batch.bytes.as_ref().get(at).unwrap_or_default();
            let digest = Sha256::digest(json);
            let first = digest.iter().take(8).fold(0, |n, byte| (n << 8) | u64::from(*byte));
            if !share.holds(first) {
                continue;
            }
            let places = u32::try_from(json.len().div_ceil(PLACE_BYTES)).unwrap_or(u32::MAX);
            match Arc::clone(&self.places).try_acquire_many_owned(places.max(1)) {
                Ok(place) => {
                    let (json, content_sha256) = (json.into(), hex(&digest));
                    picked.push(Picked { json, content_sha256, id, context, live, place });
                }
                Err(_) => left += 1,
            }
        }
        dropped("full", left);
        picked
    }

    async fn score(&self, shadow: &Arc<InUse>, slice: Vec<Picked>, ask: Ask) -> Vec<Row> {
        let count = slice.len();
        let turn = self.slices.acquire().await;
        let (shadow_here, limits) = (Arc::clone(shadow), Arc::clone(&self.limits));
        let rows = self.queue.aside(move || rows(&shadow_here, &limits, slice, ask)).await;
        drop(turn);
        let rows = rows.unwrap_or_default();
        let failed = count - rows.len();
        if failed > 0 && !shadow.said.swap(true, Ordering::Relaxed) {
            tracing::warn!(model = %shadow.named.model, "the model in the shadow fails on listings");
        }
        dropped("failed", failed as u64);
        rows
    }

    /// Keeps `rows` together with whatever others have to keep by then.
    async fn keep(&self, rows: Vec<Row>) {
        self.scored.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
        let _turn = self.keeping.lock().await;
        let rows = mem::take(&mut *self.scored.lock().unwrap_or_else(PoisonError::into_inner));
        let (scores, places): (Vec<_>, Vec<_>) =
            rows.into_iter().map(|row| (row.score, row.place)).unzip();
        for scores in scores.chunks(ROWS) {
            match self.store.save_shadow(scores).await {
                Ok(()) => counter!(SHADOW_SCORED).increment(scores.len() as u64),
                Err(error) => {
                    dropped("store", scores.len() as u64);
                    tracing::warn!(%error, "scores of the shadow could not be kept");
                }
            }
        }
        drop(places);
    }
}

fn dropped(reason: &'static str, listings: u64) {
    if listings > 0 {
        counter!(SHADOW_DROPPED, "reason" => reason).increment(listings);
    }
}

fn model_score(said: &Assessment) -> ModelScore {
    ModelScore { model: said.model.id.clone(), score: said.score.value(), band: said.band }
}

/// Scores a slice; the listings on which the model fails have no row.
fn rows(shadow: &InUse, limits: &Limits, slice: Vec<Picked>, ask: Ask) -> Vec<Row> {
    let read = |p: &Picked| {
        ReadItem::new(RawItem { line: 1, json: &p.json }, limits).in_context(p.context.clone())
    };
    let scored = score_read(&*shadow.scorer, ask, preprocess::map_batch(&slice, read));
    let row = |(picked, item): (Picked, ScoredItem)| {
        let Picked { content_sha256, id, live, place, .. } = picked;
        let shadow = model_score(&item.line.outcome.ok()?);
        let score = ShadowScore { listing_id: id, content_sha256, live, shadow };
        Some(Row { score, place })
    };
    slice.into_iter().zip(scored).filter_map(row).collect()
}
