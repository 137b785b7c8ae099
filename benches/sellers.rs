//! What sellers cost the store: saving listings with their signs, and looking up the contexts of a
//! batch in a store of many. One JSON line a figure.
//!
//! `cargo bench --bench sellers -- LISTINGS` (200,000 when not given); it takes some minutes.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use thatgia::config;
use thatgia::domain::{
    Assessment, Band, LegalClass, Limits, Listing, ModelId, ModelRef, Parts, Score, ScoredLine,
    SystemClock, Tier,
};
use thatgia::store::{Signs, Store, ToStore};

/// As a crawler sends them.
const BATCH: u64 = 64;

/// Numbers by chance, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// A hundred made-up words from `seed`; frequent ones are more frequent.
fn text(seed: u64) -> String {
    let mut random = Random(seed);
    let mut words = Vec::with_capacity(100);
    for _ in 0..100 {
        let common = random.below(3) > 0;
        let word = if common { random.below(200) } else { random.below(8_000) };
        let mut letters = Random(word.wrapping_mul(77));
        let length = 2 + letters.below(4);
        let word: String = (0..length)
            .map(|_| char::from(b'a' + u8::try_from(letters.below(26)).unwrap_or(0)))
            .collect();
        words.push(word);
    }
    words.join(" ")
}

/// Listing `n` of `of`: a seller has a hundred of them at most and ten mostly; a fifth are near
/// copies of others, a tenth have a text that thousands have; most show a number.
fn listing(n: u64, of: u64) -> String {
    let mut random = Random(n);
    let sellers = of / 10;
    let seller =
        if random.below(5) == 0 { random.below(sellers / 50 + 1) } else { random.below(sellers) };
    let body = match random.below(10) {
        0 => text(random.below(20)),
        1 | 2 => text(1_000 + random.below(of / 15 + 1)),
        _ => text(1_000_000_000 + n),
    };
    let phone = match seller % 20 {
        0 => 900_000_000 + seller % 7,
        1 | 2 => 930_000_000 + seller / 60,
        _ => 910_000_000 + seller,
    };
    let price = 100_000 + random.below(5_000_000);
    let brand = random.below(40);
    format!(
        r#"{{"id":"l{n}","platform":"shopee","title":"Hàng số {n} hiệu {brand}","description":"{body} giá {price}đ LH 0{phone}","brand":"brand {brand}","price":{{"amount":{price},"currency":"VND"}},"seller":{{"id":"s{seller}","name":"Shop {seller}","location":"Hà Nội"}}}}"#
    )
}

fn read(json: &str) -> Listing {
    Listing::from_json(json.as_bytes(), &Limits::default()).unwrap()
}

fn line(n: u64) -> ScoredLine {
    let logit = if n.is_multiple_of(9) { 2.0 } else { -2.0 };
    let assessment = Assessment {
        score: Score::from_logit(logit).unwrap(),
        band: if logit > 0.0 { Band::High } else { Band::Low },
        tier: Tier::Fast,
        model: ModelRef {
            id: ModelId::new("m-1").unwrap(),
            weights_sha256: "ab".repeat(32).into(),
        },
        prior: 0.0,
        parts: Parts { text: Some(logit), ..Parts::default() },
        legal_class: LegalClass::None,
        evidence: Vec::new(),
    };
    ScoredLine { line: 1, id: None, outcome: Ok(assessment) }
}

async fn save(store: &Store, from: u64, to: u64, of: u64) -> Duration {
    let mut spent = Duration::ZERO;
    let mut at = from;
    while at < to {
        let numbers: Vec<u64> = (at..(at + BATCH).min(to)).collect();
        let jsons: Vec<String> = numbers.iter().map(|n| listing(*n, of)).collect();
        let listings: Vec<Listing> = jsons.iter().map(|json| read(json)).collect();
        let lines: Vec<ScoredLine> = numbers.iter().map(|n| line(*n)).collect();
        let items: Vec<ToStore<'_>> = jsons
            .iter()
            .zip(&listings)
            .zip(&lines)
            .map(|((json, listing), line)| ToStore { json, listing, line })
            .collect();
        let start = Instant::now();
        store.save(&items).await.unwrap();
        spent += start.elapsed();
        at += BATCH;
    }
    spent
}

fn tell(what: &str, mut ms: Vec<f64>) {
    ms.sort_by(f64::total_cmp);
    let at = |share: f64| ms[((ms.len() - 1) as f64 * share).round() as usize];
    println!(
        r#"{{"case":"{what}","ms_p50":{:.3},"ms_p99":{:.3},"ms_max":{:.3},"n":{}}}"#,
        at(0.5),
        at(0.99),
        at(1.0),
        ms.len()
    );
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let number = std::env::args().find_map(|arg| arg.parse::<u64>().ok());
    let of = number.unwrap_or(200_000);
    let dir = tempfile::tempdir().unwrap();
    let settings =
        config::Store { data_dir: dir.path().to_owned(), url: String::new(), max_connections: 4 };
    let store = Store::open(&settings, Arc::new(SystemClock)).await.unwrap();
    store.migrate().await.unwrap();
    let part = of / 5;
    for step in 0..5 {
        let spent = save(&store, step * part, (step + 1) * part, of).await;
        let rate = part as f64 / spent.as_secs_f64();
        println!(
            r#"{{"case":"save {} to {}","listings_per_s":{rate:.0}}}"#,
            step * part,
            (step + 1) * part
        );
    }
    look_up(&store, of).await;
}

async fn look_up(store: &Store, of: u64) {
    let some: Vec<Listing> =
        (0..2_000).map(|n| read(&listing(n * (of / 2_000) + n % 3, of))).collect();
    let start = Instant::now();
    let signs: Vec<Signs> = some.iter().map(Signs::new).collect();
    println!(r#"{{"case":"signs of one listing","ms":{:.4}}}"#, ms(start) / some.len() as f64);
    drop(signs);
    for (size, rounds) in [(1, 1_500), (64, 100), (1_024, 5)] {
        let mut times = Vec::new();
        for round in 0..rounds {
            let signs: Vec<Signs> =
                (0..size).map(|i| Signs::new(&some[(round * size + i) % some.len()])).collect();
            let start = Instant::now();
            store.seller_contexts(&signs).await.unwrap();
            times.push(ms(start));
        }
        tell(&format!("contexts of {size}"), times.split_off(rounds / 20));
    }
    let start = Instant::now();
    let pairs = store.linked_pairs(0.5, &[], 200_000).await.unwrap();
    println!(r#"{{"case":"linked pairs","ms":{:.1},"pairs":{}}}"#, ms(start), pairs.len());
    let mut times = Vec::new();
    for pair in pairs.iter().step_by(pairs.len() / 200 + 1) {
        let start = Instant::now();
        store.links_of(&[pair.ends[0].0]).await.unwrap();
        times.push(ms(start));
    }
    if !times.is_empty() {
        tell("links of a seller", times);
    }
}
