//! The models that ship: exact sums, places that point at what caused them, the same score whatever
//! the batch, no way to make it panic.

mod encoder;
mod live;
mod score;
mod shadow;
mod training;
mod vision;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use thatgia::domain::{Limits, Listing};
use thatgia::nn::Arithmetic;
use thatgia::registry::load_model;
use thatgia::scoring::FastScorer;

/// The fast model that ships.
pub(crate) const FAST: &str = "vi-fast-2026-11c";

/// It, loaded once.
fn fast() -> &'static Arc<FastScorer> {
    static LOADED: OnceLock<Arc<FastScorer>> = OnceLock::new();
    LOADED.get_or_init(|| {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(FAST);
        Arc::new(FastScorer::new(load_model(&dir, Arithmetic::default()).unwrap(), 0.0))
    })
}

fn demo() -> Vec<&'static str> {
    include_str!("../../../datasets/demo/listings.jsonl").lines().collect()
}

fn listing(json: &str) -> Listing {
    Listing::from_json(json.as_bytes(), &Limits::default()).unwrap()
}
