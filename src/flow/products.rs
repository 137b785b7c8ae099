use crate::domain::Product;
use crate::store::{Actor, Expected, KeyRecord, ProductRecord, Store, StoreError};

/// Registers a product or changes it in the name of the holder of `key`, if it is as `expected`.
///
/// # Errors
/// [`StoreError::Stale`] when it is not, and when the store does not answer.
pub async fn keep_product(
    store: &Store,
    key: &KeyRecord,
    product: &Product,
    expected: Expected,
) -> Result<ProductRecord, StoreError> {
    store.put_product(product, expected, &Actor::Key(key.id.clone())).await
}
