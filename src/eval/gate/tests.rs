use std::collections::BTreeMap;

use super::*;
use crate::eval::{
    AttackDelta, AttackReport, AttackSort, BootstrapInfo, DatasetInfo, Metrics, ModelInfo,
};

fn limits() -> GateLimits {
    GateLimits {
        min_rows: 100,
        min_auc: 0.8,
        slice_rows: 10,
        slice_min_auc: 0.7,
        slice_max_loss: 0.03,
        attack_max_loss: 0.04,
        max_ece: 0.06,
        max_folder_bytes: 0,
    }
}

fn around(value: f64, half: f64) -> Interval {
    Interval { value: Some(value), low: Some(value - half), high: Some(value + half) }
}

fn delta(value: f64, half: f64) -> Delta {
    let Interval { value, low, high } = around(value, half);
    Delta { value, low, high, p: Some(0.5) }
}

fn metrics(auc: f64) -> Metrics<Interval> {
    let rest = around(0.5, 0.1);
    Metrics { auc: around(auc, 0.05), ece: around(0.05, 0.01), ..Metrics::from_fn(|_| rest) }
}

fn slice(n: usize, positives: usize, auc: f64) -> SliceReport {
    let one_label = positives == 0 || positives == n;
    SliceReport { n, positives, one_label, metrics: metrics(auc) }
}

fn model(id: &str) -> ModelInfo {
    ModelInfo { id: id.to_owned(), weights_sha256: None }
}

/// A candidate without a rival that passes.
fn alone() -> Report {
    Report {
        dataset: DatasetInfo {
            name: "toy".to_owned(),
            sha256: "00".to_owned(),
            n: 100,
            positives: 50,
            groups: 90,
        },
        model: model("candidate"),
        metrics: metrics(0.9),
        slices: BTreeMap::from([
            ("open_terms".to_owned(), slice(30, 30, 0.95)),
            ("homonym".to_owned(), slice(9, 0, 0.4)),
            ("platform:x".to_owned(), slice(40, 20, 0.8)),
        ]),
        against: None,
        bands: Vec::new(),
        reliability: Vec::new(),
        attacks: None,
        ordinary: None,
        bootstrap: BootstrapInfo { rounds: 1, seed: 0, confidence: 0.95 },
    }
}

fn attack(held_out: bool) -> AttackReport {
    AttackReport {
        held_out,
        sort: AttackSort::Disguise,
        changed: 10,
        auc: around(0.8, 0.1),
        delta: delta(-0.1, 0.01),
        slices: BTreeMap::new(),
    }
}

/// A candidate that is as good as the model in use.
fn paired() -> Report {
    let base = alone();
    let none = Delta { value: Some(0.0), low: Some(0.0), high: Some(0.0), p: Some(1.0) };
    let against = Against {
        model: model("live"),
        metrics: base.metrics,
        slices: base.slices.clone(),
        delta: Metrics::from_fn(|_| none),
        slice_auc_delta: base.slices.keys().map(|name| (name.clone(), none)).collect(),
        attack_delta: BTreeMap::from([(
            "zalo".to_owned(),
            AttackDelta { auc: none, slices: BTreeMap::from([("open_terms".to_owned(), none)]) },
        )]),
    };
    let attacks =
        BTreeMap::from([("zalo".to_owned(), attack(true)), ("seen".to_owned(), attack(false))]);
    Report { against: Some(against), attacks: Some(attacks), ..base }
}

/// Rule and subject of the checks that fail.
fn failed(report: &Report) -> Vec<(&'static str, String)> {
    let verdict = judge(report, &limits());
    let failed: Vec<_> =
        verdict.failed().map(|c| (c.name, c.subject.clone().unwrap_or_default())).collect();
    assert_eq!(verdict.passed(), failed.is_empty());
    failed
}

fn one(name: &'static str, subject: &str) -> Vec<(&'static str, String)> {
    vec![(name, subject.to_owned())]
}

/// The paired report with a change to its comparison.
fn with(change: impl FnOnce(&mut Against)) -> Report {
    let mut report = paired();
    change(report.against.as_mut().unwrap());
    report
}

#[test]
fn a_good_candidate_passes_alone_and_paired() {
    assert_eq!(failed(&alone()), []);
    assert_eq!(failed(&paired()), []);
    let names = |report: &Report| {
        let checks = judge(report, &limits()).checks;
        checks.iter().map(|c| c.name).collect::<std::collections::BTreeSet<_>>()
    };
    let absolute = ["auc", "ece", "rows", "slice_auc"];
    assert!(names(&alone()).into_iter().eq(absolute));
    let relative = ["attack_loss", "not_worse", "slice_loss"];
    assert!(names(&paired()).difference(&names(&alone())).copied().eq(relative));
    assert!(!Verdict::default().passed(), "nothing checked is nothing passed");
}

#[test]
fn worse_is_worse_only_beyond_noise() {
    type Of = fn(&mut Metrics<Delta>) -> &mut Delta;
    let metrics: [(&str, Of); 3] = [
        ("auc", |m| &mut m.auc),
        ("average_precision", |m| &mut m.average_precision),
        ("recall_at_fpr_1pct", |m| &mut m.recall_at_fpr_1pct),
    ];
    for (name, of) in metrics {
        let report = |value, half| with(|a| *of(&mut a.delta) = delta(value, half));
        assert_eq!(failed(&report(-0.02, 0.01)), one("not_worse", name));
        assert_eq!(failed(&report(-0.02, 0.03)), []);
        assert_eq!(failed(&report(0.02, 0.01)), []);
        // What has no interval cannot be called as good.
        let unknown = with(|a| *of(&mut a.delta) = Delta::default());
        assert_eq!(failed(&unknown), one("not_worse", name));
    }
    // Of the others a candidate may lose some.
    assert_eq!(failed(&with(|a| a.delta.brier = delta(-0.5, 0.01))), []);
}

#[test]
fn a_slice_may_lose_a_little() {
    let report = |d| with(|a| a.slice_auc_delta.extend([("open_terms".to_owned(), d)]));
    assert_eq!(failed(&report(delta(-0.1, 0.06))), one("slice_loss", "open_terms"));
    assert_eq!(failed(&report(delta(-0.1, 0.08))), []);
    assert_eq!(failed(&report(delta(-0.02, 0.001))), []);
    let few = report(Delta { value: Some(-0.5), ..Delta::default() });
    assert_eq!(failed(&few), []);
    let check = judge(&few, &limits())
        .checks
        .into_iter()
        .find(|c| c.name == "slice_loss" && c.subject.as_deref() == Some("open_terms"));
    assert_eq!(check.unwrap().why, "too few rows to tell");
    let dropped = with(|a| a.slice_auc_delta.retain(|name, _| name != "open_terms"));
    assert_eq!(failed(&dropped), one("slice_loss", "open_terms"));
}

#[test]
fn a_slice_has_a_floor_where_it_has_rows() {
    let with = |name: &str, s: SliceReport| {
        let mut report = alone();
        report.slices.insert(name.to_owned(), s);
        failed(&report)
    };
    assert_eq!(with("homonym", slice(9, 0, 0.4)), []);
    assert_eq!(with("homonym", slice(10, 0, 0.69)), one("slice_auc", "homonym"));
    assert_eq!(with("homonym", slice(10, 0, 0.7)), []);
    // Nine of the rarer label.
    assert_eq!(with("platform:x", slice(40, 31, 0.4)), []);
    assert_eq!(with("platform:x", slice(40, 30, 0.4)), one("slice_auc", "platform:x"));
    let mut unknown = slice(30, 30, 0.9);
    unknown.metrics.auc = Interval::default();
    assert_eq!(with("open_terms", unknown), one("slice_auc", "open_terms"));
}

#[test]
fn the_whole_has_floors_too() {
    let mut report = alone();
    report.metrics = metrics(0.79);
    assert_eq!(failed(&report), one("auc", ""));
    report.metrics.auc = only(Some(f64::NAN));
    assert_eq!(failed(&report), one("auc", ""));
    report.metrics.auc = Interval::default();
    assert_eq!(failed(&report), one("auc", ""));
    let mut report = alone();
    report.dataset.n = 99;
    assert_eq!(failed(&report), one("rows", ""));
}

#[test]
fn calibration_fails_beyond_noise() {
    let with = |ece: Interval| {
        let mut report = alone();
        report.metrics.ece = ece;
        failed(&report)
    };
    assert_eq!(with(around(0.08, 0.03)), []);
    assert_eq!(with(around(0.08, 0.01)), one("ece", ""));
    assert_eq!(with(Interval::default()), one("ece", ""));
}

#[test]
fn an_attack_unknown_to_training_may_not_cost_more_than_before() {
    let report = |auc: Delta, slice: Delta| {
        with(|a| {
            let slices = BTreeMap::from([("open_terms".to_owned(), slice)]);
            a.attack_delta.insert("zalo".to_owned(), AttackDelta { auc, slices });
        })
    };
    let none = delta(0.0, 0.001);
    assert_eq!(failed(&report(none, delta(-0.1, 0.05))), one("attack_loss", "zalo on open_terms"));
    assert_eq!(failed(&report(none, delta(-0.1, 0.07))), []);
    assert_eq!(failed(&report(none, delta(0.1, 0.01))), []);
    assert_eq!(failed(&report(none, Delta::default())), []);
    assert_eq!(failed(&report(delta(-0.05, 0.005), none)), one("attack_loss", "zalo"));
    assert_eq!(failed(&report(Delta::default(), none)), one("attack_loss", "zalo"));
    // To be helped by an attack, be it less than the other model, is no loss.
    let mut helped = report(delta(-0.05, 0.005), none);
    if let Some(zalo) = helped.attacks.as_mut().and_then(|a| a.get_mut("zalo")) {
        zalo.delta.value = Some(0.02);
    }
    assert_eq!(failed(&helped), []);
    // An attack that training uses is no test.
    let seen = AttackDelta { auc: delta(-0.5, 0.01), slices: BTreeMap::new() };
    assert_eq!(failed(&with(|a| a.attack_delta.extend([("seen".to_owned(), seen)]))), []);
}

#[test]
fn attacks_that_were_not_measured_fail() {
    assert_eq!(failed(&with(|a| a.attack_delta.clear())), one("attack_loss", "zalo"));
    for attacks in [None, Some(BTreeMap::from([("seen".to_owned(), attack(false))]))] {
        assert_eq!(failed(&Report { attacks, ..paired() }), one("attack_loss", ""));
    }
}

#[test]
fn a_check_shows_its_figures() {
    let verdict = judge(&paired(), &limits());
    let json = serde_json::to_value(&verdict).unwrap();
    let ece = json["checks"].as_array().unwrap().iter().find(|c| c["name"] == "ece").unwrap();
    let want = serde_json::json!({
        "name": "ece", "subject": null, "passed": true, "value": 0.05, "low": 0.05 - 0.01,
        "high": 0.05 + 0.01, "limit": 0.06, "why": "not above the limit beyond noise",
    });
    assert_eq!(*ece, want);
    assert!(!Check::at_most("folder_bytes", 8.0, 7.0, ["fits", "too large"]).passed);
    assert!(Check::at_most("folder_bytes", 7.0, 7.0, ["fits", "too large"]).passed);
    assert!(!Check::fact("files", false, "changed").passed);
}
