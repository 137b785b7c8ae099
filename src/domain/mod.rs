//! What the service speaks of: listings, assessments, keys and clocks.
//!
//! Owns the types that every other layer passes on and the rules that make a bad value
//! impossible to build. It reads no files, opens no connection and knows no model. From here a
//! [`Listing`] goes to `preprocess`, and an [`Assessment`] comes back from `scoring`.

mod clock;
mod error;
mod gtin;
mod key;
mod link;
mod listing;
mod model_id;
mod notation;
mod product;
mod verdict;

pub use clock::{Clock, FixedClock, SystemClock};
pub use error::{ErrorCode, ItemError};
pub use gtin::{Gtin, GtinError};
pub use key::{ApiKey, KeyError, Role};
pub use link::LinkKind;
pub use listing::{ImageRef, Limits, Listing, Money, NewListing, Price, Seller};
pub use model_id::{ModelId, ModelIdError, ModelRef};
pub use notation::{grouped, hex, vnd, vnd_en};
pub use product::{Document, NewProduct, Product, ProductError, ProductStatus};
pub use verdict::{
    Assessment, Band, Evidence, Field, LegalClass, Part, Parts, Reason, Score, ScoredLine,
    Thresholds, Tier, UnknownName, logit, sigmoid,
};
