//! What can be seen in a listing: wording, brands, price, codes.
//!
//! Owns the knowledge files (lexicon, brands, short forms) and the pure functions that read a
//! listing with them. A finding says what and where, never how much it weighs: weights are
//! learned, and live with the model. Next: `scoring` turns a [`Reading`] into evidence.

mod brands;
mod clue;
mod codes;
mod context;
mod features;
mod fusion;
mod knowledge;
mod lexicon;
mod origin;
mod phrases;
mod price;
mod reading;
mod seller;
mod tokens;

pub use brands::{BrandMention, Brands, BrandsError, Mention};
pub use clue::Clue;
pub use codes::{
    Carrier, CodeError, Issuer, ProductCode, SeenCode, code_clues, find_codes, issuer, parse_code,
};
pub use context::Context;
pub use features::{Disguise, FeatureSpace, Sign, SignKind, length_scale};
pub use fusion::{Fusion, FusionError, Weighed};
#[cfg(test)]
pub(crate) use knowledge::tests as testing;
pub use knowledge::{FILES, Knowledge, KnowledgeError};
pub use lexicon::{Concept, Finding, Lexicon, LexiconError, Polarity, Variant};
pub use origin::{OriginAnswer, OriginProduct, OriginRecord, OriginVerdict};
pub use price::{
    Goods, PRICE_FEATURES, PRICE_FLAGS, PRICE_HINGES, PriceInput, PriceSignal, price_features,
};
pub use reading::{FieldText, Reading, Source};
pub use seller::{SellerRecord, SellerTie, decay};
pub use tokens::{Tokens, WordTokens};
