//! The page's tables of attacks and of ordinary listings.

use std::cmp::Reverse;

use serde::Serialize;

use super::{number, percent, signed, with_bounds};
use crate::eval::chart;
use crate::eval::ordinary::{BandShares, OrdinaryReport, SourceScores};
use crate::eval::report::{AttackReport, Interval, Report};

#[derive(Serialize)]
pub(super) struct AttackRow {
    name: String,
    sort: &'static str,
    held_out: bool,
    changed: usize,
    auc: String,
    whisker: String,
    delta: String,
    p: String,
    verdict: &'static str,
    worst: String,
    /// What the attack costs less what it costs the other model.
    against: String,
}

/// Disguises before styles, and of each sort those first that cost most.
pub(super) fn attack_rows(report: &Report) -> Vec<AttackRow> {
    let mut attacks: Vec<(&String, &AttackReport)> = report.attacks.iter().flatten().collect();
    attacks.sort_by(|(_, a), (_, b)| {
        let delta = |a: &AttackReport| a.delta.value.unwrap_or(f64::INFINITY);
        a.sort.as_str().cmp(b.sort.as_str()).then(delta(a).total_cmp(&delta(b)))
    });
    let rows = attacks.into_iter().map(|(name, a)| AttackRow {
        name: name.replace('_', " "),
        sort: a.sort.as_str(),
        held_out: a.held_out,
        changed: a.changed,
        auc: with_bounds(&a.auc),
        whisker: a.auc.value.map_or_else(String::new, |value| {
            chart::whisker(value, a.auc.low.zip(a.auc.high), (0.5, 1.0))
        }),
        delta: signed(&a.delta),
        p: number(a.delta.p),
        verdict: super::verdict(&a.delta, true),
        worst: worst_slice(a),
        against: report
            .against
            .as_ref()
            .and_then(|other| other.attack_delta.get(name))
            .map(|d| signed(&d.auc))
            .unwrap_or_default(),
    });
    rows.collect()
}

/// The slice that lost most, where one lost anything.
fn worst_slice(attack: &AttackReport) -> String {
    let lost = attack.slices.iter().filter_map(|(name, s)| Some((name, s.delta?, s.auc?)));
    let worst = lost.filter(|(_, delta, _)| *delta < 0.0).min_by(|a, b| a.1.total_cmp(&b.1));
    worst.map_or_else(
        || "–".to_owned(),
        |(name, delta, auc)| format!("{} {delta:+.3}, to {auc:.3}", name.replace('_', " ")),
    )
}

#[derive(Serialize)]
pub(super) struct Ordinary<'a> {
    report: &'a OrdinaryReport,
    quantiles: Vec<String>,
    rows: Vec<OrdinaryRow<'a>>,
}

#[derive(Serialize)]
struct OrdinaryRow<'a> {
    name: &'a str,
    n: usize,
    high: String,
    review: String,
    mean: String,
    quantiles: Vec<String>,
}

/// The whole first, then brands' goods, then the sources, largest first.
pub(super) fn ordinary(report: &Report) -> Option<Ordinary<'_>> {
    let report = report.ordinary.as_ref()?;
    let names: Vec<String> = report.all.quantiles.keys().cloned().collect();
    let row = |name, shares: &BandShares, scores: Option<&SourceScores>| OrdinaryRow {
        name,
        n: shares.n,
        high: share(&shares.high),
        review: share(&shares.review),
        mean: scores.map(|s| number(s.mean)).unwrap_or_default(),
        quantiles: names
            .iter()
            .map(|q| scores.map(|s| number(s.quantiles.get(q).copied())).unwrap_or_default())
            .collect(),
    };
    let mut sources: Vec<_> = report.sources.iter().collect();
    sources.sort_by_key(|(_, s)| Reverse(s.shares.n));
    let rows = [
        row("All", &report.all.shares, Some(&report.all)),
        row("Brands’ goods at a plausible price", &report.branded, None),
    ];
    let sources = sources.into_iter().map(|(name, s)| row(name, &s.shares, Some(s)));
    let rows = rows.into_iter().chain(sources).collect();
    let quantiles = names.iter().map(|q| q.replace('p', "").trim_start_matches('0').to_owned());
    Some(Ordinary { report, quantiles: quantiles.collect(), rows })
}

fn share(share: &Interval) -> String {
    match (share.low, share.high) {
        (Some(low), Some(high)) => {
            format!("{} ({:.1} to {:.1})", percent(share.value), 100.0 * low, 100.0 * high)
        }
        _ => percent(share.value),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::eval::report::{AttackSlice, AttackSort};

    #[test]
    fn the_worst_slice_is_the_one_that_lost_most() {
        let slice = |auc, delta| AttackSlice { auc: Some(auc), delta: Some(delta) };
        let mut attack = AttackReport {
            held_out: false,
            sort: AttackSort::Style,
            changed: 1,
            auc: Interval::default(),
            delta: crate::eval::Delta::default(),
            slices: BTreeMap::from([
                ("open_terms".to_owned(), slice(0.8, -0.1)),
                ("pledge".to_owned(), slice(0.9, 0.02)),
                ("silent_price".to_owned(), slice(0.7, -0.05)),
            ]),
        };
        assert_eq!(worst_slice(&attack), "open terms -0.100, to 0.800");
        attack.slices.remove("open_terms");
        attack.slices.remove("silent_price");
        assert_eq!(worst_slice(&attack), "–");
    }
}
