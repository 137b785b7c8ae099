use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

use crate::domain::{Assessment, ErrorCode, ItemError, Limits, Listing, ModelRef, ScoredLine};
use crate::preprocess;
use crate::signals::Context;

/// How much of the explanation to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// No passage is read again to see what it does: for measuring, where only scores count.
    Bare,
    /// The strongest findings, the rest of each part summed up in one.
    #[default]
    Brief,
    /// Every finding.
    Full,
}

/// Which tiers may settle a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TierChoice {
    /// The fast tier settles what it can, the encoder the rest.
    #[default]
    Auto,
    /// The fast tier alone.
    Fast,
    /// The encoder for everything, where there is one.
    Full,
}

impl FromStr for TierChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "fast" => Ok(Self::Fast),
            "full" => Ok(Self::Full),
            _ => Err("expected one of auto, fast, full"),
        }
    }
}

/// What is wanted of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ask {
    pub detail: Detail,
    pub tier: TierChoice,
}

impl From<Detail> for Ask {
    fn from(detail: Detail) -> Self {
        Self { detail, tier: TierChoice::Auto }
    }
}

/// A listing and what is known of it beyond itself.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub listing: &'a Listing,
    pub context: &'a Context,
}

impl<'a> From<&'a Listing> for Subject<'a> {
    fn from(listing: &'a Listing) -> Self {
        Self { listing, context: Context::NONE }
    }
}

/// Something that gives a listing its score; the same listing in the same context always gets the
/// same one.
pub trait Assess: Debug + Send + Sync {
    /// The model that the scores come from.
    fn model(&self) -> &ModelRef;

    /// Scores some listings on the thread pool; one assessment each, in order.
    fn assess_all(&self, subjects: &[Subject<'_>], ask: Ask) -> Vec<Assessment>;

    /// Scores one listing of which nothing else is known.
    ///
    /// # Panics
    /// When the scorer gives no assessment back.
    fn assess(&self, listing: &Listing, ask: Ask) -> Assessment {
        self.assess_all(&[listing.into()], ask).pop().expect("one listing has one assessment")
    }

    /// Whether there is an encoder to ask.
    fn has_encoder(&self) -> bool {
        false
    }
}

/// One item of a batch, as bytes of JSON that are still to be read.
#[derive(Debug, Clone, Copy)]
pub struct RawItem<'a> {
    /// 1-based place in the input.
    pub line: u64,
    pub json: &'a [u8],
}

/// An item after it was read.
#[derive(Debug)]
pub struct ReadItem {
    line: u64,
    /// What the item calls itself, where it could not be read.
    claimed: Option<String>,
    read: Result<Listing, ItemError>,
    context: Context,
}

/// An item after it was scored.
#[derive(Debug)]
pub struct ScoredItem {
    pub line: ScoredLine,
    /// What was scored, where the item could be read.
    pub read: Option<(Listing, Context)>,
}

impl ReadItem {
    /// Reads an item.
    pub fn new(item: RawItem<'_>, limits: &Limits) -> Self {
        let read = Listing::from_json(item.json, limits);
        let claimed = if read.is_err() { claimed_id(item.json, limits) } else { None };
        Self { line: item.line, claimed, read, context: Context::default() }
    }

    /// An item that is not worth reading; `claimed` is what it calls itself, as far as is known.
    pub fn refused(line: u64, claimed: Option<&str>, error: ItemError) -> Self {
        let claimed = claimed.map(str::to_owned);
        Self { line, claimed, read: Err(error), context: Context::default() }
    }

    pub fn listing(&self) -> Option<&Listing> {
        self.read.as_ref().ok()
    }

    /// The same with what is known of the listing beyond itself.
    #[must_use]
    pub fn in_context(self, context: Context) -> Self {
        Self { context, ..self }
    }
}

/// Reads and scores a batch in parallel, order kept, one outcome an item; nothing is known of a
/// listing beyond itself.
pub fn score_items(
    scorer: &dyn Assess,
    limits: &Limits,
    ask: Ask,
    items: &[RawItem<'_>],
) -> Vec<ScoredItem> {
    score_read(scorer, ask, preprocess::map_batch(items, |item| ReadItem::new(*item, limits)))
}

/// Scores what has been read, order kept, one outcome an item.
///
/// An item that could not be read, or on which scoring panics, gets an error of its own and does
/// not touch its neighbours.
pub fn score_read(scorer: &dyn Assess, ask: Ask, items: Vec<ReadItem>) -> Vec<ScoredItem> {
    let subjects: Vec<Subject<'_>> = items
        .iter()
        .filter_map(|item| {
            Some(Subject { listing: item.read.as_ref().ok()?, context: &item.context })
        })
        .collect();
    let mut outcomes = score_each(scorer, &subjects, ask).into_iter();
    let scored = |ReadItem { line, claimed, read, context }| match read {
        Ok(listing) => {
            let missing = || Err(ItemError::new(ErrorCode::Internal, "", "scoring failed"));
            let outcome = outcomes.next().unwrap_or_else(missing);
            let id = listing.id().map(str::to_owned);
            ScoredItem { line: ScoredLine { line, id, outcome }, read: Some((listing, context)) }
        }
        Err(error) => {
            let line = ScoredLine { line, id: claimed, outcome: Err(error) };
            ScoredItem { line, read: None }
        }
    };
    items.into_iter().map(scored).collect()
}

/// Scores all together or, where that panics, one after the other to find who is to blame.
fn score_each(
    scorer: &dyn Assess,
    subjects: &[Subject<'_>],
    ask: Ask,
) -> Vec<Result<Assessment, ItemError>> {
    let try_all = |subjects: &[Subject<'_>]| {
        catch_unwind(AssertUnwindSafe(|| scorer.assess_all(subjects, ask)))
            .ok()
            .filter(|all| all.len() == subjects.len())
    };
    if let Some(all) = try_all(subjects) {
        return all.into_iter().map(Ok).collect();
    }
    let alone = |subject| try_all(&[subject]).and_then(|mut one| one.pop());
    let failed = || ItemError::new(ErrorCode::Internal, "", "scoring failed");
    subjects.iter().map(|subject| alone(*subject).ok_or_else(failed)).collect()
}

/// The id of an item that could not be read, where it has one, so that the sender finds it again.
fn claimed_id(json: &[u8], limits: &Limits) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Claimed {
        id: Option<String>,
    }
    if json.len() > limits.item_bytes {
        return None;
    }
    let id = serde_json::from_slice::<Claimed>(json).ok()?.id?;
    (id.len() <= limits.field_chars).then_some(id)
}
