#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Exit code, standard output, standard error.
fn thatgia(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_thatgia")).current_dir(dir).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Rows whose titles are random letters, so that no two are alike.
fn row(i: usize, label: bool) -> Value {
    let mut state = 88_172_645_463_325_252_u64 ^ ((i as u64 + 1) << 20);
    let word: String = (0..16)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'a' + (state % 26) as u8)
        })
        .collect();
    json!({
        "id": format!("shoes-{i:03}"),
        "listing": {"title": format!("{word} {}", if label { "rep 1:1" } else { "thật" })},
        "label": u8::from(label),
        "legal_class": if label { "counterfeit_mark" } else { "none" },
        "slice": if label { "open_terms" } else { "pledge" },
        "family": format!("f{i}"),
        "lang": "vi",
    })
}

fn rows(range: std::ops::Range<usize>) -> String {
    range.map(|i| format!("{}\n", row(i, i.is_multiple_of(2)))).collect()
}

fn gold() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rows.jsonl"), rows(0..60)).unwrap();
    let (code, _, err) = thatgia(dir.path(), &["dataset", "split", "rows.jsonl", "--out", "gold"]);
    assert_eq!(code, 0, "{err}");
    dir
}

#[test]
fn a_split_is_written_checked_and_added_to() {
    let dir = gold();
    let path = dir.path();
    let (code, out, _) = thatgia(path, &["dataset", "check", "gold"]);
    assert_eq!(code, 0, "{out}");
    let test_before = fs::read_to_string(path.join("gold/test.jsonl")).unwrap();

    fs::write(path.join("more.jsonl"), rows(60..90)).unwrap();
    let add = ["dataset", "split", "gold", "more.jsonl", "--out", "gold"];
    let (code, _, err) = thatgia(path, &add);
    assert_eq!(code, 1);
    assert!(err.contains("holds a split already") && err.contains("hint: --keep"), "{err}");
    let (code, out, err) = thatgia(path, &[&add[..], &["--keep", "gold"]].concat());
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.lines().count(), 3);
    let test_after = fs::read_to_string(path.join("gold/test.jsonl")).unwrap();
    assert!(test_before.lines().all(|line| test_after.contains(line)));
    assert!(test_after.len() > test_before.len());
}

#[test]
fn check_ends_with_2_and_says_what_is_wrong() {
    let dir = gold();
    let path = dir.path().join("gold/train.jsonl");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"id\":\"\\u001b[2J\"}\n");
    fs::write(&path, text).unwrap();
    let (code, out, _) = thatgia(dir.path(), &["dataset", "check", "gold"]);
    assert_eq!(code, 2);
    assert!(out.contains("train.jsonl:31: missing field `listing`"), "{out}");
    assert!(out.contains("SHA-256 is") && !out.contains('\u{1b}'), "{out}");
    let (code, out, _) = thatgia(dir.path(), &["dataset", "check", "gold", "--format", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, report["rows"].as_u64()), (2, Some(60)));
    assert!(report["findings"].as_array().unwrap().iter().any(|f| f["severity"] == "error"));
}

#[test]
fn the_baseline_is_evaluated_without_a_model() {
    let dir = gold();
    let args = ["evaluate", "gold", "--model", "regex", "--against", "regex", "--rounds", "50"];
    let (code, out, err) = thatgia(dir.path(), &[&args[..], &["--out", "report"]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("regex on gold/test: 18 rows"), "{out}");
    let json = fs::read_to_string(dir.path().join("report/report.json")).unwrap();
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["metrics"]["auc"]["value"], 1.0);
    assert_eq!(report["against"]["delta"]["auc"]["p"], 1.0);
    assert_eq!(report["dataset"]["name"], "gold/test");
    let page = fs::read_to_string(dir.path().join("report/report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert_eq!(fs::read_dir(dir.path().join("report")).unwrap().count(), 2);
}

#[test]
fn a_dataset_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, err) = thatgia(dir.path(), &["evaluate", "none", "--model", "regex"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("error: no such file: none\nhint: "), "{err}");
}
