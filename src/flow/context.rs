use std::sync::Arc;

use time::OffsetDateTime;

use super::origin::{Origins, Outside};
use super::queue::compute;
use crate::preprocess::map_batch;
use crate::scoring::ReadItem;
use crate::signals::{Context, SellerRecord, SellerTie, decay};
use crate::store::{LinkedSeller, SellerContext, SellerFacts, Signs, Store};

/// So many listings are sooner read here than sent to another thread.
const FEW: usize = 4;

/// Where it is looked up what is known of a listing beyond itself.
#[derive(Debug)]
pub(super) struct Contexts {
    origins: Origins,
    store: Store,
}

impl Contexts {
    pub(super) fn new(store: Store, outside: Option<Outside>) -> Self {
        Self { origins: Origins::new(store.clone(), outside), store }
    }

    /// The items, each with what is known of its listing. What cannot be looked up is unknown: it
    /// is logged, and no listing goes without a score for it.
    pub(super) async fn gather(&self, items: Vec<ReadItem>) -> Vec<ReadItem> {
        let items = Arc::new(items);
        let listings: Vec<_> = items.iter().map(ReadItem::listing).collect();
        let (sellers, origins) = tokio::join!(self.sellers(&items), self.origins.gather(&listings));
        drop(listings);
        let mut sellers = sellers.into_iter();
        let items = Arc::into_inner(items).expect("what worked on the items has ended");
        let with = |(item, origin): (ReadItem, _)| {
            let seller = item.listing().is_some().then(|| sellers.next().flatten()).flatten();
            item.in_context(Context { origin, seller })
        };
        items.into_iter().zip(origins).map(with).collect()
    }

    /// What is known of the sellers, one for each item that could be read.
    async fn sellers(&self, items: &Arc<Vec<ReadItem>>) -> Vec<Option<SellerRecord>> {
        let signs = |item: &ReadItem| item.listing().map(Signs::new);
        let signs: Vec<Signs> = if items.len() <= FEW {
            items.iter().filter_map(signs).collect()
        } else {
            let items = Arc::clone(items);
            match compute(move || map_batch(&items, signs)).await {
                Ok(signs) => signs.into_iter().flatten().collect(),
                Err(error) => {
                    tracing::error!(%error, "the signs of sellers were not read");
                    return Vec::new();
                }
            }
        };
        match self.store.seller_contexts(&signs).await {
            Ok(contexts) => {
                let now = self.store.time();
                contexts.into_iter().map(|context| record(context, now)).collect()
            }
            Err(error) => {
                tracing::warn!(%error, "sellers were not looked up");
                Vec::new()
            }
        }
    }
}

/// What a score is made from; `None` where nothing is known.
fn record(context: SellerContext, now: OffsetDateTime) -> Option<SellerRecord> {
    if context == SellerContext::default() {
        return None;
    }
    let SellerContext { facts, cases, links, copies } = context;
    let sum = |cases: &[OffsetDateTime]| cases.iter().map(|at| decay(*at, now)).sum();
    let SellerFacts { listings, suspects, priced, cheap, brands } = facts.unwrap_or_default();
    let tie = |link: LinkedSeller| SellerTie {
        kind: link.kind,
        strength: link.strength,
        listings: link.facts.listings,
        suspects: link.facts.suspects,
        cases: sum(&link.cases),
    };
    Some(SellerRecord {
        listings,
        suspects,
        priced,
        cheap,
        brands: brands.into_iter().map(|(brand, _)| brand).collect(),
        cases: sum(&cases),
        copies,
        links: links.into_iter().map(tie).collect(),
    })
}
