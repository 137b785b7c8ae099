//! Character n-grams and a logistic regression: what a text classifier costs an afternoon.
//!
//! A learned floor beside the keyword list: it sees the same labelled rows as a model, and of a
//! listing only title and description, with no knowledge of brands, wording or prices. A feature
//! is a run of 1 to 5 characters of a lower-case word with its edges, hashed; its value is
//! (1 + ln count) · idf, every listing brought to length 1. The weights minimise
//!
//! ```text
//! ½‖w‖² + C · Σ ln(1 + exp(−yᵢ wᵀxᵢ)),   yᵢ = ±1
//! ```
//!
//! by coordinate descent in the dual (Yu, Huang and Lin 2011, "Dual coordinate descent methods
//! for logistic regression and maximum entropy models", algorithm 5), in an order drawn from a
//! fixed seed. C is the one of a list with the least log loss on other rows.

use super::metrics::{Ranking, log_loss};
use super::random::SplitMix64;
use super::slices::Sample;
use crate::domain::sigmoid;
use crate::preprocess::{hash_str, map_batch, mix};

/// The baseline's name where a model's id is expected.
pub const NAME: &str = "ngram";

/// Longest run of characters.
const LONGEST: usize = 5;
/// Features are hashed into 2 to this power; what falls together shares a weight.
const BITS: u32 = 20;
const BUCKETS: usize = 1 << BITS;
/// Value of the feature that every listing has.
const CONSTANT: f64 = 1.0;

/// Tried for C, strongest regularisation first.
const STRENGTHS: [f64; 8] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
/// Passes over the rows, at most.
const MAX_PASSES: usize = 300;
/// Largest slope of the dual at which a solution counts as found.
const TOLERANCE: f64 = 1e-3;
const SEED: u64 = 1;

/// The baseline cannot be trained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NgramError {
    #[error("{what}: {positives} of {n} rows are counterfeit, want some of each label")]
    OneLabel { what: &'static str, n: usize, positives: usize },
}

/// Index and value of a listing's features, by index.
type Row = Vec<(u32, f64)>;

/// The trained baseline.
#[derive(Debug, Clone)]
pub struct NgramBaseline {
    idf: Vec<f32>,
    weights: Vec<f32>,
    constant: f64,
    strength: f64,
}

impl NgramBaseline {
    /// Learns from `train`, with C chosen on `valid`. The same rows in the same order give the
    /// same weights.
    ///
    /// # Errors
    /// When either has rows of one label only.
    pub fn fit(train: &[Sample], valid: &[Sample]) -> Result<Self, NgramError> {
        for (what, samples) in [("train", train), ("valid", valid)] {
            let (n, positives) = (samples.len(), samples.iter().filter(|s| s.label).count());
            if positives == 0 || positives == n {
                return Err(NgramError::OneLabel { what, n, positives });
            }
        }
        let counts = map_batch(train, counts_of);
        let idf = idf(&counts);
        let rows: Vec<Row> = counts.into_iter().map(|c| weigh(c, &idf)).collect();
        let labels: Vec<bool> = train.iter().map(|s| s.label).collect();
        let held_out: Vec<Row> = map_batch(valid, |s| weigh(counts_of(s), &idf));
        let valid_labels: Vec<bool> = valid.iter().map(|s| s.label).collect();
        let tried = map_batch(&STRENGTHS, |strength| {
            let (weights, constant) = solve(&rows, &labels, *strength);
            let scores: Vec<f64> =
                held_out.iter().map(|x| sigmoid(dot(&weights, x) + constant)).collect();
            let all: Vec<usize> = (0..scores.len()).collect();
            let loss = log_loss(&Ranking::new(&scores, &valid_labels, &all).blocks());
            (loss.unwrap_or(f64::INFINITY), *strength, weights, constant)
        });
        let best = tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        let (_, strength, weights, constant) = best.unwrap_or_default();
        let weights = weights.into_iter().map(|w| w as f32).collect();
        Ok(Self { idf, weights, constant, strength })
    }

    /// The chance that the listing is counterfeit, between 0 and 1.
    pub fn score(&self, title: &str, description: Option<&str>) -> f64 {
        let row = weigh(counts(title, description), &self.idf);
        let sum: f64 = row.iter().map(|(i, v)| f64::from(self.weights[*i as usize]) * v).sum();
        sigmoid(sum + self.constant)
    }

    /// The C that was chosen; larger is less regularised.
    pub fn strength(&self) -> f64 {
        self.strength
    }
}

fn counts_of(sample: &Sample) -> Row {
    counts(&sample.title, sample.description.as_deref())
}

/// How often each feature occurs.
fn counts(title: &str, description: Option<&str>) -> Row {
    let mut buckets: Vec<u32> = Vec::new();
    for text in std::iter::once(title).chain(description) {
        for word in text.to_lowercase().split_whitespace() {
            grams(word, |gram| buckets.push(bucket(gram)));
        }
    }
    buckets.sort_unstable();
    let runs = buckets.chunk_by(|a, b| a == b);
    runs.map(|run| (run[0], run.len() as f64)).collect()
}

/// The runs of characters of a word with a space on either side.
fn grams(word: &str, mut each: impl FnMut(&str)) {
    let edged = format!(" {word} ");
    let ends: Vec<usize> = edged.char_indices().map(|(i, _)| i).chain([edged.len()]).collect();
    for length in 1..=LONGEST.min(ends.len() - 1) {
        for window in ends.windows(length + 1) {
            let gram = &edged[window[0]..window[length]];
            if gram != " " {
                each(gram);
            }
        }
    }
}

fn bucket(gram: &str) -> u32 {
    let bits = mix(hash_str(0, gram)) >> (64 - BITS);
    u32::try_from(bits).unwrap_or(0)
}

/// ln((1 + rows) / (1 + rows with the feature)) + 1 of each bucket.
fn idf(rows: &[Row]) -> Vec<f32> {
    let mut seen = vec![0_u32; BUCKETS];
    for (index, _) in rows.iter().flatten() {
        seen[*index as usize] += 1;
    }
    let n = rows.len() as f64;
    seen.into_iter().map(|s| (((1.0 + n) / (1.0 + f64::from(s))).ln() + 1.0) as f32).collect()
}

fn weigh(mut row: Row, idf: &[f32]) -> Row {
    for (index, value) in &mut row {
        *value = (1.0 + value.ln()) * f64::from(idf[*index as usize]);
    }
    let length = row.iter().map(|(_, v)| v * v).sum::<f64>().sqrt();
    for (_, value) in &mut row {
        *value /= length.max(f64::MIN_POSITIVE);
    }
    row
}

fn dot(weights: &[f64], row: &Row) -> f64 {
    row.iter().map(|(i, v)| weights[*i as usize] * v).sum()
}

/// Weights and constant for one C.
fn solve(rows: &[Row], labels: &[bool], c: f64) -> (Vec<f64>, f64) {
    let mut random = SplitMix64::new(SEED);
    let mut weights = vec![0.0; BUCKETS];
    let mut constant = 0.0;
    // Each row's dual variable and what is left of C, kept apart so that neither is lost to
    // rounding near its border.
    let start = (0.001 * c).min(1e-8);
    let mut alpha: Vec<[f64; 2]> = vec![[start, c - start]; rows.len()];
    let sign = |i: usize| if labels[i] { 1.0 } else { -1.0 };
    let mut push = |weights: &mut Vec<f64>, i: usize, by: f64| {
        for (index, value) in &rows[i] {
            weights[*index as usize] += by * value;
        }
        constant += by * CONSTANT * CONSTANT;
        constant
    };
    let mut sum = 0.0;
    for i in 0..rows.len() {
        sum = push(&mut weights, i, sign(i) * start);
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut inner = 1e-2;
    for _ in 0..MAX_PASSES {
        random.shuffle(&mut order);
        let (mut steepest, mut steps) = (0.0_f64, 0);
        for i in order.iter().copied() {
            let length = rows[i].iter().map(|(_, v)| v * v).sum::<f64>() + CONSTANT * CONSTANT;
            let slope = sign(i) * (dot(&weights, &rows[i]) + sum);
            let found = step(&mut alpha[i], Coordinate { c, length, slope }, inner);
            steepest = steepest.max(found.steepness);
            steps += found.steps;
            if found.steps > 0 {
                sum = push(&mut weights, i, sign(i) * found.change);
            }
        }
        if steepest < TOLERANCE {
            break;
        }
        if steps <= rows.len() / 10 {
            inner = (0.1 * inner).max(1e-8);
        }
    }
    (weights, sum)
}

/// One dual variable's problem: z ln z + (C − z) ln (C − z) + ½ length (z − old)² + slope (z − old).
#[derive(Debug, Clone, Copy)]
struct Coordinate {
    c: f64,
    length: f64,
    slope: f64,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    /// Of the dual variable.
    change: f64,
    steepness: f64,
    steps: usize,
}

/// Newton's method on one coordinate, from the side on which it cannot overshoot.
fn step(alpha: &mut [f64; 2], at: Coordinate, tolerance: f64) -> Step {
    let Coordinate { c, length, slope } = at;
    let (near, sign) =
        if 0.5 * length * (alpha[1] - alpha[0]) + slope < 0.0 { (1, -1.0) } else { (0, 1.0) };
    let old = alpha[near];
    let mut z = if c - old < 0.5 * c { 0.1 * old } else { old };
    let gradient = |z: f64| length * (z - old) + sign * slope + (z / (c - z)).ln();
    let mut g = gradient(z);
    let steepness = g.abs();
    let mut steps = 0;
    while steps < 100 && g.abs() >= tolerance {
        let next = z - g / (length + c / (c - z) / z);
        z = if next <= 0.0 { 0.1 * z } else { next };
        g = gradient(z);
        steps += 1;
    }
    if steps == 0 {
        return Step { change: 0.0, steepness, steps };
    }
    alpha[near] = z;
    alpha[1 - near] = c - z;
    Step { change: sign * (z - old), steepness, steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(n: usize, from: usize) -> Vec<Sample> {
        (from..from + n)
            .map(|i| {
                let label = i % 2 == 0;
                let word = if label { "rep 1:1" } else { "chính hãng" };
                Sample {
                    label,
                    title: format!("Giày số {} {word}", i * 37 % 101),
                    description: (i % 3 == 0).then(|| format!("size {}", 36 + i % 8)),
                    ..Sample::default()
                }
            })
            .collect()
    }

    #[test]
    fn runs_know_the_edges_of_words() {
        let mut got = Vec::new();
        grams("rep", |g| got.push(g.to_owned()));
        let want =
            ["r", "e", "p", " r", "re", "ep", "p ", " re", "rep", "ep ", " rep", "rep ", " rep "];
        assert_eq!(got, want);
        assert_eq!(counts("Rep", None), counts("rep", None));
        assert_ne!(counts("rep", None), counts("repair", None));
        let twice = counts("rep", Some("rep"));
        assert!(twice.iter().all(|(_, n)| (*n - 2.0).abs() < 1e-12));
    }

    #[test]
    fn the_solver_finds_the_minimum() {
        // Two features and a constant: at the minimum the gradient
        // w − C Σ (1 − σ(yᵢ wᵀxᵢ)) yᵢ xᵢ is zero.
        let rows: Vec<Row> = vec![
            vec![(0, 1.0)],
            vec![(0, 0.6), (1, 0.8)],
            vec![(1, 1.0)],
            vec![(0, -0.8), (1, 0.6)],
            vec![(0, 1.0)],
        ];
        let labels = [true, true, false, false, false];
        for c in [0.1, 1.0, 50.0] {
            let (w, constant) = solve(&rows, &labels, c);
            let mut gradient = [w[0], w[1], constant];
            for (row, label) in rows.iter().zip(labels) {
                let y = if label { 1.0 } else { -1.0 };
                let pull = c * y * sigmoid(-y * (dot(&w, row) + constant));
                for (i, v) in row {
                    gradient[*i as usize] -= pull * v;
                }
                gradient[2] -= pull;
            }
            assert!(gradient.iter().all(|g| g.abs() < 0.01 * c.max(1.0)), "{c}: {gradient:?}");
        }
    }

    #[test]
    fn it_learns_what_tells_the_labels_apart_the_same_every_time() {
        let (train, valid) = (samples(60, 0), samples(20, 60));
        let fit = NgramBaseline::fit(&train, &valid).unwrap();
        assert!(fit.score("Túi mới rep 1:1", None) > 0.8);
        assert!(fit.score("Túi mới", Some("hàng chính hãng")) < 0.2);
        let neither = fit.score("???", None);
        assert!((0.2..0.8).contains(&neither), "{neither}");
        let again = NgramBaseline::fit(&train, &valid).unwrap();
        assert_eq!((fit.weights == again.weights, fit.strength), (true, again.strength));
        assert!(STRENGTHS.contains(&fit.strength()));
    }

    #[test]
    fn noise_is_regularised_more() {
        let mut random = SplitMix64::new(5);
        let mut noisy = samples(60, 0);
        let mut valid = samples(40, 60);
        for sample in noisy.iter_mut().chain(&mut valid) {
            sample.label = random.one_in(2);
        }
        let noisy = NgramBaseline::fit(&noisy, &valid).unwrap().strength();
        let clear = NgramBaseline::fit(&samples(60, 0), &samples(40, 60)).unwrap().strength();
        assert!(noisy < clear, "{noisy} {clear}");
    }

    #[test]
    fn one_label_teaches_nothing() {
        let same: Vec<Sample> = samples(8, 0).into_iter().filter(|s| s.label).collect();
        let error = NgramBaseline::fit(&same, &samples(8, 0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "train: 4 of 4 rows are counterfeit, want some of each label"
        );
    }
}
