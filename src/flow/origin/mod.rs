//! Asking registries of products for the numbers in listings.
//!
//! Owns which registry is asked for what, and in which order: the store's own products first, then
//! an outside registry where one is set. An answer that is not there is [`OriginAnswer::Unavailable`]:
//! nothing here makes a listing go without a score. What an answer means for a listing is for
//! [`OriginRecord`] to say.

mod answer;
mod http;

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use http::OriginError;

use crate::config;
use crate::domain::{Gtin, Listing};
use crate::signals::{
    Issuer, OriginAnswer, OriginProduct, OriginRecord, SeenCode, find_codes, issuer,
};
use crate::store::Store;

/// Numbers of one listing that are asked for.
const NUMBERS: usize = 3;
/// Listings that are searched for codes before others on the same thread have a turn.
const TURN: usize = 64;

/// Something that knows products by their numbers.
pub trait OriginRegistry: Debug + Send + Sync {
    /// What it is called in the evidence.
    fn name(&self) -> &str;

    /// What it says of each number; one that is missing from the answers was not asked for.
    fn look_up<'a>(&'a self, gtins: &'a [Gtin]) -> BoxFuture<'a, HashMap<Gtin, OriginAnswer>>;
}

/// A registry beside the store's own.
pub type Outside = Arc<dyn OriginRegistry>;

/// The outside registry that the settings name, if they do.
///
/// # Errors
/// When its address or token cannot be used.
pub fn outside_registry(settings: &config::Origin) -> Result<Option<Outside>, OriginError> {
    if settings.url.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(http::HttpRegistry::new(settings)?)))
}

/// The products of the store.
#[derive(Debug)]
struct Kept(Store);

impl OriginRegistry for Kept {
    fn name(&self) -> &'static str {
        "thatgia"
    }

    /// Says nothing where no product is kept at all: then nobody keeps a registry here.
    fn look_up<'a>(&'a self, gtins: &'a [Gtin]) -> BoxFuture<'a, HashMap<Gtin, OriginAnswer>> {
        Box::pin(async move {
            let looked_up = async {
                let found = self.0.products_of(gtins).await?;
                let kept = !found.is_empty() || self.0.has_products().await?;
                Ok::<_, crate::store::StoreError>(kept.then_some(found))
            };
            match looked_up.await {
                Ok(None) => HashMap::new(),
                Ok(Some(mut found)) => {
                    let mut answer = |gtin: &Gtin| match found.remove(gtin) {
                        None => OriginAnswer::Unknown,
                        Some(record) => OriginAnswer::Known(OriginProduct {
                            brand: Some(record.product.brand),
                            name: Some(record.product.name),
                            owner: record.product.owner,
                            status: record.product.status,
                        }),
                    };
                    gtins.iter().map(|gtin| (*gtin, answer(gtin))).collect()
                }
                Err(error) => {
                    tracing::warn!(error = %error, "products could not be looked up");
                    gtins.iter().map(|gtin| (*gtin, OriginAnswer::Unavailable)).collect()
                }
            }
        })
    }
}

/// The registries, in the order in which they are asked.
#[derive(Debug)]
pub(super) struct Origins(Vec<Outside>);

impl Origins {
    pub(super) fn new(store: Store, outside: Option<Outside>) -> Self {
        let kept: Outside = Arc::new(Kept(store));
        Self([kept].into_iter().chain(outside).collect())
    }

    /// What is known of the numbers of each listing, in order.
    pub(super) async fn gather(&self, listings: &[Option<&Listing>]) -> Vec<Option<OriginRecord>> {
        let mut seen = Vec::with_capacity(listings.len());
        for (at, listing) in listings.iter().enumerate() {
            if at % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            seen.push(listing.map(numbers).unwrap_or_default());
        }
        let mut open: Vec<Gtin> = seen.iter().flatten().map(|(gtin, _)| *gtin).collect();
        open.sort_unstable();
        open.dedup();
        let mut answers: HashMap<Gtin, (&str, OriginAnswer)> = HashMap::new();
        for registry in &self.0 {
            if open.is_empty() {
                break;
            }
            for (gtin, answer) in registry.look_up(&open).await {
                answers.insert(gtin, (registry.name(), answer));
            }
            open.retain(|gtin| !matches!(answers.get(gtin), Some((_, OriginAnswer::Known(_)))));
        }
        let record = |numbers: Vec<(Gtin, SeenCode)>| {
            let mut found = numbers.into_iter().filter_map(|(gtin, seen)| {
                let (source, answer) = answers.get(&gtin)?.clone();
                let SeenCode { field, start, text, .. } = seen;
                let (field, source) = (field.into_owned(), source.to_owned());
                Some(OriginRecord { gtin, field, start, text, source, answer })
            });
            let first = found.next()?;
            // One that is known says more than one that is not.
            let known = |r: &OriginRecord| matches!(r.answer, OriginAnswer::Known(_));
            if known(&first) { Some(first) } else { Some(found.find(known).unwrap_or(first)) }
        };
        seen.into_iter().map(record).collect()
    }
}

/// The numbers of a listing that a registry may have.
fn numbers(listing: &Listing) -> Vec<(Gtin, SeenCode)> {
    let number = |seen: SeenCode| {
        let gtin = seen.code.as_ref().ok()?.gtin;
        let own = matches!(issuer(&gtin), Issuer::Restricted | Issuer::Coupon);
        (!own).then_some((gtin, seen))
    };
    find_codes(listing).into_iter().filter_map(number).take(NUMBERS).collect()
}

#[cfg(test)]
mod tests;
