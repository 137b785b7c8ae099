use crate::scoring::ReadItem;
use crate::store::Store;

/// Where it is looked up what is known of a listing beyond itself.
#[derive(Debug, Clone)]
pub(super) struct Contexts {
    #[expect(dead_code, reason = "sellers and products are looked up in it")]
    store: Store,
}

impl Contexts {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    /// The items, each with what is known of its listing. What cannot be looked up is unknown: it
    /// is logged, and no listing goes without a score for it.
    #[expect(clippy::unused_async, reason = "what looks things up waits for the store")]
    pub(super) async fn gather(&self, items: Vec<ReadItem>) -> Vec<ReadItem> {
        items
    }
}
