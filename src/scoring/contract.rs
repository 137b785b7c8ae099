use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

use crate::domain::{Assessment, ErrorCode, ItemError, Limits, Listing, ModelRef, ScoredLine};
use crate::preprocess;

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

/// Something that gives a listing its score; the same listing always gets the same one.
pub trait Assess: Debug + Send + Sync {
    /// The model that the scores come from.
    fn model(&self) -> &ModelRef;

    /// Scores some listings on the thread pool; one assessment each, in order.
    fn assess_all(&self, listings: &[&Listing], ask: Ask) -> Vec<Assessment>;

    /// Scores one listing.
    ///
    /// # Panics
    /// When the scorer gives no assessment back.
    fn assess(&self, listing: &Listing, ask: Ask) -> Assessment {
        self.assess_all(&[listing], ask).pop().expect("one listing has one assessment")
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

/// Reads and scores a batch in parallel, order kept, one outcome an item.
///
/// An item that cannot be read, or on which scoring panics, gets an error of its own and does not
/// touch its neighbours.
pub fn score_items(
    scorer: &dyn Assess,
    limits: &Limits,
    ask: Ask,
    items: &[RawItem<'_>],
) -> Vec<(ScoredLine, Option<Listing>)> {
    let read = preprocess::map_batch(items, |item| Listing::from_json(item.json, limits));
    let listings: Vec<&Listing> = read.iter().filter_map(|r| r.as_ref().ok()).collect();
    let mut outcomes = score_each(scorer, &listings, ask).into_iter();
    let line = |(item, read): (&RawItem<'_>, Result<Listing, ItemError>)| match read {
        Ok(listing) => {
            let missing = || Err(ItemError::new(ErrorCode::Internal, "", "scoring failed"));
            let outcome = outcomes.next().unwrap_or_else(missing);
            let id = listing.id().map(str::to_owned);
            (ScoredLine { line: item.line, id, outcome }, Some(listing))
        }
        Err(error) => {
            let id = claimed_id(item.json, limits);
            (ScoredLine { line: item.line, id, outcome: Err(error) }, None)
        }
    };
    items.iter().zip(read).map(line).collect()
}

/// Scores all together or, where that panics, one after the other to find who is to blame.
fn score_each(
    scorer: &dyn Assess,
    listings: &[&Listing],
    ask: Ask,
) -> Vec<Result<Assessment, ItemError>> {
    let try_all = |listings: &[&Listing]| {
        catch_unwind(AssertUnwindSafe(|| scorer.assess_all(listings, ask)))
            .ok()
            .filter(|all| all.len() == listings.len())
    };
    if let Some(all) = try_all(listings) {
        return all.into_iter().map(Ok).collect();
    }
    let alone = |listing| try_all(&[listing]).and_then(|mut one| one.pop());
    let failed = || ItemError::new(ErrorCode::Internal, "", "scoring failed");
    listings.iter().map(|listing| alone(*listing).ok_or_else(failed)).collect()
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
