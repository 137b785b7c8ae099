use time::OffsetDateTime;

use crate::domain::LinkKind;

/// What the listings of a seller come to, over at most 512 of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SellerFacts {
    pub listings: u32,
    /// Those more likely counterfeit than not by what they say themselves: the seller's part of
    /// their score is left out.
    pub suspects: u32,
    /// Those with a price that could be judged, and of these the ones far below what is usual.
    pub priced: u32,
    pub cheap: u32,
    /// Claimed brands, as names are compared, with their numbers of listings; the most frequent.
    pub brands: Vec<(String, u32)>,
}

/// Another seller to whom a link leads.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkedSeller {
    pub kind: LinkKind,
    /// From 0 to 1: 1 is a contact that only the two share.
    pub strength: f64,
    pub facts: SellerFacts,
    /// When his cases were confirmed; at most 16, the newest.
    pub cases: Vec<OffsetDateTime>,
}

/// What is known of a listing's seller beyond the listing, which itself is never counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SellerContext {
    /// `None` for a seller of whom nothing else is kept.
    pub facts: Option<SellerFacts>,
    /// When his cases were confirmed; at most 16, the newest.
    pub cases: Vec<OffsetDateTime>,
    /// At most 16, the strongest.
    pub links: Vec<LinkedSeller>,
    /// Other sellers with a near copy of this text; 0 where so many have it that it is common.
    pub copies: u32,
}

/// A seller as he is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct SellerRow {
    /// His key in this store.
    pub key: i64,
    pub platform: String,
    pub id: String,
    pub name: Option<String>,
    pub province: Option<String>,
    pub facts: SellerFacts,
    /// Whether he has more listings than are counted.
    pub more: bool,
    pub first_seen_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
}

/// What two sellers have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct SellerLink {
    pub seller: i64,
    pub other: i64,
    pub kind: LinkKind,
    /// From 0 to 1.
    pub strength: f64,
    /// The listings that show it, of the one and of the other.
    pub listings: [String; 2],
    pub found_at: OffsetDateTime,
}

/// Two linked sellers, with what clusters are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterEdge {
    /// Key, listings and suspects of each.
    pub ends: [(i64, u32, u32); 2],
}

/// A case that was confirmed against a seller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmedCase {
    /// The decision's own id: the same one again changes nothing but the time.
    pub id: String,
    pub platform: String,
    pub seller_id: String,
    pub listing_id: String,
    pub confirmed_at: OffsetDateTime,
}
