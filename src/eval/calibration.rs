//! From raw log-odds to probabilities that can be believed.

use super::metrics::{Bin, ECE_BINS, Ranking, reliability};
use crate::domain::sigmoid;

/// `calibrated log-odds = slope · raw log-odds + shift`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Platt {
    pub slope: f64,
    pub shift: f64,
}

/// Newton steps at most; a dozen is the rule.
const STEPS: usize = 100;

impl Platt {
    /// Platt scaling: slope and shift that make the labels most likely, with Platt's targets
    /// (n₊+1)/(n₊+2) and 1/(n₋+2), which keep the fit finite on separable data.
    ///
    /// `None` without both labels or with log-odds that are not finite.
    pub fn fit(logits: &[f64], labels: &[bool]) -> Option<Self> {
        newton(logits, labels, true)
    }

    /// Temperature scaling: a slope (1 / temperature) without a shift.
    ///
    /// `None` as for [`Self::fit`].
    pub fn fit_temperature(logits: &[f64], labels: &[bool]) -> Option<Self> {
        newton(logits, labels, false)
    }

    /// The calibrated log-odds.
    pub fn apply(self, logit: f64) -> f64 {
        self.slope * logit + self.shift
    }
}

/// ln(1 + eˣ) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn newton(logits: &[f64], labels: &[bool], with_shift: bool) -> Option<Platt> {
    let positives = labels.iter().filter(|l| **l).count() as f64;
    let negatives = labels.len() as f64 - positives;
    let usable = positives > 0.0 && negatives > 0.0 && logits.iter().all(|x| x.is_finite());
    if !usable || logits.len() != labels.len() {
        return None;
    }
    let high = (positives + 1.0) / (positives + 2.0);
    let low = 1.0 / (negatives + 2.0);
    let rows: Vec<(f64, f64)> =
        logits.iter().zip(labels).map(|(x, l)| (*x, if *l { high } else { low })).collect();
    let loss = |at: Platt| -> f64 {
        rows.iter().map(|(x, t)| softplus(at.apply(*x)) - t * at.apply(*x)).sum()
    };
    // From the flat line, where no row is saturated: the loss is convex, so the start is free.
    let shift = if with_shift { ((positives + 1.0) / (negatives + 1.0)).ln() } else { 0.0 };
    let mut at = Platt { slope: 0.0, shift };
    let mut now = loss(at);
    for _ in 0..STEPS {
        let Some((d_slope, d_shift)) = step(&rows, at, with_shift) else { break };
        let mut size = 1.0;
        let better = loop {
            let next = Platt { slope: at.slope - size * d_slope, shift: at.shift - size * d_shift };
            let then = loss(next);
            if then < now {
                break Some((next, then));
            }
            size /= 2.0;
            if size < 1e-6 {
                break None;
            }
        };
        let Some((next, then)) = better else { break };
        let done = now - then < 1e-12 * now.abs().max(1.0);
        (at, now) = (next, then);
        if done {
            break;
        }
    }
    Some(at)
}

/// The Newton step, Hessian⁻¹ · gradient.
fn step(rows: &[(f64, f64)], at: Platt, with_shift: bool) -> Option<(f64, f64)> {
    let (mut g0, mut g1) = (0.0, 0.0);
    let (mut h00, mut h01, mut h11) = (1e-9, 0.0, 1e-9);
    for (x, target) in rows {
        let p = sigmoid(at.apply(*x));
        let w = p * (1.0 - p);
        g0 += (p - target) * x;
        g1 += p - target;
        h00 += w * x * x;
        h01 += w * x;
        h11 += w;
    }
    let step = if with_shift {
        let det = h00 * h11 - h01 * h01;
        ((h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det)
    } else {
        (g0 / h00, 0.0)
    };
    (step.0.is_finite() && step.1.is_finite()).then_some(step)
}

/// The reliability table: [`ECE_BINS`] bins of equal mass, lowest score first.
pub fn reliability_table(scores: &[f64], labels: &[bool]) -> Vec<Bin> {
    let rows: Vec<usize> = (0..scores.len()).collect();
    reliability(&Ranking::new(scores, labels, &rows).blocks(), ECE_BINS.min(scores.len().max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::logit;

    /// 100 rows at each of three log-odds, with the given positives.
    fn table(positives: [usize; 3]) -> (Vec<f64>, Vec<bool>) {
        let mut logits = Vec::new();
        let mut labels = Vec::new();
        for (x, n) in [-2.0, 0.0, 2.0].into_iter().zip(positives) {
            for i in 0..100 {
                logits.push(x);
                labels.push(i < n);
            }
        }
        (logits, labels)
    }

    #[test]
    fn platt_finds_the_line_that_made_the_labels() {
        // Rates of sigmoid(x/2 + 1) at −2, 0, 2 are 0.5, 0.731, 0.881.
        let (logits, labels) = table([50, 73, 88]);
        let fit = Platt::fit(&logits, &labels).unwrap();
        assert!((fit.slope - 0.5).abs() < 0.03 && (fit.shift - 1.0).abs() < 0.03, "{fit:?}");
    }

    #[test]
    fn temperature_keeps_one_half_in_place() {
        let (logits, labels) = table([27, 50, 73]);
        let fit = Platt::fit_temperature(&logits, &labels).unwrap();
        assert!((fit.slope - 0.5).abs() < 0.03, "{fit:?}");
        assert!(fit.apply(0.0).abs() < 1e-12);
    }

    #[test]
    fn separable_and_extreme_data_stay_finite() {
        let logits = [-20.0, -19.0, 19.0, 20.0];
        let fit = Platt::fit(&logits, &[false, false, true, true]).unwrap();
        assert!(fit.slope.is_finite() && fit.slope > 0.0);
        // Two of each label: Platt's target for the positives is 3/4.
        assert!((fit.apply(20.0) - logit(0.75)).abs() < 0.1, "{fit:?}");
        assert_eq!(Platt::fit(&logits, &[true; 4]), None);
        assert_eq!(Platt::fit(&[f64::NAN, 0.0], &[true, false]), None);
        let wrong = Platt::fit(&logits, &[true, true, false, false]).unwrap();
        assert!(wrong.slope < 0.0);
    }

    #[test]
    fn the_table_has_a_bin_for_each_fifteenth() {
        let scores: Vec<f64> = (0..30).map(|i| f64::from(i) / 30.0).collect();
        let labels: Vec<bool> = (0..30).map(|i| i >= 15).collect();
        let table = reliability_table(&scores, &labels);
        assert_eq!(table.len(), 15);
        assert!(table.iter().all(|b| (b.n - 2.0).abs() < 1e-9));
        assert!(reliability_table(&[], &[]).is_empty());
    }
}
