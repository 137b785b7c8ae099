use serde::{Deserialize, Serialize};

use super::clue::Clue;
use super::knowledge::Knowledge;
use super::origin::OriginRecord;
use super::seller::{self, SellerRecord};
use crate::domain::Listing;

/// What was known of a listing beyond itself when it was scored: fetched before, and kept with the
/// assessment, so that a score can be repeated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// What a registry of products says of the listing's number, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginRecord>,
    /// Of the seller, where his id is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller: Option<SellerRecord>,
}

impl Context {
    /// A listing of which nothing else is known.
    pub const NONE: &'static Self = &Self { origin: None, seller: None };

    /// What it says of `listing`.
    pub fn clues(&self, listing: &Listing, knowledge: &Knowledge) -> Vec<Clue> {
        let mut clues = seller::clues(listing, self.seller.as_ref(), knowledge);
        clues.extend(self.origin.iter().flat_map(|origin| origin.clues(listing)));
        clues
    }
}
