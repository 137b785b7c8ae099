//! Two scorers under the same attacks: whom do they cost more?

use std::collections::BTreeMap;

use super::attacks::{Attacked, own_slices};
use super::bootstrap::{Bootstrap, delta};
use super::evaluate::{Contender, EvalError, check_scores, dense};
use super::metrics::{Ranking, auc};
use super::report::AttackDelta;
use super::slices::{Population, Sample};

/// A scorer on the rows as they are, and under attacks.
#[derive(Debug, Clone, Copy)]
pub struct UnderAttack<'a> {
    pub clean: &'a Contender,
    pub attacked: &'a [Attacked],
}

/// What each attack costs `model` less what it costs `against`.
///
/// Whole and by the samples' own slice, for the attacks that both were under. All four scores of a
/// bootstrap round come from the same draw of groups.
///
/// # Errors
/// When scores are not one for each sample, or not probabilities.
pub fn compare_attacks(
    samples: &[Sample],
    model: UnderAttack<'_>,
    against: UnderAttack<'_>,
    bootstrap: Bootstrap,
) -> Result<BTreeMap<String, AttackDelta>, EvalError> {
    for UnderAttack { clean, attacked } in [model, against] {
        check_scores(samples, &clean.model.id, &clean.scores)?;
        for attack in attacked {
            let name = format!("{} under {}", clean.model.id, attack.name);
            check_scores(samples, &name, &attack.scores)?;
        }
    }
    let labels: Vec<bool> = samples.iter().map(|s| s.label).collect();
    let groups = dense(samples.iter().map(|s| s.group));
    let populations = own_slices(samples);
    let both = |name: &str| {
        let find = |of: UnderAttack<'_>| of.attacked.iter().any(|a| a.name == name);
        find(model) && find(against)
    };
    let names: Vec<&str> =
        model.attacked.iter().map(|a| a.name.as_str()).filter(|name| both(name)).collect();
    let ours = Costs::new(model, &names, &populations, &labels);
    let theirs = Costs::new(against, &names, &populations, &labels);
    let plain = less(&ours.plain(), &theirs.plain());
    let rounds = bootstrap
        .rounds(&groups, |weights| less(&ours.weighted(weights), &theirs.weighted(weights)));
    let deltas = names.iter().enumerate().map(|(attack, name)| {
        let of = |population: usize| {
            let rounds: Vec<_> = rounds.iter().map(|costs| costs[attack][population]).collect();
            delta(plain[attack][population], &rounds)
        };
        let slices = populations.iter().enumerate().skip(1);
        let slices = slices.map(|(at, p)| (p.name.clone(), of(at))).collect();
        ((*name).to_owned(), AttackDelta { auc: of(0), slices })
    });
    Ok(deltas.collect())
}

/// By attack and population; `None` where a population makes no ranking.
type Values = Vec<Vec<Option<f64>>>;

fn less(ours: &Values, theirs: &Values) -> Values {
    let less = |(a, b): (&Option<f64>, &Option<f64>)| a.zip(*b).map(|(a, b)| a - b);
    let attack = |(a, b): (&Vec<_>, &Vec<_>)| a.iter().zip(b).map(less).collect();
    ours.iter().zip(theirs).map(attack).collect()
}

/// One scorer's rankings of every population.
struct Costs {
    clean: Vec<Ranking>,
    attacked: Vec<Vec<Ranking>>,
}

impl Costs {
    fn new(
        of: UnderAttack<'_>,
        names: &[&str],
        populations: &[Population],
        labels: &[bool],
    ) -> Self {
        let rank = |scores: &[f64]| -> Vec<Ranking> {
            populations.iter().map(|p| Ranking::new(scores, labels, &p.ranked)).collect()
        };
        let attack = |name: &&str| of.attacked.iter().find(|a| a.name == **name);
        let attacked = names.iter().filter_map(attack).map(|a| rank(&a.scores));
        Self { clean: rank(&of.clean.scores), attacked: attacked.collect() }
    }

    fn values(&self, auc: impl Fn(&Ranking) -> Option<f64>) -> Values {
        let clean: Vec<_> = self.clean.iter().map(&auc).collect();
        let costs = |attacked: &Vec<Ranking>| {
            let after = attacked.iter().map(&auc);
            after.zip(&clean).map(|(after, clean)| after.zip(*clean).map(|(a, c)| a - c)).collect()
        };
        self.attacked.iter().map(costs).collect()
    }

    fn plain(&self) -> Values {
        self.values(|ranking| auc(&ranking.blocks()))
    }

    fn weighted(&self, weights: &[u32]) -> Values {
        self.values(|ranking| auc(&ranking.weighted(weights)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{AttackSort, ModelInfo, measure_attacks};

    const BOOTSTRAP: Bootstrap = Bootstrap { rounds: 200, seed: 3 };

    /// Rows 0, 2, 4 … are positive, of slice `open`; the others of slice `plain`.
    fn samples() -> Vec<Sample> {
        let sample = |i: usize| Sample {
            id: format!("r{i}"),
            label: i.is_multiple_of(2),
            group: i / 3,
            slices: vec![
                if i.is_multiple_of(2) { "open" } else { "plain" }.into(),
                "lang:vi".into(),
            ],
            ..Sample::default()
        };
        (0..120).map(sample).collect()
    }

    /// A scorer that is mostly right; `step` makes one differ from another.
    fn clean(id: &str, step: usize) -> Contender {
        let score = |i: usize| if i.is_multiple_of(2) { 0.4 } else { 0.3 } + ((i * step) % 10) as f64 / 50.0;
        Contender {
            model: ModelInfo { id: id.into(), weights_sha256: None },
            scores: (0..120).map(score).collect(),
            bands: Vec::new(),
        }
    }

    /// One positive in `every` falls to the bottom.
    fn attacked(name: &str, clean: &Contender, every: usize) -> Attacked {
        let score = |(i, s): (usize, &f64)| if i.is_multiple_of(2 * every) { 0.0 } else { *s };
        Attacked {
            name: name.into(),
            held_out: true,
            sort: AttackSort::Disguise,
            changed: 60,
            scores: clean.scores.iter().enumerate().map(score).collect(),
        }
    }

    #[test]
    fn the_difference_is_that_of_the_two_reports() {
        let samples = samples();
        let (ours, theirs) = (clean("ours", 7), clean("theirs", 3));
        let hit = [attacked("a", &ours, 2), attacked("b", &ours, 3)];
        let spared = [attacked("a", &theirs, 6), attacked("c", &theirs, 2)];
        let got = compare_attacks(
            &samples,
            UnderAttack { clean: &ours, attacked: &hit },
            UnderAttack { clean: &theirs, attacked: &spared },
            BOOTSTRAP,
        )
        .unwrap();
        assert_eq!(got.keys().collect::<Vec<_>>(), ["a"], "only what both were under");
        let report = |clean: &Contender, attacked: &[Attacked]| {
            measure_attacks(&samples, clean, attacked, BOOTSTRAP).unwrap().remove("a").unwrap()
        };
        let (a, b) = (report(&ours, &hit), report(&theirs, &spared));
        let near = |got: Option<f64>, a: Option<f64>, b: Option<f64>| {
            assert!((got.unwrap() - (a.unwrap() - b.unwrap())).abs() < 1e-12, "{got:?}");
        };
        near(got["a"].auc.value, a.delta.value, b.delta.value);
        assert_eq!(got["a"].slices.keys().collect::<Vec<_>>(), ["open", "plain"]);
        near(got["a"].slices["open"].value, a.slices["open"].delta, b.slices["open"].delta);
        assert!(got["a"].auc.high.unwrap() < 0.0, "{:?}", got["a"].auc);
        let json = serde_json::to_value(&got["a"]).unwrap();
        assert_eq!(serde_json::from_value::<AttackDelta>(json).unwrap(), got["a"]);
    }

    #[test]
    fn a_scorer_is_hit_as_hard_as_itself() {
        let ours = clean("ours", 7);
        let hit = [attacked("a", &ours, 2)];
        let side = UnderAttack { clean: &ours, attacked: &hit };
        let got = compare_attacks(&samples(), side, side, BOOTSTRAP).unwrap();
        let none = got["a"].slices["plain"];
        assert_eq!((none.low, none.value, none.high), (Some(0.0), Some(0.0), Some(0.0)));
    }

    #[test]
    fn scores_must_be_one_for_each_sample() {
        let ours = clean("ours", 7);
        let mut short = attacked("a", &ours, 2);
        short.scores.pop();
        let side = UnderAttack { clean: &ours, attacked: &[short] };
        let error = compare_attacks(&samples(), side, side, BOOTSTRAP).unwrap_err();
        assert_eq!(error.to_string(), "ours under a: 119 scores for 120 rows");
    }
}
