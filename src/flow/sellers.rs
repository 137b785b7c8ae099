use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::queue::{Unfinished, compute};
use super::suspects::in_scope;
use crate::store::{ClusterEdge, Cursor, KeyRecord, SellerLink, SellerRow, Store, StoreError};

/// Least strength of a link that holds a cluster together: a contact that at most five share, or a
/// text that at most two or three do.
const HOLDS: f64 = 0.5;
/// Most pairs that clusters are made of; beyond it, the list is not whole.
const PAIRS: u32 = 200_000;
/// Most members of a cluster that are named in the list.
const MEMBERS: usize = 20;
/// Most sellers and steps of a graph.
const NODES: usize = 100;
const STEPS: usize = 3;

/// A seller with the cases against him.
#[derive(Debug, Clone)]
pub struct SellerProfile {
    pub seller: SellerRow,
    /// When they were confirmed; at most 16, the newest first.
    pub cases: Vec<time::OffsetDateTime>,
}

/// Sellers who are linked with one another.
#[derive(Debug, Clone)]
pub struct SellerGraph {
    /// The one asked for first.
    pub nodes: Vec<SellerRow>,
    /// Both ends are among the nodes.
    pub links: Vec<SellerLink>,
    /// Whether there is more than is shown.
    pub more: bool,
}

/// Sellers who hang together.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub size: usize,
    pub listings: u64,
    pub suspects: u64,
    /// At most 20.
    pub members: Vec<SellerRow>,
}

/// A page of clusters, those with the largest share of suspects first.
#[derive(Debug, Clone)]
pub struct Clusters {
    pub rows: Vec<Cluster>,
    pub next: Option<Cursor>,
    /// Whether all links were looked at.
    pub whole: bool,
}

/// No answer about sellers.
#[derive(Debug, thiserror::Error)]
pub enum SellersError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
}

/// One seller, unless he is outside the provinces of `key`: then he is as if he were not there.
///
/// # Errors
/// When the store does not answer.
pub async fn find_seller(
    store: &Store,
    key: &KeyRecord,
    platform: &str,
    id: &str,
) -> Result<Option<SellerProfile>, StoreError> {
    let found = store.seller(platform, id).await?;
    let Some(seller) = found.filter(|s| in_scope(&key.provinces, s.province.as_deref())) else {
        return Ok(None);
    };
    let cases = store.cases(seller.key).await?;
    Ok(Some(SellerProfile { seller, cases }))
}

/// The sellers within three links of one, nearest first, as far as `key` may see them.
///
/// # Errors
/// When the store does not answer.
pub async fn link_sellers(
    store: &Store,
    key: &KeyRecord,
    platform: &str,
    id: &str,
) -> Result<Option<SellerGraph>, StoreError> {
    let Some(SellerProfile { seller, .. }) = find_seller(store, key, platform, id).await? else {
        return Ok(None);
    };
    let mut known = BTreeSet::from([seller.key]);
    let mut edge = vec![seller.key];
    let mut nodes = vec![seller];
    let mut found: BTreeMap<_, SellerLink> = BTreeMap::new();
    let mut more = false;
    for step in 0..=STEPS {
        let links = store.links_of(&edge).await?;
        let ends: BTreeSet<i64> = links.iter().flat_map(|l| [l.seller, l.other]).collect();
        let new: Vec<i64> = ends.difference(&known).copied().collect();
        let link_key = |l: &SellerLink| (l.seller, l.other, l.kind, l.listings.clone());
        found.extend(links.into_iter().map(|l| (link_key(&l), l)));
        if new.is_empty() {
            break;
        }
        let mut rows = store.sellers(&new).await?;
        rows.retain(|row| in_scope(&key.provinces, row.province.as_deref()));
        if step == STEPS || nodes.len() == NODES {
            more |= !rows.is_empty();
            break;
        }
        more |= nodes.len() + rows.len() > NODES;
        rows.truncate(NODES - nodes.len());
        edge = rows.iter().map(|row| row.key).collect();
        known.extend(new);
        nodes.extend(rows);
    }
    let shown: BTreeSet<i64> = nodes.iter().map(|row| row.key).collect();
    let links = found.into_values();
    let links = links.filter(|l| shown.contains(&l.seller) && shown.contains(&l.other)).collect();
    Ok(Some(SellerGraph { nodes, links, more }))
}

/// The clusters that the holder of `key` may see, `rows` of them from after `cursor`: sellers
/// outside his provinces neither count nor connect.
///
/// # Errors
/// When the store does not answer.
pub async fn list_clusters(
    store: &Store,
    key: &KeyRecord,
    cursor: Option<Cursor>,
    rows: usize,
) -> Result<Clusters, SellersError> {
    let pairs = store.linked_pairs(HOLDS, &key.provinces, PAIRS).await?;
    let whole = pairs.len() < PAIRS as usize;
    let page = compute(move || {
        let mut all = components(&pairs);
        all.sort_by(|a, b| a.place().0.total_cmp(&b.place().0).reverse().then(a.id().cmp(&b.id())));
        let after = cursor.map_or(0, |cursor| {
            all.partition_point(|c| {
                let (share, id) = c.place();
                share > cursor.score() || (share >= cursor.score() && *id <= *cursor.id())
            })
        });
        all.drain(..after);
        let more = all.len() > rows;
        all.truncate(rows);
        (all, more)
    });
    let (page, more) = page.await?;
    let named = page.iter().flat_map(|c| c.sellers.iter().take(MEMBERS).copied());
    let found = store.sellers(&named.collect::<Vec<_>>()).await?;
    let found: HashMap<i64, SellerRow> = found.into_iter().map(|row| (row.key, row)).collect();
    let next = page.last().filter(|_| more).map(|last| {
        let (share, id) = last.place();
        Cursor::after(share, &id)
    });
    let cluster = |c: Component| Cluster {
        size: c.sellers.len(),
        listings: c.listings,
        suspects: c.suspects,
        members: c.sellers.iter().filter_map(|key| found.get(key).cloned()).collect(),
    };
    Ok(Clusters { rows: page.into_iter().map(cluster).collect(), next, whole })
}

/// Sellers that are connected, by key.
#[derive(Debug, PartialEq, Eq)]
struct Component {
    sellers: Vec<i64>,
    listings: u64,
    suspects: u64,
}

impl Component {
    fn id(&self) -> String {
        let first = self.sellers.first().copied().unwrap_or_default();
        format!("{:016x}", first.cast_unsigned() ^ (1 << 63))
    }

    /// The share of suspects, and what tells clusters with the same share apart.
    fn place(&self) -> (f64, String) {
        let share = self.suspects as f64 / self.listings.max(1) as f64;
        (share, self.id())
    }
}

fn components(pairs: &[ClusterEdge]) -> Vec<Component> {
    let mut counts: BTreeMap<i64, (u32, u32)> = BTreeMap::new();
    for (seller, listings, suspects) in pairs.iter().flat_map(|pair| pair.ends) {
        counts.insert(seller, (listings, suspects));
    }
    let places: HashMap<i64, usize> =
        counts.keys().enumerate().map(|(at, seller)| (*seller, at)).collect();
    let mut roots: Vec<usize> = (0..counts.len()).collect();
    for pair in pairs {
        let [a, b] = pair.ends.map(|(seller, ..)| root(&mut roots, places[&seller]));
        roots[a.max(b)] = a.min(b);
    }
    let mut all: BTreeMap<usize, Component> = BTreeMap::new();
    for (at, (seller, (listings, suspects))) in counts.into_iter().enumerate() {
        let root = root(&mut roots, at);
        let empty = || Component { sellers: Vec::new(), listings: 0, suspects: 0 };
        let component = all.entry(root).or_insert_with(empty);
        component.sellers.push(seller);
        component.listings += u64::from(listings);
        component.suspects += u64::from(suspects);
    }
    all.into_values().collect()
}

fn root(roots: &mut [usize], mut at: usize) -> usize {
    while roots[at] != at {
        roots[at] = roots[roots[at]];
        at = roots[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sellers_hang_together_through_others() {
        let edge = |a: i64, b: i64| ClusterEdge { ends: [(a, 10, 1), (b, 10, 1)] };
        let found = components(&[edge(1, 5), edge(2, 3), edge(-4, 5), edge(1, 5)]);
        let sellers: Vec<_> = found.iter().map(|c| c.sellers.clone()).collect();
        assert_eq!(sellers, [vec![-4, 1, 5], vec![2, 3]]);
        assert_eq!((found[0].listings, found[0].suspects), (30, 3));
        assert!(found[0].id() < found[1].id());
        assert!(components(&[]).is_empty());
    }
}
