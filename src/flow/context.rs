use super::origin::{Origins, Outside};
use crate::scoring::ReadItem;
use crate::signals::Context;
use crate::store::Store;

/// Where it is looked up what is known of a listing beyond itself.
#[derive(Debug)]
pub(super) struct Contexts {
    origins: Origins,
}

impl Contexts {
    pub(super) fn new(store: Store, outside: Option<Outside>) -> Self {
        Self { origins: Origins::new(store, outside) }
    }

    /// The items, each with what is known of its listing. What cannot be looked up is unknown: it
    /// is logged, and no listing goes without a score for it.
    pub(super) async fn gather(&self, items: Vec<ReadItem>) -> Vec<ReadItem> {
        let listings: Vec<_> = items.iter().map(ReadItem::listing).collect();
        let origins = self.origins.gather(&listings).await;
        let known = |(item, origin): (ReadItem, _)| item.in_context(Context { origin });
        items.into_iter().zip(origins).map(known).collect()
    }
}
