//! A scorer on rows that were changed by attacks, against itself on the rows as they are.
//!
//! What the attacks do to a listing is `dataset`'s; here are only labels and scores. Both scores
//! of a bootstrap round come from the same draw of groups, so the difference is a paired one.

use std::collections::BTreeMap;

use super::bootstrap::{Bootstrap, delta, interval};
use super::evaluate::{Contender, EvalError, check_scores, dense};
use super::metrics::{Ranking, auc};
use super::report::{AttackReport, AttackSlice, AttackSort};
use super::slices::{Population, Sample, populations};

/// What a scorer said of the rows under one attack.
#[derive(Debug, Clone, PartialEq)]
pub struct Attacked {
    pub name: String,
    pub held_out: bool,
    pub sort: AttackSort,
    /// Rows whose text the attack changed.
    pub changed: usize,
    /// Probabilities, in the samples' order; of rows that stay as they are, the clean ones.
    pub scores: Vec<f64>,
}

/// Measures each attack on `samples`, whole and by the samples' own slice (the first they name).
///
/// # Errors
/// When scores are not one for each sample, or not probabilities.
pub fn measure_attacks(
    samples: &[Sample],
    clean: &Contender,
    attacked: &[Attacked],
    bootstrap: Bootstrap,
) -> Result<BTreeMap<String, AttackReport>, EvalError> {
    check_scores(samples, &clean.model.id, &clean.scores)?;
    for attack in attacked {
        check_scores(
            samples,
            &format!("{} under {}", clean.model.id, attack.name),
            &attack.scores,
        )?;
    }
    let labels: Vec<bool> = samples.iter().map(|s| s.label).collect();
    let groups = dense(samples.iter().map(|s| s.group));
    let populations = own_slices(samples);
    let rank = |scores: &[f64], rows: &[usize]| Ranking::new(scores, &labels, rows);
    let whole = &populations[0].ranked;
    let before = rank(&clean.scores, whole);
    let after: Vec<Ranking> = attacked.iter().map(|a| rank(&a.scores, whole)).collect();
    let rounds: Vec<(Option<f64>, Vec<Option<f64>>)> = bootstrap.rounds(&groups, |weights| {
        let of = |ranking: &Ranking| auc(&ranking.weighted(weights));
        (of(&before), after.iter().map(of).collect())
    });
    let plain = |scores: &[f64], p: &Population| auc(&rank(scores, &p.ranked).blocks());
    let less = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a - b);
    let reports = attacked.iter().enumerate().map(|(at, attack)| {
        let values: Vec<Option<f64>> = rounds.iter().map(|(_, after)| after[at]).collect();
        let differences: Vec<Option<f64>> =
            rounds.iter().map(|(before, after)| less(after[at], *before)).collect();
        let value = auc(&after[at].blocks());
        let slices = populations[1..].iter().map(|p| {
            let auc = plain(&attack.scores, p);
            (p.name.clone(), AttackSlice { auc, delta: less(auc, plain(&clean.scores, p)) })
        });
        let report = AttackReport {
            held_out: attack.held_out,
            sort: attack.sort,
            changed: attack.changed,
            auc: interval(value, &values),
            delta: delta(less(value, auc(&before.blocks())), &differences),
            slices: slices.collect(),
        };
        (attack.name.clone(), report)
    });
    Ok(reports.collect())
}

/// The whole, and the slices that samples name first.
pub(super) fn own_slices(samples: &[Sample]) -> Vec<Population> {
    let own: Vec<Sample> = samples
        .iter()
        .map(|s| Sample {
            label: s.label,
            slices: s.slices.iter().take(1).cloned().collect(),
            ..Sample::default()
        })
        .collect();
    populations(&own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::ModelInfo;

    const BOOTSTRAP: Bootstrap = Bootstrap { rounds: 200, seed: 3 };

    /// Rows 0, 2, 4 … are positive, of slice `open`; the others of slice `plain`.
    fn samples(n: usize) -> Vec<Sample> {
        (0..n)
            .map(|i| Sample {
                id: format!("r{i}"),
                label: i % 2 == 0,
                group: i / 3,
                slices: vec![if i % 2 == 0 { "open" } else { "plain" }.into(), "lang:vi".into()],
                ..Sample::default()
            })
            .collect()
    }

    fn clean(samples: &[Sample]) -> Contender {
        let score = |(i, s): (usize, &Sample)| {
            0.3 + 0.1 * f64::from(u8::from(s.label)) + ((i * 7) % 10) as f64 / 50.0
        };
        Contender {
            model: ModelInfo { id: "m".into(), weights_sha256: None },
            scores: samples.iter().enumerate().map(score).collect(),
            bands: Vec::new(),
        }
    }

    fn attacked(name: &str, scores: Vec<f64>) -> Attacked {
        let sort = AttackSort::Disguise;
        Attacked { name: name.into(), held_out: true, sort, changed: 7, scores }
    }

    #[test]
    fn an_attack_that_changes_no_score_makes_no_difference() {
        let samples = samples(120);
        let clean = clean(&samples);
        let same = attacked("same", clean.scores.clone());
        let got = &measure_attacks(&samples, &clean, &[same], BOOTSTRAP).unwrap()["same"];
        assert_eq!(
            (got.delta.value, got.delta.low, got.delta.high),
            (Some(0.0), Some(0.0), Some(0.0))
        );
        assert_eq!((got.delta.p, got.changed, got.held_out), (Some(1.0), 7, true));
        assert_eq!(got.slices.keys().collect::<Vec<_>>(), ["open", "plain"]);
        assert_eq!(got.slices["open"].delta, Some(0.0));
        assert!(got.auc.low < got.auc.value && got.auc.value < got.auc.high);
    }

    #[test]
    fn a_disguise_that_works_lowers_the_auc_and_shows_in_its_slice() {
        let samples = samples(120);
        let clean = clean(&samples);
        // A quarter of the positives fall to the bottom.
        let hidden = (0..120).map(|i| if i % 8 == 0 { 0.0 } else { clean.scores[i] }).collect();
        let all = [attacked("hidden", hidden), attacked("none", vec![0.5; 120])];
        let got = measure_attacks(&samples, &clean, &all, BOOTSTRAP).unwrap();
        let hidden = &got["hidden"];
        assert!(hidden.delta.high.unwrap() < 0.0 && hidden.delta.p.unwrap() < 0.02, "{hidden:?}");
        assert_eq!(hidden.slices["open"].auc, hidden.auc.value);
        assert_eq!(got["none"].auc.value, Some(0.5));
        let json = serde_json::to_value(hidden).unwrap();
        assert_eq!(
            (json["sort"].as_str(), json["held_out"].as_bool()),
            (Some("disguise"), Some(true))
        );
        assert_eq!(serde_json::from_value::<AttackReport>(json).unwrap(), *hidden);
    }

    #[test]
    fn scores_must_be_one_for_each_sample() {
        let samples = samples(6);
        let short = attacked("short", vec![0.5; 5]);
        let error = measure_attacks(&samples, &clean(&samples), &[short], BOOTSTRAP).unwrap_err();
        assert_eq!(error.to_string(), "m under short: 5 scores for 6 rows");
    }
}
