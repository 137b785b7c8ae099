use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use metrics::{counter, histogram};

use super::queue::{Queue, QueueFull, Ticket, Unfinished};
use crate::domain::{ItemError, Limits, Listing, ScoredLine};
use crate::scoring::{Ask, Assess, RawItem, score_items};
use crate::store::{SaveReport, Store, StoreError, ToStore};
use crate::telemetry::metrics::{LISTINGS_SCORED, SCORE_SECONDS};

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

/// What came of a batch that was to be kept.
#[derive(Debug)]
pub struct Kept {
    /// One for each item, in order. A listing that came without an id has the one it is kept by.
    pub lines: Vec<ScoredLine>,
    /// Nothing of the batch is kept when this is an error.
    pub saved: Result<SaveReport, StoreError>,
}

/// What it takes to score listings.
pub struct SubmitParts {
    pub scorer: Arc<dyn Assess>,
    pub store: Store,
    pub limits: Limits,
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
    scorer: Arc<dyn Assess>,
    store: Store,
    limits: Arc<Limits>,
    queue: Queue,
}

type Pairs = Vec<(ScoredLine, Option<Listing>)>;

impl Submit {
    pub fn new(parts: SubmitParts) -> Self {
        let SubmitParts { scorer, store, limits, queue_items } = parts;
        Self { scorer, store, limits: Arc::new(limits), queue: Queue::new(queue_items) }
    }

    pub fn scorer(&self) -> &Arc<dyn Assess> {
        &self.scorer
    }

    /// A place for `items` listings now.
    ///
    /// # Errors
    /// When the queue has no room for them.
    pub fn admit(&self, items: usize) -> Result<Ticket, QueueFull> {
        self.queue.admit(items)
    }

    /// A place for `items` listings as soon as there is room.
    pub async fn wait(&self, items: usize) -> Ticket {
        self.queue.wait(items).await
    }

    /// Scores a batch and writes its lines, all in one go on the thread pool.
    ///
    /// # Errors
    /// When the work panics.
    pub async fn score<B, R>(
        &self,
        ticket: Ticket,
        batch: Batch<B>,
        ask: Ask,
        write: impl FnOnce(&mut dyn Iterator<Item = &ScoredLine>) -> R + Send + 'static,
    ) -> Result<R, Unfinished>
    where
        B: AsRef<[u8]> + Send + 'static,
        R: Send + 'static,
    {
        let work = self.work(ask);
        ticket.run(move || write(&mut work.score(&batch).iter().map(|(line, _)| line))).await
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
        B: AsRef<[u8]> + Send + 'static,
    {
        let work = self.work(ask);
        let (batch, pairs) = ticket
            .run(move || {
                let pairs = work.score(&batch);
                (batch, pairs)
            })
            .await?;
        let (saved, ids) = match self.save(&batch, &pairs).await {
            Ok(report) => {
                let ids = report.items.iter().map(|i| i.id.clone()).collect();
                (Ok(report), ids)
            }
            Err(error) => (Err(error), Vec::new()),
        };
        let mut ids = ids.into_iter();
        let lines = pairs.into_iter().map(|(mut line, _)| {
            if line.outcome.is_ok() {
                let id = ids.next().flatten();
                line.id = line.id.or(id);
            }
            line
        });
        Ok(Kept { lines: lines.collect(), saved })
    }

    fn work(&self, ask: Ask) -> Work {
        Work { scorer: Arc::clone(&self.scorer), limits: Arc::clone(&self.limits), ask }
    }

    async fn save<B: AsRef<[u8]>>(
        &self,
        batch: &Batch<B>,
        pairs: &Pairs,
    ) -> Result<SaveReport, StoreError> {
        let bytes = batch.bytes.as_ref();
        let good = batch.items.iter().zip(pairs).filter_map(|(item, (line, listing))| {
            let Item::Json { at, .. } = item else { return None };
            let listing = listing.as_ref().filter(|_| line.outcome.is_ok())?;
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

/// What the thread pool needs to score a batch.
struct Work {
    scorer: Arc<dyn Assess>,
    limits: Arc<Limits>,
    ask: Ask,
}

impl Work {
    fn score<B: AsRef<[u8]>>(&self, batch: &Batch<B>) -> Pairs {
        let began = std::time::Instant::now();
        let bytes = batch.bytes.as_ref();
        let raw = batch.items.iter().filter_map(|item| match item {
            Item::Json { line, at } => {
                let json = bytes.get(at.clone()).unwrap_or_default();
                Some(RawItem { line: *line, json })
            }
            Item::TooLarge { .. } => None,
        });
        let raw: Vec<_> = raw.collect();
        let mut scored = score_items(&*self.scorer, &self.limits, self.ask, &raw);
        if raw.len() < batch.items.len() {
            let mut rest = scored.into_iter();
            scored = batch
                .items
                .iter()
                .filter_map(|item| match item {
                    Item::Json { .. } => rest.next(),
                    Item::TooLarge { line, bytes } => {
                        let error = ItemError::too_large(*bytes, self.limits.item_bytes);
                        let line = ScoredLine { line: *line, id: None, outcome: Err(error) };
                        Some((line, None))
                    }
                })
                .collect();
        }
        histogram!(SCORE_SECONDS).record(began.elapsed().as_secs_f64());
        count(&scored);
        scored
    }
}

fn count(scored: &Pairs) {
    let mut kinds: Vec<((&str, &str), u64)> = Vec::new();
    for (line, _) in scored {
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
