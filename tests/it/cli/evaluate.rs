//! `thatgia evaluate` beyond plain metrics: attacks, ordinary listings, the learned baseline.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::thatgia;

/// Brands, wording and short forms of the model that ships.
fn knowledge() -> PathBuf {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let live = fs::read_to_string(models.join("live")).unwrap();
    models.join(live.trim())
}

/// Rows of which every other one is counterfeit and says so.
fn rows(from: usize, n: usize) -> String {
    (from..from + n)
        .map(|i| {
            let label = i % 2 == 0;
            let word = if label { "replica" } else { "chính hãng" };
            let title = format!("Giày Nike {word} size {} mẫu {}", 35 + i % 9, i * 7919 % 1009);
            let row = json!({
                "id": format!("shoes-{i:03}"), "listing": {"title": title},
                "label": u8::from(label), "slice": if label { "open_terms" } else { "pledge" },
                "legal_class": if label { "counterfeit_mark" } else { "none" },
                "family": format!("f{i}"), "lang": "vi",
            });
            format!("{row}\n")
        })
        .collect()
}

fn evaluate(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let args = [&["evaluate"], args, &["--rounds", "20"]].concat();
    let output = thatgia(dir, &args);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn report(dir: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(dir.join("report.json")).unwrap()).unwrap()
}

#[test]
fn attacks_and_ordinary_listings_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    fs::write(path.join("rows.jsonl"), rows(0, 30)).unwrap();
    let ordinary = concat!(
        r#"{"title":"Giày Nike Air Force 1","price":2600000,"source":"a","rating":5}"#,
        "\n{}\n",
        r#"{"title":"Nồi cơm điện","price":{"amount":500000},"platform":"tiki"}"#,
    );
    fs::write(path.join("crawl.jsonl"), ordinary).unwrap();
    let knowledge = knowledge();
    let args = ["rows.jsonl", "--model", "regex", "--knowledge", knowledge.to_str().unwrap()];
    let more = ["--attacks", "--ordinary", "crawl.jsonl"];
    let (code, out, err) = evaluate(path, &[&args[..], &more].concat());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("disguise held out") && out.contains("ordinary branded"), "{out}");
    let first = report(path);
    let attacks = first["attacks"].as_object().unwrap();
    assert_eq!(attacks.len(), 24);
    assert_eq!(attacks.values().filter(|a| a["held_out"] == true).count(), 8);
    // Only counterfeits are disguised; any row may be in capitals.
    assert_eq!(
        (&attacks["spacing"]["changed"], &attacks["capitals"]["changed"]),
        (&json!(15), &json!(30))
    );
    assert_eq!(attacks["capitals"]["delta"]["value"], 0.0);
    // A list of keywords does not know "rpelica".
    assert!(attacks["swapped"]["delta"]["value"].as_f64().unwrap() < -0.1);
    assert!(attacks["swapped"]["slices"]["open_terms"]["delta"].as_f64().unwrap() < -0.1);
    let ordinary = &first["ordinary"];
    assert_eq!((&ordinary["n"], &ordinary["skipped"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&ordinary["branded"]["n"], &ordinary["branded"]["high"]["value"]),
        (&json!(1), &Value::Null)
    );
    let page = fs::read_to_string(path.join("report.html")).unwrap();
    assert!(page.contains("<h2>Attacks</h2>") && page.contains("<h2>Ordinary listings</h2>"));

    let (code, ..) = evaluate(path, &[&args[..], &more].concat());
    assert_eq!((code, report(path)), (0, first));
}

#[test]
fn the_learned_baseline_needs_rows_to_learn_from() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    for (name, from) in [("train", 0), ("valid", 40), ("test", 60)] {
        fs::write(path.join(format!("{name}.jsonl")), rows(from, 20)).unwrap();
    }
    let (code, out, err) = evaluate(path, &[".", "--model", "ngram", "--against", "regex"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("ngram on test: 20 rows"), "{out}");
    assert!(err.contains("ngram learned from 20 rows"), "{err}");
    assert_eq!(report(path)["metrics"]["auc"]["value"], 1.0);

    fs::create_dir(path.join("lone")).unwrap();
    fs::rename(path.join("test.jsonl"), path.join("lone/rows.jsonl")).unwrap();
    let lone = ["lone/rows.jsonl", "--model", "ngram"];
    let (code, _, err) = evaluate(path, &lone);
    assert_eq!(code, 1);
    assert!(err.contains("hint: --train FILE"), "{err}");
    let (code, _, err) = evaluate(path, &[&lone[..], &["--train", "train.jsonl"]].concat());
    assert_eq!(code, 0, "{err}");
}
