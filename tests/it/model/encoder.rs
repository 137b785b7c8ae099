use std::collections::HashMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use candle_core::{Device, Tensor};
use tempfile::TempDir;
use thatgia::config;
use thatgia::domain::{LegalClass, Tier};
use thatgia::scoring::{self, Ask, Assess, Detail, TierChoice};
use thatgia::train::{self, Outcome, Progress};

use super::score::assert_adds_up;
use super::{demo, listing};

const HIDDEN: usize = 8;
const VOCABULARY: usize = 36_309;

/// A folder with an encoder of one small layer, its numbers spread evenly around 0.
fn small_encoder(dir: &Path) {
    let mut tensors = HashMap::new();
    let mut add = |name: &str, shape: &[usize]| {
        let seed = name.len() as f32;
        let n: usize = shape.iter().product();
        let values: Vec<f32> = (0..n)
            .map(|i| ((i as f32 * 0.7548777 + seed * 0.569_84).fract() - 0.5) * 0.8)
            .collect();
        tensors.insert(name.to_owned(), Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
    };
    for (table, rows) in [("word", VOCABULARY), ("position", 64), ("token_type", 1)] {
        add(&format!("embeddings.{table}_embeddings.weight"), &[rows, HIDDEN]);
    }
    let layer = "encoder.layer.0";
    for (part, to, from) in [
        ("attention.self.query", HIDDEN, HIDDEN),
        ("attention.self.key", HIDDEN, HIDDEN),
        ("attention.self.value", HIDDEN, HIDDEN),
        ("attention.output.dense", HIDDEN, HIDDEN),
        ("intermediate.dense", 16, HIDDEN),
        ("output.dense", HIDDEN, 16),
    ] {
        add(&format!("{layer}.{part}.weight"), &[to, from]);
        add(&format!("{layer}.{part}.bias"), &[to]);
    }
    for norm in ["embeddings", &format!("{layer}.attention.output"), &format!("{layer}.output")] {
        add(&format!("{norm}.LayerNorm.weight"), &[HIDDEN]);
        add(&format!("{norm}.LayerNorm.bias"), &[HIDDEN]);
    }
    fs::create_dir_all(dir).unwrap();
    candle_core::safetensors::save(&tensors, dir.join("model.safetensors")).unwrap();
    let config = serde_json::json!({
        "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 64,
        "layer_norm_eps": 1e-12,
    });
    fs::write(dir.join("config.json"), config.to_string()).unwrap();
}

/// The shipped recipe on a few of the rows, from the small encoder.
fn recipe(dir: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    small_encoder(&dir.join("encoder"));
    let text = fs::read_to_string(root.join("models/recipes/vi.toml")).unwrap();
    let mut recipe: toml::Table = toml::from_str(&text).unwrap();
    let data = recipe["data"].as_table_mut().unwrap();
    data.remove("ordinary");
    for side in ["train", "valid"] {
        let rows = fs::read_to_string(root.join(format!("datasets/gold/{side}.jsonl"))).unwrap();
        let few: Vec<&str> = rows.lines().step_by(8).collect();
        let path = dir.join(format!("{side}.jsonl"));
        fs::write(&path, few.join("\n")).unwrap();
        data[side] = path.display().to_string().into();
    }
    let model = recipe["model"].as_table_mut().unwrap();
    model["fast"] = root.join("models/vi-fast-2026-11c").display().to_string().into();
    model["encoder"] = dir.join("encoder").display().to_string().into();
    model["layers"] = 1.into();
    model["tokens"] = 48.into();
    recipe["fit"]["epochs"] = 2.into();
    recipe["fit"]["freeze"] = 0.into();
    recipe["fit"]["learning_rate"] = 0.005.into();
    toml::to_string(&recipe).unwrap()
}

fn run(recipe: &str, out: &Path, progress: &mut dyn FnMut(Progress)) -> Outcome {
    train::run(recipe, Some(3), out, progress).unwrap()
}

/// A trained small model; its folder goes with the process.
static SMALL: LazyLock<(TempDir, Outcome)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let recipe = recipe(dir.path());
    let outcome = run(&recipe, &dir.path().join("out"), &mut |_| {});
    (dir, outcome)
});

fn small() -> Arc<dyn Assess> {
    let mut settings = config::load(None).unwrap().scoring;
    settings.model = SMALL.1.dir.display().to_string();
    scoring::load(&settings).unwrap()
}

/// The model in use: two listings are enough, an encoder of full size is slow without optimisation.
#[test]
fn the_model_in_use_tells_a_hint_from_a_second_hand_offer() {
    let mut settings = config::load(None).unwrap().scoring;
    settings.models_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let scorer = scoring::load(&settings).unwrap();
    let score = |title: &str, amount: u64| {
        let json = serde_json::json!({"title": title, "price": {"amount": amount}});
        let said = scorer.assess(&listing(&json.to_string()), Detail::Brief.into());
        assert_adds_up(&said);
        said.score.value()
    };
    let hint = score("Túi Chanel Classic full box, ai hiểu thì ib em", 650_000);
    let used = score("Pass lại áo thun Uniqlo mặc vài lần, còn tag giá", 120_000);
    assert!(hint > 0.8 && used < 0.3, "{hint} {used}");
}

#[test]
fn a_stopped_training_ends_where_an_unbroken_one_does() {
    let (unbroken, dir) = (&SMALL.1, tempfile::tempdir().unwrap());
    let recipe_text = fs::read_to_string(unbroken.dir.join("recipe.toml")).unwrap();
    let out = dir.path().join("out");
    let mut seen = 0;
    let stopped = catch_unwind(AssertUnwindSafe(|| {
        run(&recipe_text, &out, &mut |p| {
            assert_eq!(p.epoch, 1, "pulled the plug");
            seen += 1;
        })
    }));
    assert!(stopped.is_err() && seen > 1);
    let mut epochs = Vec::new();
    let resumed = run(&recipe_text, &out, &mut |p| epochs.push(p.epoch));
    assert!(epochs.iter().all(|e| *e == 2), "{epochs:?}");
    assert_eq!(resumed.manifest, unbroken.manifest);
    assert!(unbroken.valid_log_loss < 0.69, "{}", unbroken.valid_log_loss);
    assert!(!resumed.dir.join(".training").exists());
}

#[test]
fn both_tiers_add_up_and_say_which_they_are() {
    let scorer = small();
    assert!(scorer.has_encoder());
    for line in demo().into_iter().take(12) {
        let listing = listing(line);
        let ask = |tier, detail| scorer.assess(&listing, Ask { detail, tier });
        for detail in [Detail::Brief, Detail::Full] {
            let full = ask(TierChoice::Full, detail);
            assert_adds_up(&full);
            assert_eq!(full.tier, Tier::Full);
            assert_eq!(full.parts.price.is_some(), listing.price().is_some());
            assert_eq!(full, ask(TierChoice::Full, detail));
            let fast = ask(TierChoice::Fast, detail);
            assert_adds_up(&fast);
            assert_eq!(fast.tier, Tier::Fast);
            let auto = ask(TierChoice::Auto, detail);
            assert_eq!(auto, if auto.tier == Tier::Fast { fast } else { full });
        }
    }
}

#[test]
fn a_lower_price_never_lowers_the_full_score() {
    let scorer = small();
    for title in ["Giày Nike Air Force 1", "Túi vải canvas in hình", "Panadol Extra hộp 180 viên"]
    {
        let score = |price: u64| {
            let json = serde_json::json!({"title": title, "price": {"amount": price}});
            let ask = Ask { detail: Detail::Brief, tier: TierChoice::Full };
            scorer.assess(&listing(&json.to_string()), ask).score.value()
        };
        let prices = [50_000_000, 5_000_000, 1_000_000, 400_000, 120_000, 20_000, 1000];
        for pair in prices.windows(2) {
            assert!(score(pair[1]) >= score(pair[0]), "{title} at {pair:?}");
        }
    }
}

#[test]
fn the_class_goes_with_the_band() {
    let scorer = small();
    for line in demo() {
        let ask = Ask { detail: Detail::Brief, tier: TierChoice::Full };
        let said = scorer.assess(&listing(line), ask);
        let low = matches!(said.legal_class, LegalClass::None | LegalClass::OriginUnclear);
        assert_eq!(low, said.band.as_str() == "low");
    }
}
