use super::super::dialect::encode_text;
use super::super::names::name_key;
use super::super::plan::id_of;
use super::LINK_SHINGLES;
use super::keys::Keys;
use crate::domain::{LinkKind, Listing};
use crate::preprocess::{Contact, Sketch, Sketched, find_contacts};

/// What finds a listing's seller and what he has in common with others: worked out from the listing
/// alone, which takes a processor some tens of microseconds, before the store is asked.
#[derive(Debug)]
pub struct Signs {
    /// The listing's id as the column holds it.
    pub(super) id: String,
    pub(super) seller: Option<SellerName>,
    sketched: Option<Sketched>,
    contacts: Vec<Contact>,
}

/// A platform and an id on it. A name is no identity: many shops share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SellerName {
    pub(super) platform_key: String,
    pub(super) id: String,
}

impl SellerName {
    pub(super) fn new(platform: &str, id: &str) -> Option<Self> {
        let (platform_key, id) = (name_key(platform), id.trim());
        let known = !platform_key.is_empty() && !id.is_empty();
        known.then(|| Self { platform_key, id: encode_text(id).into_owned() })
    }
}

/// Signs under the keys of an instance.
#[derive(Debug)]
pub(super) struct Keyed {
    pub(super) listing: i64,
    pub(super) seller: Option<i64>,
    pub(super) sketch: Option<Sketch>,
    pub(super) bands: Vec<i64>,
    pub(super) contacts: Vec<(LinkKind, i64)>,
}

impl Signs {
    /// The signs of a listing.
    pub fn new(listing: &Listing) -> Self {
        let seller = listing.seller();
        let name = listing.platform().zip(seller.and_then(|s| s.id.as_deref()));
        let text = [listing.title(), listing.description().unwrap_or_default()];
        let attributes = listing.attributes().map(|(_, text)| text);
        let own_name = seller.and_then(|s| s.name.as_deref());
        Self {
            id: encode_text(&id_of(listing)).into_owned(),
            seller: name.and_then(|(platform, id)| SellerName::new(platform, id)),
            sketched: Sketched::new(text),
            contacts: find_contacts(text.into_iter().chain(attributes).chain(own_name)),
        }
    }

    /// Whether nothing could be looked up by them.
    pub(super) fn tell_nothing(&self) -> bool {
        let long = self.sketched.as_ref().is_some_and(|s| s.sketch.shingles() >= LINK_SHINGLES);
        self.seller.is_none() && self.contacts.is_empty() && !long
    }

    pub(super) fn keyed(&self, keys: &Keys) -> Keyed {
        let bands = self.sketched.iter().flat_map(|s| s.bands).map(u64::cast_signed);
        Keyed {
            listing: keys.listing(&self.id),
            seller: self.seller.as_ref().map(|s| keys.seller(&s.platform_key, &s.id)),
            sketch: self.sketched.as_ref().map(|s| s.sketch.clone()),
            bands: bands.collect(),
            contacts: self.contacts.iter().map(|c| (c.kind, keys.contact(c))).collect(),
        }
    }
}
