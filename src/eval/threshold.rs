//! Thresholds from what the reviewers can bear.

use serde::{Deserialize, Serialize};

use super::metrics::{Block, Ranking};
use crate::domain::Thresholds;

/// What the bands may cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Largest share of the negatives that may be `high`.
    pub high_false_positives: f64,
    /// Smallest share of the positives that must be `review` or `high`.
    pub review_recall: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { high_false_positives: 0.01, review_recall: 0.95 }
    }
}

/// What a threshold does on the rows it was chosen on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Operating {
    /// Lowest score that is called.
    pub score: f64,
    pub recall: f64,
    pub false_positive_rate: f64,
    /// `None` when nothing is called.
    pub precision: Option<f64>,
    /// Share of all rows that are called.
    pub share: f64,
}

/// The thresholds and what they do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chosen {
    pub thresholds: Thresholds,
    pub review: Operating,
    pub high: Operating,
}

/// Why no thresholds could be chosen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ThresholdError {
    #[error(
        "thresholds need rows of both labels, got {positives} positives and {negatives} negatives"
    )]
    OneLabel { positives: f64, negatives: f64 },
    #[error("{name} must be between 0 and 1, got {value}")]
    Share { name: &'static str, value: f64 },
    #[error("scores must lie strictly between 0 and 1")]
    Score,
}

/// Chooses the thresholds of the bands.
///
/// `high` is the smallest observed score at which the share of negatives at or above it is within
/// the budget; `review` the largest observed score that keeps the recall, or `high` where that is
/// smaller.
///
/// # Errors
/// Without both labels, with shares outside 0..=1, or scores outside 0 < s < 1.
pub fn choose(scores: &[f64], labels: &[bool], budget: Budget) -> Result<Chosen, ThresholdError> {
    for (name, value) in [
        ("high_false_positives", budget.high_false_positives),
        ("review_recall", budget.review_recall),
    ] {
        if !(0.0..=1.0).contains(&value) {
            return Err(ThresholdError::Share { name, value });
        }
    }
    let rows: Vec<usize> = (0..scores.len()).collect();
    let blocks = Ranking::new(scores, labels, &rows).blocks();
    let points = operating_points(&blocks)?;
    // Above every score nothing is called: the way out when the top score is a negative's.
    let top = f64::midpoint(blocks[0].score, 1.0);
    let none = Operating {
        score: top,
        recall: 0.0,
        false_positive_rate: 0.0,
        precision: None,
        share: 0.0,
    };
    let within = |p: &&Operating| p.false_positive_rate <= budget.high_false_positives;
    let high = points.iter().take_while(within).last().copied().unwrap_or(none);
    let enough = |p: &&Operating| p.recall >= budget.review_recall;
    let keeps = points.iter().find(enough).copied().unwrap_or(high);
    let review = if keeps.score < high.score { keeps } else { high };
    let thresholds = Thresholds::new(review.score, high.score).ok_or(ThresholdError::Score)?;
    Ok(Chosen { thresholds, review, high })
}

/// Each distinct score as a threshold, highest first.
fn operating_points(blocks: &[Block]) -> Result<Vec<Operating>, ThresholdError> {
    let positives: f64 = blocks.iter().map(|b| b.positives).sum();
    let negatives: f64 = blocks.iter().map(|b| b.negatives).sum();
    if positives <= 0.0 || negatives <= 0.0 {
        return Err(ThresholdError::OneLabel { positives, negatives });
    }
    let (mut found, mut wrong) = (0.0, 0.0);
    let points = blocks.iter().map(|b| {
        found += b.positives;
        wrong += b.negatives;
        Operating {
            score: b.score,
            recall: found / positives,
            false_positive_rate: wrong / negatives,
            precision: Some(found / (found + wrong)),
            share: (found + wrong) / (positives + negatives),
        }
    });
    Ok(points.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 8] = [0.95, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.1];
    const LABELS: [bool; 8] = [true, true, false, true, false, true, false, false];

    fn choose_with(high_false_positives: f64, review_recall: f64) -> (f64, f64) {
        let budget = Budget { high_false_positives, review_recall };
        let t = choose(&SCORES, &LABELS, budget).unwrap().thresholds;
        (t.review(), t.high())
    }

    #[test]
    fn thresholds_meet_the_budget() {
        assert_eq!(choose_with(0.0, 0.75), (0.7, 0.9));
        assert_eq!(choose_with(0.25, 1.0), (0.4, 0.7));
        // The recall is had above `high` already: both are the same.
        assert_eq!(choose_with(0.5, 0.5), (0.4, 0.4));
        let chosen =
            choose(&SCORES, &LABELS, Budget { high_false_positives: 0.25, review_recall: 1.0 });
        let high = chosen.unwrap().high;
        assert_eq!(
            (high.recall, high.false_positive_rate, high.precision),
            (0.75, 0.25, Some(0.75))
        );
    }

    #[test]
    fn a_negative_on_top_leaves_nothing_high() {
        let chosen = choose(&[0.9, 0.5], &[false, true], Budget::default()).unwrap();
        assert_eq!((chosen.thresholds.review(), chosen.thresholds.high()), (0.5, 0.95));
        assert_eq!(chosen.high.precision, None);
    }

    #[test]
    fn what_cannot_be_chosen_is_said() {
        let budget = Budget::default();
        assert!(matches!(choose(&[0.5], &[true], budget), Err(ThresholdError::OneLabel { .. })));
        assert!(matches!(choose(&[], &[], budget), Err(ThresholdError::OneLabel { .. })));
        assert_eq!(choose(&[1.0, 0.2], &[true, false], budget), Err(ThresholdError::Score));
        let budget = Budget { review_recall: 1.5, ..budget };
        assert!(matches!(choose(&SCORES, &LABELS, budget), Err(ThresholdError::Share { .. })));
    }
}
