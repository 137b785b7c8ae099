use serde::{Deserialize, Serialize};

use super::clue::Clue;
use super::knowledge::Knowledge;
use super::seller::{self, SellerRecord};
use crate::domain::Listing;

/// What was known of a listing beyond itself when it was scored: fetched before, and kept with the
/// assessment, so that a score can be repeated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Of the seller, where his id is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller: Option<SellerRecord>,
}

impl Context {
    /// A listing of which nothing else is known.
    pub const NONE: &'static Self = &Self { seller: None };

    /// What it says of `listing`.
    pub fn clues(&self, listing: &Listing, knowledge: &Knowledge) -> Vec<Clue> {
        seller::clues(listing, self.seller.as_ref(), knowledge)
    }
}
