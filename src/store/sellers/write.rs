//! What a saved listing leaves in the tables of sellers, in the transaction that saves it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::super::dialect::encode_text;
use super::super::names::province_key;
use super::super::plan::Row;
use super::super::rows::{insert, pieces};
use super::super::{Result, StoreError};
use super::keys::Keys;
use super::near::{Buckets, Copies, rarity};
use super::signs::{Keyed, SellerName, Signs};
use super::{CHEAP, COUNTED, RARE, SUSPECT, change, for_each, matching};
use crate::domain::{Assessment, LinkKind, Listing, Part, logit, sigmoid};
use crate::preprocess::{Sketch, map_batch};

/// Rows of the narrowest table that a statement writes, where there are so many.
const WIDE: usize = 256;
/// Most brands of a seller that are kept.
const BRANDS: usize = 16;

/// A row of a batch with its signs.
#[derive(Debug)]
pub(in crate::store) struct Prepared<'a> {
    row: &'a Row<'a>,
    seller: Option<SellerName>,
    keyed: Keyed,
}

impl<'a> Prepared<'a> {
    /// Works the signs of all rows out, on the thread pool.
    pub(in crate::store) fn all(rows: &[&'a Row<'a>], keys: &Keys) -> Vec<Self> {
        map_batch(rows, |row| {
            let signs = Signs::new(row.item.listing);
            let keyed = signs.keyed(keys);
            Self { row, seller: signs.seller, keyed }
        })
    }
}

/// The score without the seller's part: what sellers are judged by, so that a score can't feed on
/// scores that fed on it.
fn own_score(assessment: &Assessment) -> f64 {
    match assessment.parts.seller {
        Some(part) => sigmoid(logit(assessment.score.value()) - part),
        None => assessment.score.value(),
    }
}

/// A row of `seller_links`.
#[derive(Debug, Clone, Copy)]
struct Link {
    kind: LinkKind,
    strength: f64,
    listings: (i64, i64),
}

#[derive(Debug, Default)]
struct Links(BTreeMap<(i64, i64, i64), Link>);

impl Links {
    fn add(&mut self, (a, la): (i64, i64), (b, lb): (i64, i64), mark: i64, link: (LinkKind, f64)) {
        let (kind, strength) = link;
        let (key, listings) =
            if a < b { ((a, b, mark), (la, lb)) } else { ((b, a, mark), (lb, la)) };
        let link = Link { kind, strength, listings };
        let there = self.0.entry(key).or_insert(link);
        if there.strength < strength {
            *there = link;
        }
    }
}

/// Writes the signs of a batch. `fresh` are the listings, by their ids, that are new or changed.
pub(in crate::store) async fn write(
    connection: &mut AnyConnection,
    prepared: &[Prepared<'_>],
    fresh: &HashSet<&str>,
    now: i64,
) -> Result<()> {
    let keys: Vec<i64> = prepared.iter().map(|p| p.keyed.listing).collect();
    let mut before: HashMap<i64, Option<i64>> = HashMap::new();
    let sql = "SELECT listing, seller FROM listing_signs WHERE listing IN ({})";
    for row in matching(connection, sql, &keys).await? {
        before.insert(row.try_get("listing")?, row.try_get("seller")?);
    }
    // Sellers first and sorted: whoever writes the same seller waits here, and counts him after.
    save_sellers(connection, prepared, now).await?;
    save_signs(connection, prepared).await?;
    let is_fresh = |p: &&Prepared<'_>| {
        fresh.contains(p.row.id.as_str()) || !before.contains_key(&p.keyed.listing)
    };
    let fresh: Vec<&Prepared<'_>> = prepared.iter().filter(is_fresh).collect();
    let stale: Vec<i64> =
        fresh.iter().map(|p| p.keyed.listing).filter(|l| before.contains_key(l)).collect();
    for sql in [
        "DELETE FROM copy_bands WHERE listing IN ({})",
        "DELETE FROM seller_contacts WHERE listing IN ({})",
        "DELETE FROM seller_links WHERE listing IN ({})",
        "DELETE FROM seller_links WHERE other_listing IN ({})",
    ] {
        change(connection, sql, &stale).await?;
    }
    let mut links = Links::default();
    save_copies(connection, &fresh, &mut links).await?;
    save_contacts(connection, &fresh, &mut links).await?;
    save_links(connection, &links, now).await?;
    let sellers = prepared.iter().filter_map(|p| p.keyed.seller);
    let sellers: BTreeSet<i64> = sellers.chain(before.into_values().flatten()).collect();
    count(connection, &sellers.into_iter().collect::<Vec<_>>(), now).await
}

const SELLER: [&str; 14] = [
    "seller",
    "platform",
    "id",
    "name",
    "province",
    "province_key",
    "listings",
    "suspects",
    "priced",
    "cheap",
    "counted_to",
    "brands",
    "first_seen_at",
    "last_seen_at",
];

fn seller_text(
    listing: &Listing,
    of: fn(&crate::domain::Seller) -> Option<&str>,
) -> Option<String> {
    listing.seller().and_then(of).map(|text| encode_text(text).into_owned())
}

async fn save_sellers(
    connection: &mut AnyConnection,
    prepared: &[Prepared<'_>],
    now: i64,
) -> Result<()> {
    let mut sellers: BTreeMap<i64, (&SellerName, &Listing)> = BTreeMap::new();
    for p in prepared {
        if let (Some(key), Some(name)) = (p.keyed.seller, &p.seller) {
            sellers.insert(key, (name, p.row.item.listing));
        }
    }
    let sellers: Vec<_> = sellers.into_iter().collect();
    for piece in pieces(&sellers) {
        let mut sql = insert("sellers", &SELLER, piece.len());
        sql.push_str(
            " ON CONFLICT (seller) DO UPDATE SET platform = excluded.platform, \
             name = COALESCE(excluded.name, sellers.name), \
             province = COALESCE(excluded.province, sellers.province), \
             province_key = COALESCE(excluded.province_key, sellers.province_key), \
             last_seen_at = excluded.last_seen_at",
        );
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for (key, (name, listing)) in piece {
            let key_of_province =
                listing.province().map(province_key).filter(|key| !key.is_empty());
            statement = statement
                .bind(*key)
                .bind(encode_text(listing.platform().unwrap_or_default()).into_owned())
                .bind(name.id.clone())
                .bind(seller_text(listing, |s| s.name.as_deref()))
                .bind(seller_text(listing, |s| s.location.as_deref()))
                .bind(key_of_province)
                .bind(0_i64)
                .bind(0_i64)
                .bind(0_i64)
                .bind(0_i64)
                .bind(None::<i64>)
                .bind("[]")
                .bind(now)
                .bind(now);
        }
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

const SIGNS: [&str; 8] =
    ["listing", "listing_id", "seller", "own_score", "priced", "cheap", "brand_key", "sketch"];

async fn save_signs(connection: &mut AnyConnection, prepared: &[Prepared<'_>]) -> Result<()> {
    for piece in pieces(prepared) {
        let mut sql = insert("listing_signs", &SIGNS, piece.len());
        let set: Vec<_> = SIGNS[1..].iter().map(|c| format!("{c} = excluded.{c}")).collect();
        sql.push_str(&format!(" ON CONFLICT (listing) DO UPDATE SET {}", set.join(", ")));
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for Prepared { row, keyed, .. } in piece {
            let price = row.assessment.parts.get(Part::Price);
            let brand = row.item.listing.brand().map(super::super::names::name_key);
            statement = statement
                .bind(keyed.listing)
                .bind(row.id.clone())
                .bind(keyed.seller)
                .bind(own_score(row.assessment))
                .bind(i64::from(price.is_some()))
                .bind(i64::from(price.is_some_and(|part| part >= CHEAP)))
                .bind(brand.unwrap_or_default())
                .bind(keyed.sketch.as_ref().map(Sketch::encode));
        }
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Puts fresh listings into their bands and links sellers who have the same texts.
async fn save_copies(
    connection: &mut AnyConnection,
    fresh: &[&Prepared<'_>],
    links: &mut Links,
) -> Result<()> {
    let bands: Vec<i64> = fresh.iter().flat_map(|p| p.keyed.bands.iter().copied()).collect();
    if bands.is_empty() {
        return Ok(());
    }
    let mut buckets = Buckets::load(connection, &bands).await?;
    let mut rows = Vec::with_capacity(bands.len());
    let mut common = Vec::new();
    for Prepared { keyed, .. } in fresh {
        let Some(sketch) = &keyed.sketch else { continue };
        if let Some(seller) = keyed.seller {
            match buckets.copies(keyed.listing, keyed.seller, sketch, &keyed.bands) {
                Copies::Rare(others) => {
                    let rarity = rarity(others.len() + 1);
                    for (other, (similarity, listing)) in others {
                        let link = (LinkKind::CopiedText, similarity * rarity);
                        links.add((seller, keyed.listing), (other, listing), 0, link);
                    }
                }
                Copies::Common(listings) => common.extend(listings),
            }
        }
        let free = buckets.insert(keyed.listing, keyed.seller, sketch, &keyed.bands);
        rows.extend(free.into_iter().map(|band| (band, keyed.listing)));
    }
    // Sorted, so that neighbours in the index are written together.
    rows.sort_unstable();
    let wide = rows.chunks_exact(WIDE);
    for piece in wide.clone().chain(pieces(wide.remainder())) {
        let mut sql = insert("copy_bands", &["band", "listing"], piece.len());
        sql.push_str(" ON CONFLICT DO NOTHING");
        let statement = sqlx::query(AssertSqlSafe(sql));
        let statement = piece.iter().fold(statement, |s, (b, l)| s.bind(*b).bind(*l));
        statement.execute(&mut *connection).await?;
    }
    common.sort_unstable();
    common.dedup();
    if !common.is_empty() {
        links.0.retain(|(_, _, mark), link| {
            let (a, b) = link.listings;
            let is_common = |l: i64| common.binary_search(&l).is_ok();
            *mark != 0 || !(is_common(a) && is_common(b))
        });
    }
    let sql = "DELETE FROM seller_links WHERE mark = 0 AND listing IN ({})";
    change(connection, sql, &common).await
}

/// Who shows a contact, as far as it is known.
type Holders = Vec<(i64, i64)>;

/// Keeps the contacts of fresh listings and links sellers who share one.
async fn save_contacts(
    connection: &mut AnyConnection,
    fresh: &[&Prepared<'_>],
    links: &mut Links,
) -> Result<()> {
    let shown: Vec<(i64, LinkKind, i64, i64)> = fresh
        .iter()
        .filter_map(|p| Some((p.keyed.seller?, &p.keyed)))
        .flat_map(|(seller, keyed)| {
            keyed.contacts.iter().map(move |(kind, mark)| (*mark, *kind, seller, keyed.listing))
        })
        .collect();
    if shown.is_empty() {
        return Ok(());
    }
    let marks: BTreeSet<i64> = shown.iter().map(|(mark, ..)| *mark).collect();
    let marks: Vec<i64> = marks.into_iter().collect();
    let mut holders: HashMap<i64, Holders> = HashMap::new();
    let sql = "SELECT contact, seller, listing FROM seller_contacts WHERE contact IN ({})";
    for row in matching(connection, sql, &marks).await? {
        let holder = (row.try_get("seller")?, row.try_get("listing")?);
        let list = holders.entry(row.try_get("contact")?).or_default();
        if !list.contains(&holder) {
            list.push(holder);
        }
    }
    let mut rows: BTreeMap<(i64, i64), (LinkKind, i64)> = BTreeMap::new();
    let mut hotlines = Vec::new();
    for (mark, kind, seller, listing) in shown {
        let list = holders.entry(mark).or_default();
        match list.iter().position(|(who, _)| *who == seller) {
            Some(at) => list[at].1 = listing,
            // One more than is rare is kept, so that it is known to be common.
            None if list.len() > RARE => continue,
            None => list.push((seller, listing)),
        }
        rows.insert((mark, seller), (kind, listing));
        if list.len() > RARE {
            hotlines.push(mark);
            continue;
        }
        for other in list.iter().filter(|(who, _)| *who != seller) {
            links.add((seller, listing), *other, mark, (kind, 0.0));
        }
    }
    // What more sellers share than before links all of them less.
    for mark in marks {
        let sellers = holders.get(&mark).map_or(0, Vec::len);
        if (3..=RARE).contains(&sellers) {
            sqlx::query("UPDATE seller_links SET strength = $1 WHERE mark = $2")
                .bind(rarity(sellers))
                .bind(mark)
                .execute(&mut *connection)
                .await?;
        }
    }
    for ((_, _, mark), link) in links.0.iter_mut().filter(|((_, _, mark), _)| *mark != 0) {
        link.strength = rarity(holders.get(mark).map_or(0, Vec::len));
    }
    let rows: Vec<_> = rows.into_iter().collect();
    for piece in pieces(&rows) {
        let columns = ["contact", "seller", "kind", "listing"];
        let mut sql = insert("seller_contacts", &columns, piece.len());
        sql.push_str(" ON CONFLICT (contact, seller) DO UPDATE SET listing = excluded.listing");
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for ((mark, seller), (kind, listing)) in piece {
            statement = statement.bind(*mark).bind(*seller).bind(kind.as_str()).bind(*listing);
        }
        statement.execute(&mut *connection).await?;
    }
    links.0.retain(|(_, _, mark), _| !hotlines.contains(mark));
    change(connection, "DELETE FROM seller_links WHERE mark IN ({})", &hotlines).await
}

const LINK: [&str; 8] =
    ["seller", "other", "mark", "kind", "strength", "listing", "other_listing", "found_at"];

async fn save_links(connection: &mut AnyConnection, links: &Links, now: i64) -> Result<()> {
    let rows: Vec<_> = links.0.iter().collect();
    for piece in pieces(&rows) {
        let mut sql = insert("seller_links", &LINK, piece.len());
        sql.push_str(
            " ON CONFLICT (seller, other, mark) DO UPDATE SET strength = excluded.strength, \
             listing = excluded.listing, other_listing = excluded.other_listing",
        );
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for ((seller, other, mark), link) in piece {
            statement = statement
                .bind(*seller)
                .bind(*other)
                .bind(*mark)
                .bind(link.kind.as_str())
                .bind(link.strength)
                .bind(link.listings.0)
                .bind(link.listings.1)
                .bind(now);
        }
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// What the listings of one seller come to.
#[derive(Debug, Default)]
struct Count {
    listings: i64,
    suspects: i64,
    priced: i64,
    cheap: i64,
    last: i64,
    brands: Vec<(String, u32)>,
}

/// Counts the listings of `sellers` anew; one without any is forgotten.
pub(super) async fn count(connection: &mut AnyConnection, sellers: &[i64], now: i64) -> Result<()> {
    // Keys are hashes, so the first ones are a sample.
    let one = format!(
        "SELECT seller, brand_key, COUNT(*) AS listings, \
         CAST(SUM(CASE WHEN own_score >= {SUSPECT:?} THEN 1 ELSE 0 END) AS BIGINT) AS suspects, \
         CAST(SUM(priced) AS BIGINT) AS priced, CAST(SUM(cheap) AS BIGINT) AS cheap, \
         MAX(listing) AS last FROM (SELECT seller, listing, own_score, priced, cheap, brand_key \
         FROM listing_signs WHERE seller = {{}} ORDER BY listing LIMIT {COUNTED}) AS counted \
         GROUP BY seller, brand_key"
    );
    let mut counts: BTreeMap<i64, Count> = BTreeMap::new();
    for row in for_each(connection, &one, sellers).await? {
        let count = counts.entry(row.try_get("seller")?).or_default();
        let listings: i64 = row.try_get("listings")?;
        count.last = match count.listings {
            0 => row.try_get("last")?,
            _ => count.last.max(row.try_get("last")?),
        };
        count.listings += listings;
        count.suspects += row.try_get::<i64, _>("suspects")?;
        count.priced += row.try_get::<i64, _>("priced")?;
        count.cheap += row.try_get::<i64, _>("cheap")?;
        let brand: String = row.try_get("brand_key")?;
        if !brand.is_empty() {
            count.brands.push((brand, u32::try_from(listings).unwrap_or(u32::MAX)));
        }
    }
    let gone: Vec<i64> =
        sellers.iter().copied().filter(|seller| !counts.contains_key(seller)).collect();
    change(connection, "DELETE FROM sellers WHERE seller IN ({})", &gone).await?;
    let rows: Vec<_> = counts.into_iter().collect();
    for piece in pieces(&rows) {
        let mut sql = insert("sellers", &SELLER, piece.len());
        sql.push_str(
            " ON CONFLICT (seller) DO UPDATE SET listings = excluded.listings, \
             suspects = excluded.suspects, priced = excluded.priced, cheap = excluded.cheap, \
             counted_to = excluded.counted_to, brands = excluded.brands",
        );
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for (seller, count) in piece {
            let full = count.listings >= i64::from(COUNTED);
            statement = statement
                .bind(*seller)
                .bind("")
                .bind("")
                .bind(None::<String>)
                .bind(None::<String>)
                .bind(None::<String>)
                .bind(count.listings)
                .bind(count.suspects)
                .bind(count.priced)
                .bind(count.cheap)
                .bind(full.then_some(count.last))
                .bind(brands(&count.brands)?)
                .bind(now)
                .bind(now);
        }
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The most frequent brands, as JSON.
fn brands(brands: &[(String, u32)]) -> Result<String> {
    let mut brands: Vec<_> = brands.iter().collect();
    brands.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    brands.truncate(BRANDS);
    serde_json::to_string(&brands)
        .map_err(|e| StoreError::Invalid { field: "brand", message: e.to_string() })
}
