//! The model that ships: exact sums, places that point at what caused them, the same score whatever
//! the batch, no way to make it panic.

mod encoder;
mod score;
mod training;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use thatgia::domain::{Limits, Listing};
use thatgia::registry::{live_model, load_model, model_dir};
use thatgia::scoring::FastScorer;

/// The model in `models/live`, loaded once.
fn live() -> &'static Arc<FastScorer> {
    static LIVE: OnceLock<Arc<FastScorer>> = OnceLock::new();
    LIVE.get_or_init(|| {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let dir = model_dir(&models, &live_model(&models).unwrap()).unwrap();
        Arc::new(FastScorer::new(load_model(&dir).unwrap(), 0.0))
    })
}

fn demo() -> Vec<&'static str> {
    include_str!("../../../datasets/demo/listings.jsonl").lines().collect()
}

fn listing(json: &str) -> Listing {
    Listing::from_json(json.as_bytes(), &Limits::default()).unwrap()
}
