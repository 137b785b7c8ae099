use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};
use time::OffsetDateTime;

use super::super::names::province_key;
use super::super::rows::{binds, maybe_text, name, text, time};
use super::super::{Result, Store, StoreError};
use super::near::{Buckets, Copies, rarity};
use super::signs::{Keyed, SellerName, Signs};
use super::{
    ClusterEdge, LINK_SHINGLES, LinkedSeller, RARE, SUSPECT, SellerContext, SellerFacts,
    SellerLink, SellerRow, for_each, matching,
};
use crate::domain::LinkKind;

/// Most links of a seller that are looked at.
const LINKS: usize = 16;
/// Most cases of a seller that are looked at.
const CASES: usize = 16;

const ROW: &str = "SELECT seller, platform, id, name, province, listings, suspects, priced, \
    cheap, counted_to, brands, first_seen_at, last_seen_at FROM sellers";

/// A listing as it was counted for its seller.
struct Own {
    seller: Option<i64>,
    suspect: bool,
    priced: bool,
    cheap: bool,
    brand: String,
}

/// A link before the other seller is looked up.
struct Found {
    other: i64,
    kind: LinkKind,
    strength: f64,
}

impl Store {
    /// What is known of the sellers of some listings, in a few queries for all of them together.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seller_contexts(&self, signs: &[Signs]) -> Result<Vec<SellerContext>> {
        if signs.iter().all(Signs::tell_nothing) {
            return Ok(vec![SellerContext::default(); signs.len()]);
        }
        let keys = self.keys().await?;
        let keyed: Vec<Keyed> = signs.iter().map(|signs| signs.keyed(keys)).collect();
        let mut tx = self.pool.begin_with(self.dialect.begin_snapshot()).await?;
        let own = own_rows(&mut tx, &keyed).await?;
        let long = |k: &&Keyed| k.sketch.as_ref().is_some_and(|s| s.shingles() >= LINK_SHINGLES);
        let bands = keyed.iter().filter(long).flat_map(|k| k.bands.iter().copied());
        let bands: Vec<i64> = bands.collect();
        let buckets = Buckets::load(&mut tx, &bands).await?;
        let links = stored_links(&mut tx, &sellers_of(&keyed)).await?;
        let shared = shared_contacts(&mut tx, &keyed).await?;
        let mut copies = Vec::with_capacity(keyed.len());
        let mut found: Vec<Vec<Found>> = Vec::with_capacity(keyed.len());
        for one in &keyed {
            let mut all: HashMap<(i64, LinkKind), f64> = HashMap::new();
            let mut add = |other: i64, kind: LinkKind, strength: f64| {
                let there = all.entry((other, kind)).or_insert(0.0);
                *there = there.max(strength);
            };
            for link in one.seller.and_then(|s| links.get(&s)).into_iter().flatten() {
                add(link.other, link.kind, link.strength);
            }
            let others = match &one.sketch {
                Some(sketch) => buckets.copies(one.listing, one.seller, sketch, &one.bands),
                None => Copies::Common(Vec::new()),
            };
            let mut count = 0;
            if let Copies::Rare(others) = others {
                count = others.len();
                for (other, (similarity, _)) in others {
                    add(other, LinkKind::CopiedText, similarity * rarity(count + 1));
                }
            }
            copies.push(u32::try_from(count).unwrap_or(u32::MAX));
            for (kind, mark) in &one.contacts {
                let holders = shared.get(mark).map_or(&[][..], Vec::as_slice);
                let all: HashSet<i64> = holders.iter().copied().chain(one.seller).collect();
                if all.len() <= RARE {
                    for other in holders.iter().filter(|who| Some(**who) != one.seller) {
                        add(*other, *kind, rarity(all.len()));
                    }
                }
            }
            let mut all: Vec<Found> = all
                .into_iter()
                .map(|((other, kind), strength)| Found { other, kind, strength })
                .collect();
            all.sort_by(|a, b| {
                let order = b.strength.total_cmp(&a.strength);
                order.then((a.other, a.kind).cmp(&(b.other, b.kind)))
            });
            all.truncate(LINKS);
            found.push(all);
        }
        let others = found.iter().flatten().map(|link| link.other);
        let all: BTreeSet<i64> = sellers_of(&keyed).into_iter().chain(others).collect();
        let all: Vec<i64> = all.into_iter().collect();
        let facts = facts_of(&mut tx, &all).await?;
        let cases = cases_of(&mut tx, &all).await?;
        tx.commit().await?;
        let known = Known { own, facts, cases };
        let each = keyed.iter().zip(found).zip(copies);
        Ok(each.map(|((one, found), copies)| known.context(one, found, copies)).collect())
    }

    /// One seller, by his platform, whose name matches regardless of case, and his id on it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seller(&self, platform: &str, id: &str) -> Result<Option<SellerRow>> {
        let Some(name) = SellerName::new(platform, id) else { return Ok(None) };
        let key = self.keys().await?.seller(&name.platform_key, &name.id);
        Ok(self.sellers(&[key]).await?.pop())
    }

    /// The sellers with these keys that there are, by key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sellers(&self, keys: &[i64]) -> Result<Vec<SellerRow>> {
        let keys: BTreeSet<i64> = keys.iter().copied().collect();
        let keys: Vec<i64> = keys.into_iter().collect();
        let mut connection = self.pool.acquire().await?;
        let sql = format!("{ROW} WHERE seller IN ({{}})");
        let found = matching(&mut connection, &sql, &keys).await?;
        let mut rows = found.iter().map(seller_row).collect::<Result<Vec<_>>>()?;
        rows.sort_by_key(|row| row.key);
        Ok(rows)
    }

    /// When the cases of a seller were confirmed; at most 16, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cases(&self, seller: i64) -> Result<Vec<OffsetDateTime>> {
        let mut connection = self.pool.acquire().await?;
        let cases = cases_of(&mut connection, &[seller]).await?;
        let mut cases: Vec<_> =
            cases.into_values().flatten().map(|(_, confirmed_at)| confirmed_at).collect();
        cases.sort_unstable_by(|a, b| b.cmp(a));
        Ok(cases)
    }

    /// The links of some sellers with anyone, at most 32 of each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn links_of(&self, sellers: &[i64]) -> Result<Vec<SellerLink>> {
        let columns = "l.seller AS seller, l.other AS other, l.kind AS kind, \
             l.strength AS strength, a.listing_id AS listing_id, b.listing_id AS other_id, \
             l.found_at AS found_at";
        let one = |side: &str| {
            format!(
                "SELECT * FROM (SELECT {columns} FROM seller_links l \
                 JOIN listing_signs a ON a.listing = l.listing \
                 JOIN listing_signs b ON b.listing = l.other_listing \
                 WHERE l.{side} = {{}} ORDER BY l.other, l.seller, l.mark LIMIT 16) AS some_{side}"
            )
        };
        let both = [one("seller"), one("other")].join(" UNION ALL ");
        let mut connection = self.pool.acquire().await?;
        let mut found = Vec::new();
        for row in for_each(&mut connection, &both, sellers).await? {
            found.push(SellerLink {
                seller: row.try_get("seller")?,
                other: row.try_get("other")?,
                kind: name(&row, "kind")?,
                strength: row.try_get("strength")?,
                listings: [text(&row, "listing_id")?, text(&row, "other_id")?],
                found_at: time(&row, "found_at")?,
            });
        }
        Ok(found)
    }

    /// All pairs of sellers with a link of at least `strength`, at most `limit`; with `scope`, only
    /// those whose sellers both are in one of its provinces.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn linked_pairs(
        &self,
        strength: f64,
        scope: &[String],
        limit: u32,
    ) -> Result<Vec<ClusterEdge>> {
        let mut sql = "SELECT l.seller AS a, l.other AS b, MAX(s.listings) AS a_listings, \
             MAX(s.suspects) AS a_suspects, MAX(o.listings) AS b_listings, \
             MAX(o.suspects) AS b_suspects FROM seller_links l \
             JOIN sellers s ON s.seller = l.seller JOIN sellers o ON o.seller = l.other \
             WHERE l.strength >= $1"
            .to_owned();
        if !scope.is_empty() {
            let list = binds(2, scope.len());
            sql.push_str(&format!(
                " AND s.province_key IN ({list}) AND o.province_key IN ({list})"
            ));
        }
        sql.push_str(&format!(
            " GROUP BY l.seller, l.other ORDER BY l.seller, l.other LIMIT {limit}"
        ));
        let statement = sqlx::query(AssertSqlSafe(sql)).bind(strength);
        let statement = scope.iter().fold(statement, |s, p| s.bind(province_key(p)));
        let rows = statement.fetch_all(&self.pool).await?;
        let end = |row: &AnyRow, key: &str| -> Result<(i64, u32, u32)> {
            let count = |column: &str| number(row, &format!("{key}_{column}"));
            Ok((row.try_get(key)?, count("listings")?, count("suspects")?))
        };
        rows.iter().map(|row| Ok(ClusterEdge { ends: [end(row, "a")?, end(row, "b")?] })).collect()
    }
}

/// Everything that was looked up for a batch.
struct Known {
    own: HashMap<i64, Own>,
    facts: HashMap<i64, (SellerFacts, Option<i64>)>,
    /// By seller, with the listing of each case.
    cases: HashMap<i64, Vec<(i64, OffsetDateTime)>>,
}

impl Known {
    fn context(&self, one: &Keyed, found: Vec<Found>, copies: u32) -> SellerContext {
        let facts = one.seller.and_then(|seller| {
            let (facts, counted_to) = self.facts.get(&seller)?;
            let own = self.own.get(&one.listing).filter(|own| own.seller == Some(seller));
            let own = own.filter(|_| counted_to.is_none_or(|last| one.listing <= last));
            Some(match own {
                Some(own) => without(facts, own),
                None => facts.clone(),
            })
        });
        let cases_but = |seller: i64| {
            let all = self.cases.get(&seller).map_or(&[][..], Vec::as_slice);
            let others = all.iter().filter(|(listing, _)| *listing != one.listing);
            others.map(|(_, confirmed_at)| *confirmed_at).collect::<Vec<_>>()
        };
        let links = found.into_iter().map(|Found { other, kind, strength }| LinkedSeller {
            kind,
            strength,
            facts: self.facts.get(&other).map(|(facts, _)| facts.clone()).unwrap_or_default(),
            cases: cases_but(other),
        });
        SellerContext {
            facts: facts.filter(|facts| facts.listings > 0),
            cases: one.seller.map(cases_but).unwrap_or_default(),
            links: links.collect(),
            copies,
        }
    }
}

/// What is left when one listing is taken away.
fn without(facts: &SellerFacts, own: &Own) -> SellerFacts {
    let less = |count: u32, counted: bool| count.saturating_sub(u32::from(counted));
    let brands = facts.brands.iter().filter_map(|(brand, count)| {
        let left = less(*count, *brand == own.brand);
        (left > 0).then(|| (brand.clone(), left))
    });
    SellerFacts {
        listings: less(facts.listings, true),
        suspects: less(facts.suspects, own.suspect),
        priced: less(facts.priced, own.priced),
        cheap: less(facts.cheap, own.cheap),
        brands: brands.collect(),
    }
}

fn sellers_of(keyed: &[Keyed]) -> Vec<i64> {
    let sellers: BTreeSet<i64> = keyed.iter().filter_map(|k| k.seller).collect();
    sellers.into_iter().collect()
}

async fn own_rows(connection: &mut AnyConnection, keyed: &[Keyed]) -> Result<HashMap<i64, Own>> {
    let listings: Vec<i64> =
        keyed.iter().filter(|k| k.seller.is_some()).map(|k| k.listing).collect();
    let sql = "SELECT listing, seller, own_score, priced, cheap, brand_key FROM listing_signs \
         WHERE listing IN ({})";
    let mut own = HashMap::new();
    for row in matching(connection, sql, &listings).await? {
        let is = |column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)? > 0);
        let one = Own {
            seller: row.try_get("seller")?,
            suspect: row.try_get::<f64, _>("own_score")? >= SUSPECT,
            priced: is("priced")?,
            cheap: is("cheap")?,
            brand: row.try_get("brand_key")?,
        };
        own.insert(row.try_get("listing")?, one);
    }
    Ok(own)
}

async fn stored_links(
    connection: &mut AnyConnection,
    sellers: &[i64],
) -> Result<HashMap<i64, Vec<Found>>> {
    let one = |own: &str, other: &str| {
        format!(
            "SELECT * FROM (SELECT {own} AS own, {other} AS whom, kind, strength \
             FROM seller_links WHERE {own} = {{}} ORDER BY {other}, mark LIMIT {LINKS}) AS some_{own}"
        )
    };
    let both = [one("seller", "other"), one("other", "seller")].join(" UNION ALL ");
    let mut all: HashMap<i64, Vec<Found>> = HashMap::new();
    for row in for_each(connection, &both, sellers).await? {
        let (other, kind) = (row.try_get("whom")?, name(&row, "kind")?);
        let link = Found { other, kind, strength: row.try_get("strength")? };
        all.entry(row.try_get("own")?).or_default().push(link);
    }
    Ok(all)
}

/// Who shows the contacts of some listings; little more than what is rare of each.
async fn shared_contacts(
    connection: &mut AnyConnection,
    keyed: &[Keyed],
) -> Result<HashMap<i64, Vec<i64>>> {
    let marks: BTreeSet<i64> =
        keyed.iter().flat_map(|k| k.contacts.iter().map(|(_, mark)| *mark)).collect();
    let marks: Vec<i64> = marks.into_iter().collect();
    let sql = "SELECT contact, seller FROM seller_contacts WHERE contact IN ({})";
    let mut holders: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in matching(connection, sql, &marks).await? {
        holders.entry(row.try_get("contact")?).or_default().push(row.try_get("seller")?);
    }
    Ok(holders)
}

async fn facts_of(
    connection: &mut AnyConnection,
    sellers: &[i64],
) -> Result<HashMap<i64, (SellerFacts, Option<i64>)>> {
    let sql = "SELECT seller, listings, suspects, priced, cheap, counted_to, brands FROM sellers \
         WHERE seller IN ({})";
    let mut all = HashMap::new();
    for row in matching(connection, sql, sellers).await? {
        all.insert(row.try_get("seller")?, (facts(&row)?, row.try_get("counted_to")?));
    }
    Ok(all)
}

async fn cases_of(
    connection: &mut AnyConnection,
    sellers: &[i64],
) -> Result<HashMap<i64, Vec<(i64, OffsetDateTime)>>> {
    let sql = "SELECT seller, listing, confirmed_at FROM confirmed_cases WHERE seller IN ({})";
    let mut all: HashMap<i64, Vec<(i64, OffsetDateTime)>> = HashMap::new();
    for row in matching(connection, sql, sellers).await? {
        let case = (row.try_get("listing")?, time(&row, "confirmed_at")?);
        all.entry(row.try_get("seller")?).or_default().push(case);
    }
    for cases in all.values_mut() {
        cases.sort_unstable_by_key(|(listing, at)| (Reverse(*at), *listing));
        cases.truncate(CASES);
    }
    Ok(all)
}

fn number(row: &AnyRow, column: &str) -> Result<u32> {
    Ok(u32::try_from(row.try_get::<i64, _>(column)?).unwrap_or(u32::MAX))
}

fn facts(row: &AnyRow) -> Result<SellerFacts> {
    let brands: String = row.try_get("brands")?;
    Ok(SellerFacts {
        listings: number(row, "listings")?,
        suspects: number(row, "suspects")?,
        priced: number(row, "priced")?,
        cheap: number(row, "cheap")?,
        brands: serde_json::from_str(&brands).map_err(|e| StoreError::corrupt("brands", &e))?,
    })
}

fn seller_row(row: &AnyRow) -> Result<SellerRow> {
    Ok(SellerRow {
        key: row.try_get("seller")?,
        platform: text(row, "platform")?,
        id: text(row, "id")?,
        name: maybe_text(row, "name")?,
        province: maybe_text(row, "province")?,
        facts: facts(row)?,
        more: row.try_get::<Option<i64>, _>("counted_to")?.is_some(),
        first_seen_at: time(row, "first_seen_at")?,
        last_seen_at: time(row, "last_seen_at")?,
    })
}
