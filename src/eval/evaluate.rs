use std::collections::{BTreeMap, HashMap};

use super::bootstrap::{Bootstrap, CONFIDENCE, delta, interval};
use super::calibration::reliability_table;
use super::metrics::{Metrics, Ranking};
use super::report::{
    Against, BandCount, BootstrapInfo, DatasetInfo, Delta, Interval, ModelInfo, Report, SliceReport,
};
use super::slices::{Population, Sample, populations};
use crate::domain::Band;

/// A scorer and what it said of each sample.
#[derive(Debug, Clone)]
pub struct Contender {
    pub model: ModelInfo,
    /// Probabilities, in the samples' order.
    pub scores: Vec<f64>,
    /// The bands, in the samples' order; empty for a scorer without bands.
    pub bands: Vec<Band>,
}

/// What is measured on, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The dataset's name and the SHA-256 of its bytes, for the record.
    pub dataset: String,
    pub sha256: String,
    pub bootstrap: Bootstrap,
}

/// Why nothing could be measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    #[error("nothing to evaluate: the dataset has no rows")]
    NoRows,
    #[error("{model}: {got} {what} for {want} rows")]
    Count { model: String, what: &'static str, got: usize, want: usize },
    #[error("{model}: row {id:?} has score {score}, want a number from 0 to 1")]
    Score { model: String, id: String, score: f64 },
    #[error("report.html: {0}")]
    Page(String),
}

/// Measures `model` on `samples`, whole and by slice, with intervals by group; and its difference
/// to `against` in the same bootstrap rounds.
///
/// # Errors
/// Without rows, or when a contender's scores or bands are not one each for the samples, or not
/// probabilities.
pub fn evaluate(
    samples: &[Sample],
    model: &Contender,
    against: Option<&Contender>,
    options: &Options,
) -> Result<Report, EvalError> {
    if samples.is_empty() {
        return Err(EvalError::NoRows);
    }
    for contender in std::iter::once(model).chain(against) {
        check(samples, contender)?;
    }
    let labels: Vec<bool> = samples.iter().map(|s| s.label).collect();
    let groups = dense(samples.iter().map(|s| s.group));
    let populations = populations(samples);
    let ours = Measure::new(&populations, model, &labels);
    let theirs = against.map(|a| Measure::new(&populations, a, &labels));
    let rounds = options.bootstrap.rounds(&groups, |weights| {
        (ours.weighted(weights), theirs.as_ref().map(|t| t.weighted(weights)))
    });
    let (our_rounds, their_rounds): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
    let their_rounds: Vec<_> = their_rounds.into_iter().flatten().collect();
    let (metrics, slices) = ours.report(&populations, &labels, &our_rounds);
    let against = theirs.zip(against).map(|(theirs, contender)| {
        let pair =
            Pair { plain: (&ours.plain(), &theirs.plain()), rounds: (&our_rounds, &their_rounds) };
        let (metrics, slices) = theirs.report(&populations, &labels, &their_rounds);
        let by_slice = populations.iter().enumerate().skip(1);
        Against {
            model: contender.model.clone(),
            metrics,
            slices,
            delta: Metrics::from_fn(|metric| pair.delta(0, metric)),
            slice_auc_delta: by_slice.map(|(at, p)| (p.name.clone(), pair.delta(at, 0))).collect(),
            attack_delta: BTreeMap::new(),
        }
    });
    Ok(Report {
        dataset: DatasetInfo {
            name: options.dataset.clone(),
            sha256: options.sha256.clone(),
            n: samples.len(),
            positives: labels.iter().filter(|l| **l).count(),
            groups: groups.iter().max().map_or(0, |max| max + 1),
        },
        model: model.model.clone(),
        metrics,
        slices,
        against,
        bands: band_counts(&model.bands, &labels),
        reliability: reliability_table(&model.scores, &labels),
        attacks: None,
        ordinary: None,
        bootstrap: BootstrapInfo {
            rounds: options.bootstrap.rounds,
            seed: options.bootstrap.seed,
            confidence: CONFIDENCE,
        },
    })
}

fn check(samples: &[Sample], contender: &Contender) -> Result<(), EvalError> {
    let (got, want) = (contender.bands.len(), samples.len());
    if got != 0 && got != want {
        let model = contender.model.id.clone();
        return Err(EvalError::Count { model, what: "bands", got, want });
    }
    check_scores(samples, &contender.model.id, &contender.scores)
}

/// Whether `scores` are one probability for each sample.
pub(super) fn check_scores(
    samples: &[Sample],
    model: &str,
    scores: &[f64],
) -> Result<(), EvalError> {
    let (got, want) = (scores.len(), samples.len());
    if got != want {
        return Err(EvalError::Count { model: model.to_owned(), what: "scores", got, want });
    }
    match scores.iter().position(|s| !(0.0..=1.0).contains(s)) {
        Some(row) => Err(EvalError::Score {
            model: model.to_owned(),
            id: samples[row].id.clone(),
            score: scores[row],
        }),
        None => Ok(()),
    }
}

/// The groups renumbered from 0 in order of appearance.
pub(super) fn dense(groups: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut numbers = HashMap::new();
    groups
        .map(|g| {
            let next = numbers.len();
            *numbers.entry(g).or_insert(next)
        })
        .collect()
}

type Values = Vec<Metrics<Option<f64>>>;

/// One contender's rankings of every population.
struct Measure {
    /// The ranking for rank metrics, and that of the slice's own rows where it differs.
    rankings: Vec<(Ranking, Option<Ranking>)>,
}

impl Measure {
    fn new(populations: &[Population], contender: &Contender, labels: &[bool]) -> Self {
        let rank = |rows: &[usize]| Ranking::new(&contender.scores, labels, rows);
        let rankings = populations
            .iter()
            .map(|p| (rank(&p.ranked), p.one_label.then(|| rank(&p.own))))
            .collect();
        Self { rankings }
    }

    fn values(&self, blocks: impl Fn(&Ranking) -> Vec<super::metrics::Block>) -> Values {
        let values = self.rankings.iter().map(|(ranked, own)| {
            let ranked = blocks(ranked);
            match own {
                Some(own) => Metrics::from_blocks(&ranked, &blocks(own)),
                None => Metrics::from_blocks(&ranked, &ranked),
            }
        });
        values.collect()
    }

    fn plain(&self) -> Values {
        self.values(Ranking::blocks)
    }

    fn weighted(&self, weights: &[u32]) -> Values {
        self.values(|r| r.weighted(weights))
    }

    fn report(
        &self,
        populations: &[Population],
        labels: &[bool],
        rounds: &[Values],
    ) -> (Metrics<Interval>, BTreeMap<String, SliceReport>) {
        let plain = self.plain();
        let intervals = |population: usize| {
            Metrics::from_fn(|metric| {
                let of = |values: &Values| *values[population].to_array()[metric];
                interval(of(&plain), &rounds.iter().map(of).collect::<Vec<_>>())
            })
        };
        let slices = populations.iter().enumerate().skip(1).map(|(at, p)| {
            let report = SliceReport {
                n: p.own.len(),
                positives: p.own.iter().filter(|r| labels[**r]).count(),
                one_label: p.one_label,
                metrics: intervals(at),
            };
            (p.name.clone(), report)
        });
        (intervals(0), slices.collect())
    }
}

/// Two contenders' values of every population, and the same in each round.
struct Pair<'a> {
    plain: (&'a Values, &'a Values),
    rounds: (&'a [Values], &'a [Values]),
}

impl Pair<'_> {
    /// The difference in one metric of [`Metrics::to_array`] on one population.
    fn delta(&self, population: usize, metric: usize) -> Delta {
        let of = |a: &Values, b: &Values| {
            let (a, b) = (a[population].to_array()[metric], b[population].to_array()[metric]);
            a.zip(*b).map(|(a, b)| a - b)
        };
        let rounds: Vec<_> =
            self.rounds.0.iter().zip(self.rounds.1).map(|(a, b)| of(a, b)).collect();
        delta(of(self.plain.0, self.plain.1), &rounds)
    }
}

fn band_counts(bands: &[Band], labels: &[bool]) -> Vec<BandCount> {
    if bands.is_empty() {
        return Vec::new();
    }
    let all = labels.iter().filter(|l| **l).count();
    let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
    let (mut called, mut found) = (0, 0);
    let counts = Band::ALL.iter().rev().map(|band| {
        let inside = bands.iter().zip(labels).filter(|(b, _)| *b == band);
        let n = inside.clone().count();
        let positives = inside.filter(|(_, l)| **l).count();
        called += n;
        found += positives;
        BandCount {
            band: *band,
            n,
            positives,
            precision: share(positives, n),
            recall: share(found, all),
            false_positive_rate: share(called - found, labels.len() - all),
        }
    });
    counts.collect()
}

#[cfg(test)]
mod tests;
