//! What one listing costs: normalising, reading the signals, scoring, JSON to JSON.
//!
//! `cargo bench`; the figures that are quoted come from `thatgia bench pipeline` (benches/runs).

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]

use std::path::Path;
use std::sync::LazyLock;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use thatgia::domain::{Limits, Listing};
use thatgia::nn::Arithmetic;
use thatgia::registry::{live_model, load_model, model_dir};
use thatgia::scoring::{Assess as _, Detail, FastScorer};
use thatgia::signals::Reading;

static LINES: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("../datasets/demo/listings.jsonl").lines().collect());

static SCORER: LazyLock<FastScorer> = LazyLock::new(|| {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let dir = model_dir(&models, &live_model(&models).unwrap()).unwrap();
    FastScorer::new(load_model(&dir, Arithmetic::default()).unwrap(), 0.0)
});

fn main() {
    divan::main();
}

fn listings() -> Vec<Listing> {
    let read = |line: &&str| Listing::from_json(line.as_bytes(), &Limits::default()).unwrap();
    LINES.iter().map(read).collect()
}

#[divan::bench]
fn read_json(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(LINES.len())).bench(|| black_box(listings()));
}

#[divan::bench]
fn normalise(bencher: Bencher<'_, '_>) {
    let normalizer = SCORER.knowledge().normalizer();
    let listings = listings();
    bencher.counter(ItemsCount::new(listings.len())).bench(|| {
        for listing in &listings {
            black_box(normalizer.normalize(listing.title()));
            black_box(listing.description().map(|text| normalizer.normalize(text)));
        }
    });
}

#[divan::bench]
fn read_signals(bencher: Bencher<'_, '_>) {
    let listings = listings();
    bencher.counter(ItemsCount::new(listings.len())).bench(|| {
        for listing in &listings {
            black_box(Reading::new(SCORER.knowledge(), listing));
        }
    });
}

#[divan::bench]
fn assess(bencher: Bencher<'_, '_>) {
    let listings = listings();
    bencher.counter(ItemsCount::new(listings.len())).bench(|| {
        for listing in &listings {
            black_box(SCORER.assess(listing, Detail::Brief.into()));
        }
    });
}
