use super::*;
use crate::eval::SplitMix64;

fn samples(n: usize) -> Vec<Sample> {
    (0..n)
        .map(|i| Sample {
            id: format!("r{i}"),
            label: i % 2 == 0,
            group: 100 + i / 3,
            slices: vec![if i % 2 == 0 { "open_terms" } else { "pledge" }.to_owned()],
            title: format!("row {i}"),
            ..Sample::default()
        })
        .collect()
}

/// Scores that know the label up to `noise`.
fn contender(id: &str, samples: &[Sample], noise: f64, seed: u64) -> Contender {
    let mut random = SplitMix64::new(seed);
    let scores = samples.iter().map(|s| {
        let u = random.below(1000) as f64 / 1000.0;
        (1.0 - noise) * if s.label { 0.9 } else { 0.1 } + noise * u
    });
    let model = ModelInfo { id: id.to_owned(), weights_sha256: None };
    Contender { model, scores: scores.collect(), bands: Vec::new() }
}

fn options() -> Options {
    let bootstrap = Bootstrap { rounds: 300, seed: 1 };
    Options { dataset: "toy".into(), sha256: "00".into(), bootstrap }
}

#[test]
fn the_report_has_the_promised_form() {
    let samples = samples(240);
    let mut good = contender("good", &samples, 0.6, 1);
    good.bands = good
        .scores
        .iter()
        .map(|s| {
            if *s > 0.7 {
                Band::High
            } else if *s > 0.3 {
                Band::Review
            } else {
                Band::Low
            }
        })
        .collect();
    let poor = contender("poor", &samples, 0.95, 2);
    let report = evaluate(&samples, &good, Some(&poor), &options()).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    for name in Metrics::<()>::NAMES {
        for path in [
            format!("/metrics/{name}"),
            format!("/slices/open_terms/{name}"),
            format!("/against/metrics/{name}"),
            format!("/against/delta/{name}"),
        ] {
            let at = json.pointer(&path).unwrap();
            let [value, low, high] = ["value", "low", "high"].map(|k| at[k].as_f64().unwrap());
            assert!(low <= high, "{path}: {low} {value} {high}");
        }
        assert!(json["against"]["delta"][name]["p"].is_f64());
    }
    assert_eq!(json["dataset"]["n"], 240);
    assert_eq!(json["dataset"]["positives"], 120);
    assert_eq!(json["dataset"]["groups"], 80);
    assert_eq!(json["against"]["model"]["id"], "poor");
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);

    let auc = report.against.as_ref().unwrap().delta.auc;
    assert!(auc.value.unwrap() > 0.1 && auc.low.unwrap() > 0.0 && auc.p.unwrap() < 0.02, "{auc:?}");
    let against = report.against.as_ref().unwrap();
    for (name, delta) in &against.slice_auc_delta {
        let of = |slices: &BTreeMap<String, SliceReport>| slices[name].metrics.auc.value.unwrap();
        let want = of(&report.slices) - of(&against.slices);
        assert!((delta.value.unwrap() - want).abs() < 1e-12, "{name}");
        assert!(delta.low < delta.value && delta.value < delta.high, "{name}: {delta:?}");
    }
    assert!(against.slice_auc_delta.keys().eq(report.slices.keys()));
    let high = &report.bands[0];
    assert_eq!((high.band, report.bands.len()), (Band::High, 3));
    assert_eq!(report.bands.iter().map(|b| b.n).sum::<usize>(), 240);
    assert_eq!(report.bands[2].recall, Some(1.0));
}

#[test]
fn a_scorer_does_not_differ_from_itself() {
    let samples = samples(90);
    let a = contender("a", &samples, 0.8, 3);
    let report = evaluate(&samples, &a, Some(&a), &options()).unwrap();
    for delta in report.against.unwrap().delta.to_array() {
        if delta.value.is_some() {
            assert_eq!((delta.value, delta.low, delta.high), (Some(0.0), Some(0.0), Some(0.0)));
            assert_eq!(delta.p, Some(1.0));
        }
    }
}

#[test]
fn noise_of_the_same_size_is_no_difference() {
    let samples = samples(300);
    let a = contender("a", &samples, 0.8, 11);
    let b = contender("b", &samples, 0.8, 12);
    let report = evaluate(&samples, &a, Some(&b), &options()).unwrap();
    assert!(report.against.unwrap().delta.auc.p.unwrap() > 0.05);
}

#[test]
fn order_and_threads_change_nothing() {
    let samples = samples(60);
    let a = contender("a", &samples, 0.7, 4);
    let first = evaluate(&samples, &a, None, &options()).unwrap();
    assert_eq!(evaluate(&samples, &a, None, &options()).unwrap(), first);
    let reversed: Vec<_> = samples.iter().rev().cloned().collect();
    let scores = a.scores.iter().rev().copied().collect();
    let other = evaluate(&reversed, &Contender { scores, ..a }, None, &options()).unwrap();
    assert_eq!(other.metrics.auc.value, first.metrics.auc.value);
    assert_eq!(other.slices.keys().collect::<Vec<_>>(), first.slices.keys().collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let samples = samples(4);
    let a = contender("a", &samples, 0.5, 1);
    assert_eq!(evaluate(&[], &a, None, &options()), Err(EvalError::NoRows));
    let short = Contender { scores: vec![0.1], ..a.clone() };
    assert!(matches!(evaluate(&samples, &short, None, &options()), Err(EvalError::Count { .. })));
    let nan = Contender { scores: vec![0.1, f64::NAN, 0.1, 0.2], ..a };
    match evaluate(&samples, &nan, None, &options()) {
        Err(EvalError::Score { id, .. }) => assert_eq!(id, "r1"),
        other => panic!("{other:?}"),
    }
}
