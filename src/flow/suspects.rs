use crate::store::{
    Cursor, KeyRecord, Page, Store, StoreError, StoredListing, Suspect, SuspectFilter,
    same_province,
};

/// The riskiest listings that the holder of `key` may see, `rows` of them from after `cursor`.
///
/// # Errors
/// When the store does not answer.
pub async fn rank_suspects(
    store: &Store,
    key: &KeyRecord,
    filter: SuspectFilter,
    cursor: Option<&Cursor>,
    rows: u32,
) -> Result<Page<Suspect>, StoreError> {
    let filter = SuspectFilter { scope: key.provinces.clone(), ..filter };
    store.suspects(&filter, cursor, rows).await
}

/// One listing, unless it is outside the provinces of `key`: then it is as if it were not there.
///
/// # Errors
/// When the store does not answer.
pub async fn find_listing(
    store: &Store,
    key: &KeyRecord,
    id: &str,
) -> Result<Option<StoredListing>, StoreError> {
    let listing = store.listing(id).await?;
    Ok(listing.filter(|l| in_scope(&key.provinces, l.province.as_deref())))
}

pub(super) fn in_scope(scope: &[String], province: Option<&str>) -> bool {
    let same = |p: &String| province.is_some_and(|q| same_province(p, q));
    scope.is_empty() || scope.iter().any(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_bound_to_provinces_sees_no_listing_of_unknown_province() {
        let scope = ["Hà Nội".to_owned(), "Đồng Nai".to_owned()];
        assert!(in_scope(&scope, Some("TP. HÀ NỘI")));
        assert!(!in_scope(&scope, Some("Huế")));
        assert!(!in_scope(&scope, None));
        assert!(in_scope(&[], None));
    }
}
