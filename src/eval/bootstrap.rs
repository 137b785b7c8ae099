//! Intervals and tests by resampling whole groups.
//!
//! Rows of one group (a seller, a family of wordings) are not independent, so a round draws as
//! many groups as there are, with replacement, and counts every row of a group as often as the
//! group was drawn. All metrics and both scorers of a comparison are read from the same round.

use super::random::SplitMix64;
use super::report::{Delta, Interval};
use crate::preprocess::map_batch;

/// How much to resample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    pub rounds: usize,
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { rounds: 1000, seed: 0 }
    }
}

/// Confidence of the intervals.
pub const CONFIDENCE: f64 = 0.95;

/// An interval is left out when more than this share of the rounds had no value.
const MAX_UNDEFINED: f64 = 0.1;

impl Bootstrap {
    /// Calls `f` with the rows' counts in each round; results in the rounds' order, the same for
    /// any number of threads. `groups[i]` is the group of row `i`, counted from 0.
    pub fn rounds<T: Send>(
        self,
        groups: &[usize],
        f: impl Fn(&[u32]) -> T + Sync + Send,
    ) -> Vec<T> {
        let count = groups.iter().max().map_or(0, |max| max + 1);
        let rounds: Vec<u64> = (0..self.rounds as u64).collect();
        map_batch(&rounds, |round| {
            // Mixed once more: neighbouring seeds of SplitMix64 would share their streams.
            let start = SplitMix64::new(self.seed ^ round.rotate_left(32)).next_u64();
            let mut random = SplitMix64::new(start);
            let mut drawn = vec![0_u32; count];
            for _ in 0..count {
                drawn[random.below(count)] += 1;
            }
            let weights: Vec<u32> = groups.iter().map(|g| drawn[*g]).collect();
            f(&weights)
        })
    }
}

/// The percentile interval around `value`.
pub fn interval(value: Option<f64>, rounds: &[Option<f64>]) -> Interval {
    let (low, high) = bounds(rounds).unzip();
    match value {
        Some(_) => Interval { value, low, high },
        None => Interval::default(),
    }
}

/// The difference `value` with its interval and the two-sided p of "there is none".
///
/// p = 2 · (1 + the rounds on the rarer side of zero) / (rounds + 1), at most 1, where a round
/// with no difference counts on both sides.
pub fn delta(value: Option<f64>, rounds: &[Option<f64>]) -> Delta {
    let (Some(_), Some((low, high))) = (value, bounds(rounds)) else {
        return Delta { value, ..Delta::default() };
    };
    let defined = rounds.iter().flatten();
    let above = defined.clone().filter(|d| **d >= 0.0).count();
    let below = defined.clone().filter(|d| **d <= 0.0).count();
    let p = 2.0 * (1 + above.min(below)) as f64 / (defined.count() + 1) as f64;
    Delta { value, low: Some(low), high: Some(high), p: Some(p.min(1.0)) }
}

fn bounds(rounds: &[Option<f64>]) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = rounds.iter().flatten().copied().collect();
    let undefined = (rounds.len() - values.len()) as f64;
    if values.is_empty() || undefined > MAX_UNDEFINED * rounds.len() as f64 {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    Some((quantile(&values, tail), quantile(&values, 1.0 - tail)))
}

/// Linear between neighbours; `sorted` is not empty.
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_groups_are_drawn_and_a_seed_repeats() {
        let groups = [0, 0, 1, 2, 2, 2, 3];
        let plan = Bootstrap { rounds: 200, seed: 5 };
        let rounds = plan.rounds(&groups, <[u32]>::to_vec);
        for w in &rounds {
            assert!(w[0] == w[1] && w[3] == w[4] && w[4] == w[5], "{w:?}");
            assert_eq!(w[0] + w[2] + w[3] + w[6], 4);
        }
        assert_eq!(rounds, plan.rounds(&groups, <[u32]>::to_vec));
        let other = Bootstrap { seed: 6, ..plan };
        assert_ne!(rounds, other.rounds(&groups, <[u32]>::to_vec));
        assert!(rounds.iter().any(|w| w[0] == 0) && rounds.iter().any(|w| w[0] > 1));
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_textbook() {
        // 400 rows of which 120 are 1: standard error √(0.3·0.7/400) = 0.0229, ±1.96 of it.
        let groups: Vec<usize> = (0..400).collect();
        let mean = |w: &[u32]| Some(f64::from(w[..120].iter().sum::<u32>()) / 400.0);
        let rounds = Bootstrap { rounds: 2000, seed: 1 }.rounds(&groups, mean);
        let got = interval(Some(0.3), &rounds);
        assert!((got.low.unwrap() - 0.2551).abs() < 0.006, "{got:?}");
        assert!((got.high.unwrap() - 0.3449).abs() < 0.006, "{got:?}");
    }

    #[test]
    fn p_counts_the_rounds_across_zero() {
        let rounds: Vec<_> = (0..99).map(|i| Some(f64::from(i) - 1.5)).collect();
        let got = delta(Some(30.0), &rounds);
        // Two of 99 rounds are below zero: 2 · (1 + 2) / 100.
        assert!((got.p.unwrap() - 0.06).abs() < 1e-12);
        assert_eq!(delta(Some(0.0), &[Some(0.0); 50]).p, Some(1.0));
        assert_eq!(delta(None, &[None; 50]), Delta::default());
        let half: Vec<_> = (0..10).map(|i| (i % 2 == 0).then_some(1.0)).collect();
        assert_eq!(
            interval(Some(1.0), &half),
            Interval { value: Some(1.0), low: None, high: None }
        );
    }
}
