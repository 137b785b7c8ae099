use serde::{Deserialize, Serialize};

use super::clue::Clue;
use crate::domain::Listing;

/// What was known of a listing beyond itself when it was scored: fetched before, and kept with the
/// assessment, so that a score can be repeated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {}

impl Context {
    /// A listing of which nothing else is known.
    pub const NONE: &'static Self = &Self {};

    /// What it says of `listing`.
    pub fn clues(&self, _listing: &Listing) -> Vec<Clue> {
        Vec::new()
    }
}
