//! The promotion gate: may a candidate take the place of the model in use?
//!
//! A pure function of a report and limits. A comparison counts only beyond noise, which is when
//! the whole interval of the paired difference lies on the wrong side of the limit; there are many
//! slices and attacks, and by chance alone some of them would always be a little worse. What
//! should have been measured and was not fails.

use serde::Serialize;

use super::report::{Against, Delta, Interval, Report, SliceReport};
use crate::config::GateLimits;

/// One thing that was asked of the candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The rule, such as `slice_loss`.
    pub name: &'static str,
    /// What the rule was applied to: a metric, a slice, an attack; `None` for the model as a whole.
    pub subject: Option<String>,
    pub passed: bool,
    /// What was measured, with its interval where it has one.
    #[serde(flatten)]
    pub figure: Interval,
    pub limit: Option<f64>,
    /// The outcome in words.
    pub why: String,
    /// How far the figure is on the right side of the limit; `None` where nothing could be said.
    #[serde(skip)]
    pub margin: Option<f64>,
}

impl Check {
    /// A check of a plain fact, without figures.
    pub fn fact(name: &'static str, passed: bool, why: impl Into<String>) -> Self {
        let figure = Interval::default();
        Self { name, subject: None, passed, figure, limit: None, why: why.into(), margin: None }
    }

    /// A check that `figure` is at most `limit`.
    pub fn at_most(name: &'static str, figure: f64, limit: f64, why: [&str; 2]) -> Self {
        Self::new(name, only(Some(figure)), limit, Some(limit - figure), why)
    }

    /// Passes when the margin is at least 0; `why` is what to say then, and otherwise.
    fn new(
        name: &'static str,
        figure: Interval,
        limit: f64,
        margin: Option<f64>,
        why: [&str; 2],
    ) -> Self {
        // A margin that is no number fails.
        let passed = margin.is_some_and(|m| m >= 0.0);
        let why = why[usize::from(!passed)].to_owned();
        Self { name, subject: None, passed, figure, limit: Some(limit), why, margin }
    }

    fn of(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    /// Nothing can be said, and that is no fault of the candidate.
    fn excused(self, why: &str) -> Self {
        Self { passed: true, why: why.to_owned(), margin: None, ..self }
    }
}

/// Everything that was asked of the candidate.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Verdict {
    pub checks: Vec<Check>,
}

impl Verdict {
    /// Whether the candidate may be promoted: something was checked and nothing failed.
    pub fn passed(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|c| c.passed)
    }

    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|c| !c.passed)
    }
}

/// Judges the candidate that `report` is of, against the model in use if the report has one.
pub fn judge(report: &Report, limits: &GateLimits) -> Verdict {
    let mut checks = vec![rows(report, limits), floor(report, limits), ece(report, limits)];
    checks.extend(report.slices.iter().map(|(name, slice)| slice_floor(name, slice, limits)));
    if let Some(against) = &report.against {
        checks.extend(not_worse(against));
        checks.extend(report.slices.keys().map(|name| slice_loss(name, against, limits)));
        checks.extend(attack_losses(report, against, limits));
    }
    Verdict { checks }
}

fn only(value: Option<f64>) -> Interval {
    Interval { value, low: None, high: None }
}

fn interval(delta: &Delta) -> Interval {
    Interval { value: delta.value, low: delta.low, high: delta.high }
}

fn rows(report: &Report, limits: &GateLimits) -> Check {
    let (got, want) = (report.dataset.n as f64, limits.min_rows as f64);
    let why = ["enough to tell models apart", "too few to tell models apart"];
    Check::new("rows", only(Some(got)), want, Some(got - want), why)
}

fn floor(report: &Report, limits: &GateLimits) -> Check {
    let auc = report.metrics.auc;
    let why = ["on all rows", "too low, or the rows have one label only"];
    Check::new("auc", auc, limits.min_auc, auc.value.map(|v| v - limits.min_auc), why)
}

fn ece(report: &Report, limits: &GateLimits) -> Check {
    let ece = report.metrics.ece;
    let margin = ece.low.map(|low| limits.max_ece - low);
    let why = ["not above the limit beyond noise", "above the limit beyond noise"];
    Check::new("ece", ece, limits.max_ece, margin, why)
}

fn slice_floor(name: &str, slice: &SliceReport, limits: &GateLimits) -> Check {
    let auc = slice.metrics.auc;
    let margin = auc.value.map(|v| v - limits.slice_min_auc);
    let why = ["at least the floor", "under the floor"];
    let check = Check::new("slice_auc", auc, limits.slice_min_auc, margin, why).of(name);
    // The rarer label decides how much an AUC can mean.
    let rows = match slice.one_label {
        true => slice.n,
        false => slice.positives.min(slice.n - slice.positives),
    };
    if rows < limits.slice_rows { check.excused("too few rows for a floor") } else { check }
}

/// A loss to the model in use, as a difference below zero.
fn loss(name: &'static str, delta: &Delta, most: f64) -> Check {
    let why =
        ["no greater loss than the limit beyond noise", "loses more than the limit beyond noise"];
    Check::new(name, interval(delta), -most, delta.high.map(|high| high + most), why)
}

fn not_worse(against: &Against) -> impl Iterator<Item = Check> {
    let delta = &against.delta;
    let metrics = [
        ("auc", &delta.auc),
        ("average_precision", &delta.average_precision),
        ("recall_at_fpr_1pct", &delta.recall_at_fpr_1pct),
    ];
    metrics.into_iter().map(|(metric, delta)| {
        let why = ["not worse than the model in use", "worse than the model in use beyond noise"];
        Check::new("not_worse", interval(delta), 0.0, delta.high, why).of(metric)
    })
}

fn slice_loss(name: &str, against: &Against, limits: &GateLimits) -> Check {
    let delta = against.slice_auc_delta.get(name).copied();
    let check = loss("slice_loss", &delta.unwrap_or_default(), limits.slice_max_loss).of(name);
    match delta {
        None => Check { why: "not compared".to_owned(), ..check },
        Some(Delta { high: None, .. }) => check.excused("too few rows to tell"),
        Some(_) => check,
    }
}

fn attack_losses(report: &Report, against: &Against, limits: &GateLimits) -> Vec<Check> {
    let attacks = report.attacks.iter().flatten();
    let mut checks = Vec::new();
    for (name, attack) in attacks.filter(|(_, a)| a.held_out) {
        let one = |delta: &Delta| loss("attack_loss", delta, limits.attack_max_loss);
        let Some(deltas) = against.attack_delta.get(name) else {
            let check = one(&Delta::default()).of(name.as_str());
            checks.push(Check { why: "not compared".to_owned(), ..check });
            continue;
        };
        // A disguise that is seen helps. To be helped less than a model that needed it more is no loss.
        let gained = |own: Option<f64>| own.is_some_and(|delta| delta >= 0.0);
        let judged = |delta: &Delta, own: Option<f64>, of: String| match one(delta).of(of) {
            check if gained(own) => check.excused("costs the candidate nothing"),
            check => check,
        };
        checks.push(judged(&deltas.auc, attack.delta.value, name.clone()));
        checks.extend(deltas.slices.iter().map(|(slice, delta)| {
            let own = attack.slices.get(slice).and_then(|s| s.delta);
            let check = judged(delta, own, format!("{name} on {slice}"));
            if delta.high.is_none() { check.excused("too few rows to tell") } else { check }
        }));
    }
    if checks.is_empty() {
        checks.push(Check::fact(
            "attack_loss",
            false,
            "no attack unknown to training was measured",
        ));
    }
    checks
}

#[cfg(test)]
mod tests;
