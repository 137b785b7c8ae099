use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, histogram};

use super::context::Contexts;
use super::live::Live;
use super::origin::Outside;
use super::processors::Priority;
use super::queue::{Queue, QueueFull, Ticket, Unfinished, compute};
use super::shadow::{Noted, Shadow};
use crate::domain::{ItemError, Limits, ScoredLine};
use crate::preprocess;
use crate::scoring::{Ask, Assess, RawItem, ReadItem, ScoredItem, TierChoice, score_read};
use crate::store::{SaveReport, Store, StoreError, ToStore};
use crate::telemetry::metrics::{LISTINGS_SCORED, SCORE_SECONDS, STAGE_SECONDS};

/// One item of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// The bytes of a JSON value, by their place in the batch's bytes.
    Json { line: u64, at: Range<usize> },
    /// An item that was longer than `limits.item_bytes` and was not kept.
    TooLarge { line: u64, bytes: usize },
}

/// Items in order, with the bytes that they stand in.
#[derive(Debug)]
pub struct Batch<B> {
    pub bytes: B,
    pub items: Vec<Item>,
}

/// Batches of so many go before larger ones: somebody looks at them.
const FEW: usize = 4;
/// Listings that a processor takes at a time from a batch, so that who goes first waits a few
/// milliseconds at most: of the fast tier alone, and of the encoder.
const FAST_SLICE: usize = 64;
const SLOW_SLICE: usize = 4;

/// How long each stage took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Until the first listing had a processor.
    pub queue: Duration,
    pub score: Duration,
    pub store: Duration,
    pub write: Duration,
}

/// A batch's lines, written, and how long it took.
#[derive(Debug)]
pub struct Scored<R> {
    pub written: R,
    pub timings: Timings,
}

/// What came of a batch that was to be kept.
#[derive(Debug)]
pub struct Kept {
    /// One for each item, in order. A listing that came without an id has the one it is kept by.
    pub lines: Vec<ScoredLine>,
    /// Nothing of the batch is kept when this is an error.
    pub saved: Result<SaveReport, StoreError>,
    pub timings: Timings,
}

/// What it takes to score listings.
pub struct SubmitParts {
    pub scorer: Arc<dyn Assess>,
    pub store: Store,
    pub limits: Limits,
    /// A registry of products beside the store's own.
    pub origin: Option<Outside>,
    /// Listings that may wait.
    pub queue_items: usize,
}

impl fmt::Debug for SubmitParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitParts").finish_non_exhaustive()
    }
}

/// Takes listings, gives them their scores, and keeps them where that is asked for.
#[derive(Debug)]
pub struct Submit {
    live: Arc<Live>,
    shadow: Arc<Shadow>,
    contexts: Contexts,
    store: Store,
    limits: Arc<Limits>,
    queue: Queue,
}

impl Submit {
    pub fn new(parts: SubmitParts) -> Self {
        let SubmitParts { scorer, store, limits, origin, queue_items } = parts;
        let live = Arc::new(Live::new(scorer));
        let (limits, queue) = (Arc::new(limits), Queue::new(queue_items));
        let shadow =
            Shadow::new(Arc::clone(&live), Arc::clone(&limits), store.clone(), queue.clone());
        let contexts = Contexts::new(store.clone(), origin);
        Self { live, shadow: Arc::new(shadow), contexts, store, limits, queue }
    }

    /// The model in use.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The model in the shadow.
    pub fn shadow(&self) -> &Arc<Shadow> {
        &self.shadow
    }

    /// A place for `items` listings now; a few go before many.
    ///
    /// # Errors
    /// When the queue has no room for them.
    pub fn admit(&self, items: usize) -> Result<Ticket, QueueFull> {
        let priority = if items <= FEW { Priority::Interactive } else { Priority::Bulk };
        self.queue.admit(items, priority)
    }

    /// Whether a batch has any hope: asked before its body is read.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn check(&self) -> Result<(), QueueFull> {
        self.queue.check()
    }

    /// A place for `items` listings as soon as there is room.
    pub async fn wait(&self, items: usize) -> Ticket {
        self.queue.wait(items).await
    }

    /// Scores a batch on the thread pool and writes its lines.
    ///
    /// # Errors
    /// When the work panics.
    pub async fn score<B, R>(
        &self,
        ticket: Ticket,
        batch: Batch<B>,
        ask: Ask,
        write: impl FnOnce(&mut dyn Iterator<Item = &ScoredLine>) -> R + Send + 'static,
    ) -> Result<Scored<R>, Unfinished>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
        R: Send + 'static,
    {
        let batch = Arc::new(batch);
        let (scored, mut timings) = self.scored(ticket, &batch, ask).await?;
        let noted = self.shadow.note(&batch, &scored, ask.tier);
        drop(batch);
        let began = Instant::now();
        let written = compute(move || write(&mut scored.iter().map(|item| &item.line))).await?;
        timings.write = began.elapsed();
        self.shadow.begin(noted.map(Noted::nameless));
        Ok(Scored { written, timings })
    }

    /// Scores a batch and keeps all of it that has a score, in one transaction.
    ///
    /// # Errors
    /// When the work panics.
    pub async fn score_and_keep<B>(
        &self,
        ticket: Ticket,
        batch: Batch<B>,
        ask: Ask,
    ) -> Result<Kept, Unfinished>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let batch = Arc::new(batch);
        let (scored, mut timings) = self.scored(ticket, &batch, ask).await?;
        let began = Instant::now();
        let (saved, ids) = match self.save(&batch, &scored).await {
            Ok(report) => {
                let ids = report.items.iter().map(|i| i.id.clone()).collect();
                (Ok(report), ids)
            }
            Err(error) => (Err(error), Vec::new()),
        };
        timings.store = began.elapsed();
        self.shadow.begin(self.shadow.note(&batch, &scored, ask.tier));
        let mut ids = ids.into_iter();
        let lines = scored.into_iter().map(|ScoredItem { mut line, .. }| {
            if line.outcome.is_ok() {
                let id = ids.next().flatten();
                line.id = line.id.or(id);
            }
            line
        });
        Ok(Kept { lines: lines.collect(), saved, timings })
    }

    /// Scores a batch, one slice after the other, each as soon as a processor is free for it.
    async fn scored<B>(
        &self,
        ticket: Ticket,
        batch: &Arc<Batch<B>>,
        ask: Ask,
    ) -> Result<(Vec<ScoredItem>, Timings), Unfinished>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let began = Instant::now();
        let read = if batch.items.len() <= FEW {
            // Sooner read than sent to another thread.
            batch.items.iter().map(|item| batch.read(item, &self.limits)).collect()
        } else {
            let (batch, limits) = (Arc::clone(batch), Arc::clone(&self.limits));
            let read =
                move || preprocess::map_batch(&batch.items, |item| batch.read(item, &limits));
            compute(read).await?
        };
        let mut items = self.contexts.gather(read).await;
        // One model for the whole batch, whatever comes into use meanwhile.
        let scorer = self.live.get();
        let size = slice_size(&*scorer, ask.tier);
        let mut slices = Vec::with_capacity(items.len().div_ceil(size));
        while !items.is_empty() {
            let rest = items.split_off(size.min(items.len()));
            let (slice, scorer) = (std::mem::replace(&mut items, rest), Arc::clone(&scorer));
            slices.push(move || score_read(&*scorer, ask, slice));
        }
        let (slices, queue) = ticket.run(slices).await?;
        let score = began.elapsed().saturating_sub(queue);
        let scored: Vec<_> = slices.into_iter().flatten().collect();
        histogram!(STAGE_SECONDS, "stage" => "queue").record(queue.as_secs_f64());
        histogram!(SCORE_SECONDS).record(score.as_secs_f64());
        count(&scored);
        Ok((scored, Timings { queue, score, ..Timings::default() }))
    }

    async fn save<B: AsRef<[u8]>>(
        &self,
        batch: &Batch<B>,
        scored: &[ScoredItem],
    ) -> Result<SaveReport, StoreError> {
        let bytes = batch.bytes.as_ref();
        let good =
            batch.items.iter().zip(scored).filter_map(|(item, ScoredItem { line, read })| {
                let Item::Json { at, .. } = item else { return None };
                let (listing, _) = read.as_ref().filter(|_| line.outcome.is_ok())?;
                let json = std::str::from_utf8(bytes.get(at.clone())?).ok()?;
                Some(ToStore { json, listing, line })
            });
        let good: Vec<_> = good.collect();
        if good.is_empty() {
            return Ok(SaveReport::default());
        }
        self.store.save(&good).await
    }
}

/// Listings of a slice that `scorer` scores with `tier`.
pub(super) fn slice_size(scorer: &dyn Assess, tier: TierChoice) -> usize {
    if tier != TierChoice::Fast && scorer.has_encoder() { SLOW_SLICE } else { FAST_SLICE }
}

impl<B: AsRef<[u8]>> Batch<B> {
    fn read(&self, item: &Item, limits: &Limits) -> ReadItem {
        match item {
            Item::Json { line, at } => {
                let json = self.bytes.as_ref().get(at.clone()).unwrap_or_default();
                ReadItem::new(RawItem { line: *line, json }, limits)
            }
            Item::TooLarge { line, bytes } => {
                let error = ItemError::too_large(*bytes, limits.item_bytes);
                ReadItem::refused(*line, None, error)
            }
        }
    }
}

fn count(scored: &[ScoredItem]) {
    let mut kinds: Vec<((&str, &str), u64)> = Vec::new();
    for ScoredItem { line, .. } in scored {
        let kind = match &line.outcome {
            Ok(assessment) => ("ok", assessment.tier.as_str()),
            Err(error) => (error.code.as_str(), "none"),
        };
        match kinds.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, n)) => *n += 1,
            None => kinds.push((kind, 1)),
        }
    }
    for ((outcome, tier), n) in kinds {
        counter!(LISTINGS_SCORED, "outcome" => outcome.to_owned(), "tier" => tier.to_owned())
            .increment(n);
    }
}
