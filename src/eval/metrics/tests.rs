use proptest::prelude::*;

use super::*;

fn blocks(rows: &[(f64, bool)]) -> Vec<Block> {
    let scores: Vec<f64> = rows.iter().map(|r| r.0).collect();
    let labels: Vec<bool> = rows.iter().map(|r| r.1).collect();
    Ranking::new(&scores, &labels, &(0..rows.len()).collect::<Vec<_>>()).blocks()
}

fn near(got: Option<f64>, want: f64) {
    assert!(got.is_some_and(|g| (g - want).abs() < 1e-12), "{got:?}, want {want}");
}

/// Highest first: + − + + − (one tie: the second and third row both at 0.7).
fn five() -> Vec<Block> {
    blocks(&[(0.9, true), (0.7, false), (0.7, true), (0.4, true), (0.1, false)])
}

#[test]
fn auc_counts_ties_half() {
    // Six pairs: 0.9 beats both (2), 0.7+ ties one and beats one (1.5), 0.4 beats one (1).
    near(auc(&five()), 4.5 / 6.0);
    assert_eq!(auc(&blocks(&[(0.3, true)])), None);
}

#[test]
fn average_precision_steps_over_distinct_scores() {
    // Thresholds 0.9: 1/1, 0.7: 2/3, 0.4: 3/4, each adding a third of the recall.
    near(average_precision(&five()), (1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0);
    assert_eq!(average_precision(&blocks(&[(0.3, false)])), None);
}

#[test]
fn precision_at_k_shares_a_tie() {
    near(precision_at(&five(), 1.0), 1.0);
    // The first, and one of a tied pair with one positive: (1 + 0.5) / 2.
    near(precision_at(&five(), 2.0), 0.75);
    near(precision_at(&five(), 5.0), 0.6);
    assert_eq!(precision_at(&five(), 6.0), None);
}

#[test]
fn recall_at_fpr_stays_within_it() {
    near(recall_at_fpr(&five(), 0.0), 1.0 / 3.0);
    near(recall_at_fpr(&five(), 0.49), 1.0 / 3.0);
    near(recall_at_fpr(&five(), 0.5), 1.0);
    // A hundred negatives allow one.
    let mut rows = vec![(0.95, false), (0.9, true), (0.8, false), (0.7, true)];
    rows.extend((0..98).map(|i| (0.001 * f64::from(i), false)));
    near(recall_at_fpr(&blocks(&rows), MAX_FPR), 0.5);
}

#[test]
fn calibration_error_is_the_mean_gap_of_the_bins() {
    // Two bins of two: {0.1, 0.3} with 1 of 2 positive, {0.6, 0.8} with 2 of 2.
    let b = blocks(&[(0.1, false), (0.3, true), (0.6, true), (0.8, true)]);
    near(ece(&b, 2), (f64::abs(0.2 - 0.5) + f64::abs(0.7 - 1.0)) / 2.0);
    // All tied: every bin has the same mean, so one gap remains.
    let b = blocks(&[(0.5, false), (0.5, true), (0.5, true), (0.5, true)]);
    near(ece(&b, 3), 0.25);
    assert_eq!(ece(&b, 5), None);
    // Three rows in two bins: the middle row is split between them.
    let b = blocks(&[(0.0, false), (0.5, true), (1.0, true)]);
    let bins = reliability(&b, 2);
    near(Some(bins[0].predicted), 0.25 / 1.5);
    near(Some(bins[0].observed), 0.5 / 1.5);
    near(Some(bins[1].predicted), 1.25 / 1.5);
    assert_eq!(bins.len(), 2);
}

#[test]
fn losses_are_means_over_rows() {
    let b = blocks(&[(0.8, true), (0.3, false)]);
    near(brier(&b), (0.04 + 0.09) / 2.0);
    near(log_loss(&b), -(f64::ln(0.8) + f64::ln(0.7)) / 2.0);
    assert!(log_loss(&blocks(&[(0.0, true)])).is_some_and(f64::is_finite));
    assert_eq!((brier(&[]), log_loss(&[])), (None, None));
}

#[test]
fn names_follow_the_fields() {
    let json = serde_json::to_value(Metrics::<usize>::from_fn(|i| i)).unwrap();
    for (i, name) in Metrics::<usize>::NAMES.iter().enumerate() {
        assert_eq!(json[name], i);
        assert_eq!(*Metrics::from_fn(|i| i).to_array()[i], i);
    }
}

fn rows() -> impl Strategy<Value = Vec<(f64, bool)>> {
    // Few distinct scores, so that ties are common.
    prop::collection::vec((0_u32..20, any::<bool>()), 1..80)
        .prop_map(|v| v.into_iter().map(|(s, l)| (f64::from(s) / 20.0, l)).collect())
}

proptest! {
    #[test]
    fn metrics_do_not_depend_on_order(rows in rows(), seed in any::<u64>()) {
        let mut other = rows.clone();
        let mut random = crate::eval::SplitMix64::new(seed);
        for i in (1..other.len()).rev() {
            other.swap(i, random.below(i + 1));
        }
        let of = |rows: &[(f64, bool)]| {
            let b = blocks(rows);
            Metrics::from_blocks(&b, &b)
        };
        prop_assert_eq!(of(&rows), of(&other));
    }

    #[test]
    fn auc_of_reversed_scores_is_the_rest_to_one(rows in rows()) {
        let reversed: Vec<_> = rows.iter().map(|(s, l)| (1.0 - s, *l)).collect();
        if let (Some(a), Some(b)) = (auc(&blocks(&rows)), auc(&blocks(&reversed))) {
            prop_assert!((a + b - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn auc_is_the_share_of_pairs(rows in rows()) {
        let (mut won, mut pairs) = (0.0, 0.0);
        for (p, _) in rows.iter().filter(|r| r.1) {
            for (n, _) in rows.iter().filter(|r| !r.1) {
                pairs += 1.0;
                won += match p.total_cmp(n) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        match auc(&blocks(&rows)) {
            Some(a) => prop_assert!((a - won / pairs).abs() < 1e-12),
            None => prop_assert!(pairs < 0.5),
        }
    }

    #[test]
    fn a_weight_of_two_is_the_row_twice(rows in rows(), at in any::<prop::sample::Index>()) {
        let at = at.index(rows.len());
        let mut twice = rows.clone();
        twice.push(rows[at]);
        let scores: Vec<f64> = rows.iter().map(|r| r.0).collect();
        let labels: Vec<bool> = rows.iter().map(|r| r.1).collect();
        let mut weights = vec![1; rows.len()];
        weights[at] = 2;
        let ranking = Ranking::new(&scores, &labels, &(0..rows.len()).collect::<Vec<_>>());
        prop_assert_eq!(ranking.weighted(&weights), blocks(&twice));
    }
}
