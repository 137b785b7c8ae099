use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, safetensors};
use serde_json::Value;
use tempfile::TempDir;
use thatgia::domain::ModelId;
use thatgia::registry::{Exclusive, Manifest, WEIGHTS_FILE, sha256_hex};

use super::thatgia;

pub(super) const LIVE: &str = "vi-fast-2026-11c";
const PROMOTE: [&str; 7] =
    ["promote", "--dataset", "rows.jsonl", "--config", "s.toml", "--rounds", "40"];

/// Rows that are enough to tell models apart, and few enough to be quick.
const ROWS: usize = 128;

/// A folder with the models that ship and rows that none of them was trained on as a file.
pub(super) struct Place(TempDir);

impl Place {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let models = dir.path().join("models");
        copy(&root.join("models").join(LIVE), &models.join(LIVE));
        fs::write(models.join("live"), format!("{LIVE}\n")).unwrap();
        let rows = fs::read_to_string(root.join("datasets/gold/valid.jsonl")).unwrap();
        let step = rows.lines().count() / ROWS;
        let few = rows.lines().step_by(step).take(ROWS);
        let rows: String = few.map(|line| format!("{line}\n")).collect();
        fs::write(dir.path().join("rows.jsonl"), rows).unwrap();
        // Few rows are quick, and look less well calibrated than they are.
        fs::write(dir.path().join("s.toml"), "[gate]\nmin_rows = 100\nmax_ece = 0.2\n").unwrap();
        Self(dir)
    }

    pub(super) fn models(&self) -> PathBuf {
        self.0.path().join("models")
    }

    /// Exit code, standard output, standard error.
    pub(super) fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = thatgia(self.0.path(), &[&["models"], args].concat());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Promotes, and gives the exit code, the verdict and standard error.
    fn promote(&self, model: &str, more: &[&str]) -> (i32, Value, String) {
        let args = [&PROMOTE[..], &[model, "--json"]].concat();
        let (code, out, err) = self.run(&[&args[..], more].concat());
        (code, serde_json::from_str(&out).unwrap_or_default(), err)
    }

    /// A copy of the model that ships, under another name, in a folder of candidates.
    pub(super) fn candidate(&self, id: &str) -> PathBuf {
        let dir = self.0.path().join("candidates").join(id);
        copy(&self.models().join(LIVE), &dir);
        edit(&dir, |manifest| manifest.id = ModelId::new(id).unwrap());
        dir
    }

    fn live(&self) -> String {
        fs::read_to_string(self.models().join("live")).unwrap().trim().to_owned()
    }

    fn history(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.models().join("history.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn edit(dir: &Path, change: impl FnOnce(&mut Manifest)) {
    let path = dir.join("manifest.toml");
    let mut manifest = Manifest::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(&path, manifest.to_toml().unwrap()).unwrap();
}

/// Turns the weights over, so that the model ranks the wrong way round, and sets its hash right.
fn damage(dir: &Path) {
    let path = dir.join(WEIGHTS_FILE);
    let tensors = safetensors::load(&path, &Device::Cpu).unwrap();
    let turned = tensors.into_iter().map(|(name, t)| match name.as_str() {
        // What a price says may only ever rise.
        "price" | "intercept" | "embedding" => (name, t),
        _ => (name, t.neg().unwrap()),
    });
    safetensors::save(&turned.collect(), &path).unwrap();
    let hash = sha256_hex(&fs::read(&path).unwrap());
    edit(dir, |manifest| drop(manifest.files.insert(WEIGHTS_FILE.to_owned(), hash)));
}

fn failed(verdict: &Value) -> Vec<String> {
    let checks = verdict["checks"].as_array().unwrap().iter();
    let mut names: Vec<_> = checks
        .filter(|c| c["passed"] == false)
        .map(|c| c["name"].as_str().unwrap().to_owned())
        .collect();
    names.dedup();
    names
}

#[test]
fn models_are_listed_and_shown() {
    let place = Place::new();
    let (code, out, _) = place.run(&["list"]);
    assert_eq!((code, out.lines().count()), (0, 2), "{out}");
    let line = out.lines().nth(1).unwrap();
    assert!(line.trim().starts_with(LIVE) && line.contains(" live "), "{out}");

    let (code, out, _) = place.run(&["show", "--json"]);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &shown["live"], &shown["id"]), (0, &true.into(), &LIVE.into()));
    assert!(shown["report"]["metrics"]["auc"]["low"].is_f64());
    assert_eq!(shown["manifest"]["spec"]["dims"], 64);
    let (code, out, _) = place.run(&["show", LIVE]);
    assert_eq!(code, 0);
    for part in ["REPORT.md", "Apache-2.0", "intact", "fake_label", "bucket_bits = 17"] {
        assert!(out.contains(part), "{part}: {out}");
    }
}

#[test]
fn a_changed_file_shows() {
    let place = Place::new();
    fs::write(place.models().join(LIVE).join("brands.toml"), "").unwrap();
    let (code, out, _) = place.run(&["show"]);
    assert_eq!(code, 2);
    assert!(out.contains("note        brands.toml is changed"), "{out}");
    let (code, out, _) = place.run(&["list", "--json"]);
    let line: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &line["notes"][0]), (0, &"brands.toml is changed".into()));
    fs::remove_dir_all(place.models().join(LIVE)).unwrap();
    let (_, out, _) = place.run(&["list"]);
    assert!(out.contains(LIVE) && out.contains("No such file"), "{out}");
    let (code, _, err) = place.run(&["show", "no-such"]);
    assert_eq!(code, 1);
    assert!(err.contains("\nhint: `thatgia models list`"), "{err}");
}

#[test]
fn a_worse_candidate_is_refused_with_its_figures() {
    let place = Place::new();
    let dir = place.candidate("vi-worse");
    damage(&dir);
    let out = place.0.path().join("gate");
    let (code, verdict, err) =
        place.promote("candidates/vi-worse", &["--out", out.to_str().unwrap()]);
    assert_eq!(code, 1, "{err}");
    assert!(err.starts_with("vi-worse is refused: "), "{err}");
    assert_eq!((&verdict["passed"], &verdict["promoted"]), (&false.into(), &false.into()));
    let failed = failed(&verdict);
    for name in ["auc", "ece", "not_worse", "slice_auc", "slice_loss", "attack_loss"] {
        assert!(failed.iter().any(|f| f == name), "{name}: {failed:?}");
    }
    assert!(!failed.iter().any(|f| f == "files" || f == "unseen_rows"), "{failed:?}");
    let checks = verdict["checks"].as_array().unwrap();
    let auc = checks.iter().find(|c| c["name"] == "not_worse" && c["subject"] == "auc").unwrap();
    assert!(auc["high"].as_f64().unwrap() < 0.0 && auc["limit"] == 0.0, "{auc}");
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["against"]["model"]["id"], LIVE);
    assert!(out.join("report.html").is_file());

    assert_eq!((place.live().as_str(), place.history().len()), (LIVE, 0));
    assert!(!place.models().join("vi-worse").exists());
}

#[test]
fn a_verdict_is_a_table_for_people() {
    let place = Place::new();
    damage(&place.candidate("vi-worse"));
    let (code, out, _) = place.run(&[&PROMOTE[..], &["candidates/vi-worse", "--dry-run"]].concat());
    assert_eq!(code, 1);
    assert!(out.starts_with("vi-worse against vi-fast-2026-11c on rows: 128 rows"), "{out}");
    assert!(out.contains("FAIL    not_worse     auc ") && out.contains(" more\n"), "{out}");
    assert!(out.lines().count() < 40, "{out}");
}

#[test]
fn an_equal_candidate_is_promoted_and_rolled_back() {
    let place = Place::new();
    place.candidate("vi-next");
    let (code, verdict, err) = place.promote("candidates/vi-next", &["--dry-run"]);
    assert_eq!((code, failed(&verdict)), (0, vec![]), "{err}");
    assert_eq!((place.live().as_str(), verdict["promoted"].as_bool()), (LIVE, Some(false)));
    assert!(!place.models().join("vi-next").exists() && !place.models().join(".lock").exists());

    let out = place.0.path().join("gate");
    let (code, verdict, err) =
        place.promote("candidates/vi-next", &["--out", out.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    assert_eq!((place.live().as_str(), verdict["promoted"].as_bool()), ("vi-next", Some(true)));
    let line = &place.history()[0];
    assert_eq!((&line["from"]["id"], &line["to"]["id"]), (&LIVE.into(), &"vi-next".into()));
    assert_eq!(line["to"]["weights_sha256"], verdict["candidate"]["weights_sha256"]);
    assert_eq!(line["report_sha256"], sha256_hex(&fs::read(out.join("report.json")).unwrap()));
    let rows = fs::read(place.0.path().join("rows.jsonl")).unwrap();
    assert_eq!(line["dataset_sha256"], sha256_hex(&rows));
    let mut keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["action", "dataset_sha256", "from", "report_sha256", "time", "to"]);
    let (_, list, _) = place.run(&["list", "--json"]);
    let next: Value = serde_json::from_str(list.lines().last().unwrap()).unwrap();
    assert_eq!((&next["live"], next["made_live"].is_string()), (&true.into(), true), "{list}");

    let (code, verdict, err) = place.promote("vi-next", &[]);
    assert_eq!((code, verdict), (0, Value::Null));
    assert!(err.contains("is in use already"), "{err}");
    for want in [LIVE, "vi-next", LIVE] {
        let (code, _, err) = place.run(&["rollback"]);
        assert_eq!((code, err), (0, format!("{want} is in use\n")));
        assert_eq!(place.live(), want);
    }
    assert_eq!(place.history().len(), 4);
    fs::write(place.models().join("vi-next/lexicon.toml"), "").unwrap();
    let (code, _, err) = place.run(&["rollback"]);
    assert_eq!((code, place.live().as_str()), (1, LIVE));
    assert!(err.contains("lexicon.toml is changed\nhint: "), "{err}");
}

#[test]
fn a_candidate_is_refused_for_its_folder_alone() {
    let place = Place::new();
    let dir = place.candidate("vi-odd");
    edit(&dir, |manifest| " ".clone_into(&mut manifest.licence));
    fs::write(dir.join("teencode.toml"), "").unwrap();
    let (code, verdict, _) = place.promote("candidates/vi-odd", &[]);
    assert_eq!((code, failed(&verdict)), (1, vec!["files".to_owned(), "licence".to_owned()]));
    assert_eq!(verdict["dataset"], Value::Null, "such a model is not even loaded");

    // A name that another model has.
    let dir = place.candidate("vi-other");
    edit(&dir, |manifest| manifest.id = ModelId::new(LIVE).unwrap());
    edit(&dir, |manifest| "MIT".clone_into(&mut manifest.licence));
    let (code, _, err) = place.promote("candidates/vi-other", &[]);
    assert_eq!(code, 1);
    assert!(err.contains("another model of this name\nhint: give the candidate"), "{err}");
    assert_eq!((place.live().as_str(), place.history().len()), (LIVE, 0));
}

#[test]
fn a_candidate_is_not_judged_on_its_own_rows() {
    let place = Place::new();
    let dir = place.candidate("vi-next");
    let hash = sha256_hex(&fs::read(place.0.path().join("rows.jsonl")).unwrap());
    edit(&dir, |manifest| drop(manifest.training.data.insert("valid".to_owned(), hash)));
    let (code, verdict, _) = place.promote("candidates/vi-next", &[]);
    assert_eq!((code, failed(&verdict)), (1, vec!["unseen_rows".to_owned()]));
    let limits = "[gate]\nmin_rows = 129\nmax_ece = 0.0\nmax_folder_bytes = 1\n";
    fs::write(place.0.path().join("s.toml"), limits).unwrap();
    let (code, verdict, _) = place.promote("candidates/vi-next", &[]);
    assert_eq!(
        (code, failed(&verdict)),
        (1, ["folder_bytes", "unseen_rows", "rows", "ece"].map(String::from).to_vec())
    );
}

#[test]
fn the_first_model_has_only_floors() {
    let place = Place::new();
    fs::remove_file(place.models().join("live")).unwrap();
    let (code, verdict, err) = place.promote(LIVE, &["--models", "models"]);
    assert_eq!((code, place.live().as_str()), (0, LIVE), "{err}");
    assert_eq!((&verdict["live"], &place.history()[0]["from"]), (&Value::Null, &Value::Null));
    let (code, _, err) = place.run(&["rollback"]);
    assert_eq!(code, 1);
    assert!(err.starts_with("error: no model was in use before this one\nhint: "), "{err}");
}

#[test]
fn two_changes_at_once_are_one_too_many() {
    let place = Place::new();
    let held = Exclusive::lock(&place.models()).unwrap();
    for args in [&["promote", LIVE][..], &["rollback"]] {
        let (code, _, err) = place.run(args);
        assert_eq!(code, 1);
        assert!(err.contains("is under way\nhint: try again"), "{err}");
    }
    drop(held);
    let (_, _, err) = place.run(&["rollback"]);
    assert!(err.contains("no model was in use before"), "{err}");
}
