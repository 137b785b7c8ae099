use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::{AnyConnection, Row as _};

use super::super::Result;
use super::{LINK_SHINGLES, NEAR, RARE, matching};
use crate::preprocess::Sketch;

/// Most listings of a band, and most of one seller in it: what more of them there are is found
/// through those.
const BAND: usize = 32;
const BAND_SELLER: usize = 2;

/// A listing that shares a band.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) listing: i64,
    pub(super) seller: Option<i64>,
    sketch: Sketch,
}

/// The listings that share bands with some others: those of the store, and those that are being
/// written.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    all: Vec<Candidate>,
    at: HashMap<i64, usize>,
    bands: HashMap<i64, Vec<usize>>,
}

/// The near copies of a listing that other sellers have.
#[derive(Debug, PartialEq)]
pub(super) enum Copies {
    /// By seller, with the likeness and the listing of each.
    Rare(BTreeMap<i64, (f64, i64)>),
    /// So many sellers have it that it says nothing; some of their listings.
    Common(Vec<i64>),
}

impl Buckets {
    /// What the store has in `bands`: a few dozen rows a band at most.
    pub(super) async fn load(connection: &mut AnyConnection, bands: &[i64]) -> Result<Self> {
        let mut bands = bands.to_vec();
        bands.sort_unstable();
        bands.dedup();
        let sql = "SELECT band, listing FROM copy_bands WHERE band IN ({})";
        let mut pairs: Vec<(i64, i64)> = Vec::new();
        for row in matching(connection, sql, &bands).await? {
            pairs.push((row.try_get(0)?, row.try_get(1)?));
        }
        pairs.sort_unstable();
        let listings: BTreeSet<i64> = pairs.iter().map(|(_, listing)| *listing).collect();
        let listings: Vec<i64> = listings.into_iter().collect();
        let sql = "SELECT listing, seller, sketch FROM listing_signs WHERE listing IN ({})";
        let mut this = Self::default();
        for row in matching(connection, sql, &listings).await? {
            let sketch: Option<String> = row.try_get("sketch")?;
            let Some(sketch) = sketch.as_deref().and_then(Sketch::decode) else { continue };
            let (listing, seller) = (row.try_get("listing")?, row.try_get("seller")?);
            this.at.insert(listing, this.all.len());
            this.all.push(Candidate { listing, seller, sketch });
        }
        for (band, listing) in pairs {
            if let Some(at) = this.at.get(&listing) {
                this.bands.entry(band).or_default().push(*at);
            }
        }
        Ok(this)
    }

    fn add(&mut self, band: i64, candidate: Candidate) {
        let at = *self.at.entry(candidate.listing).or_insert_with(|| {
            self.all.push(candidate);
            self.all.len() - 1
        });
        self.bands.entry(band).or_default().push(at);
    }

    /// Adds a listing to its bands; gives those that had room.
    pub(super) fn insert(
        &mut self,
        listing: i64,
        seller: Option<i64>,
        sketch: &Sketch,
        bands: &[i64],
    ) -> Vec<i64> {
        let has_room = |band: &i64| {
            let there = self.bands.get(band).map_or(&[][..], Vec::as_slice);
            let same = |at: &&usize| seller.is_some() && self.all[**at].seller == seller;
            there.len() < BAND && there.iter().filter(same).count() < BAND_SELLER
        };
        let free: Vec<i64> = bands.iter().copied().filter(has_room).collect();
        for band in &free {
            self.add(*band, Candidate { listing, seller, sketch: sketch.clone() });
        }
        free
    }

    /// The near copies of a listing, most alike first.
    pub(super) fn near(
        &self,
        listing: i64,
        sketch: &Sketch,
        bands: &[i64],
    ) -> Vec<(f64, &Candidate)> {
        let mut seen = HashSet::new();
        let places = bands.iter().filter_map(|band| self.bands.get(band)).flatten();
        let mut found: Vec<(f64, &Candidate)> = places
            .filter(|at| seen.insert(**at))
            .map(|at| &self.all[*at])
            .filter(|c| c.listing != listing)
            .map(|c| (c.sketch.similarity(sketch), c))
            .filter(|(similarity, _)| *similarity >= NEAR)
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.listing.cmp(&b.1.listing)));
        found
    }

    /// Who else has this text, where it is long enough to tell.
    pub(super) fn copies(
        &self,
        listing: i64,
        seller: Option<i64>,
        sketch: &Sketch,
        bands: &[i64],
    ) -> Copies {
        let mut sellers = BTreeMap::new();
        let mut listings = Vec::new();
        if sketch.shingles() >= LINK_SHINGLES {
            for (similarity, other) in self.near(listing, sketch, bands) {
                let long = other.sketch.shingles() >= LINK_SHINGLES;
                if let Some(who) = other.seller.filter(|who| long && Some(*who) != seller) {
                    sellers.entry(who).or_insert((similarity, other.listing));
                    listings.push(other.listing);
                }
            }
        }
        if sellers.len() > RARE { Copies::Common(listings) } else { Copies::Rare(sellers) }
    }
}

/// How strongly a thing that `sellers` share links two of them.
pub(super) fn rarity(sellers: usize) -> f64 {
    1.0 / (sellers.saturating_sub(1).max(1) as f64).sqrt()
}
