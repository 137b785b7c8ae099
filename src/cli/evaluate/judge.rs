//! Who is measured: a model, or one of the baselines.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::super::error::Hint as _;
use super::super::model::{self, TierChoice, Wanted};
use super::super::output;
use crate::config;
use crate::dataset::{Row, load_rows, samples};
use crate::domain::{Band, Limits, Listing};
use crate::eval::ngram_baseline::{self, NgramBaseline};
use crate::eval::{Contender, ModelInfo, Sample, regex_baseline};
use crate::preprocess::map_batch;
use crate::scoring::{Ask, Assess, Detail};

/// Where the n-gram baseline learns: the rows, and those on which it chooses its regularisation.
#[derive(Debug)]
pub(super) struct Lessons {
    train: Vec<Sample>,
    valid: Vec<Sample>,
}

/// Rows that are scored at a time.
const TOGETHER: usize = 256;

/// One group in so many is set apart where there is no file for it.
const APART: usize = 5;

impl Lessons {
    /// `train` is a file; without it `dataset` must be a folder. `valid.jsonl` is looked for beside
    /// the training rows; where there is none, a fifth of their groups takes its place.
    pub(super) fn read(dataset: &Path, train: Option<&Path>) -> anyhow::Result<Self> {
        let train = match train {
            Some(file) => file.to_owned(),
            None if dataset.is_dir() => dataset.join("train.jsonl"),
            None => {
                return Err(anyhow::anyhow!(
                    "nothing to train the {} baseline on",
                    ngram_baseline::NAME
                ))
                .hint("--train FILE names its rows; a dataset's folder has them in train.jsonl");
            }
        };
        let rows = |path: &Path| {
            let rows = load_rows(path).hint("--train FILE names the rows to train the baseline on");
            rows.map(|rows| samples(&rows))
        };
        let valid = train.with_file_name("valid.jsonl");
        let learned = rows(&train)?;
        if valid.is_file() && valid != train {
            return Ok(Self { train: learned, valid: rows(&valid)? });
        }
        let (valid, train) = learned.into_iter().partition(|s| s.group % APART == 0);
        Ok(Self { train, valid })
    }
}

/// Scores listings.
#[derive(Debug)]
pub(super) enum Judge {
    Model { scorer: Arc<dyn Assess>, tier: TierChoice },
    Regex,
    Ngram(Box<NgramBaseline>),
}

impl Judge {
    /// A baseline by its name, or a model by id or folder; `None` is the model in use.
    pub(super) fn load(
        name: Option<&str>,
        scoring: &config::Scoring,
        tier: TierChoice,
        lessons: impl FnOnce() -> anyhow::Result<Lessons>,
    ) -> anyhow::Result<Self> {
        match name {
            Some(regex_baseline::NAME) => Ok(Self::Regex),
            Some(ngram_baseline::NAME) => {
                let Lessons { train, valid } = lessons()?;
                let baseline = NgramBaseline::fit(&train, &valid)?;
                output::note(&format!(
                    "{} learned from {} rows; C = {} was best on {} others",
                    ngram_baseline::NAME,
                    train.len(),
                    baseline.strength(),
                    valid.len()
                ));
                Ok(Self::Ngram(Box::new(baseline)))
            }
            name => {
                let scorer = model::load(&Wanted::new(scoring.clone(), name, tier))?;
                Ok(Self::Model { scorer, tier })
            }
        }
    }

    pub(super) fn info(&self) -> ModelInfo {
        let baseline = |id: &str| ModelInfo { id: id.to_owned(), weights_sha256: None };
        match self {
            Self::Model { scorer, .. } => ModelInfo {
                id: scorer.model().id.to_string(),
                weights_sha256: Some(scorer.model().weights_sha256.to_string()),
            },
            Self::Regex => baseline(regex_baseline::NAME),
            Self::Ngram(_) => baseline(ngram_baseline::NAME),
        }
    }

    /// The scores, and the bands where there are bands.
    pub(super) fn scores(&self, listings: &[&Listing]) -> Vec<(f64, Option<Band>)> {
        let each = |f: &(dyn Fn(&str, Option<&str>) -> f64 + Sync)| {
            map_batch(listings, |l| (f(l.title(), l.description()), None))
        };
        match self {
            Self::Model { scorer, tier } => {
                let ask = Ask { detail: Detail::Bare, tier: (*tier).into() };
                let said = scorer
                    .assess_all(&listings.iter().map(|l| (*l).into()).collect::<Vec<_>>(), ask);
                said.iter().map(|a| (a.score.value(), Some(a.band))).collect()
            }
            Self::Regex => each(&regex_baseline::score),
            Self::Ngram(baseline) => each(&|title, text| baseline.score(title, text)),
        }
    }

    /// What it says of each row.
    pub(super) fn contender(&self, rows: &[Row]) -> anyhow::Result<Contender> {
        let limits = Limits::default();
        let bar = output::progress(Some(rows.len() as u64), "rows");
        let (mut scores, mut bands) = (Vec::new(), Vec::new());
        for some in rows.chunks(TOGETHER) {
            let listing = |row: &Row| {
                let listing = row.listing.clone().parse(&limits);
                listing.with_context(|| format!("row {:?}", row.id))
            };
            let listings = some.iter().map(listing).collect::<anyhow::Result<Vec<_>>>()?;
            for (score, band) in self.scores(&listings.iter().collect::<Vec<_>>()) {
                scores.push(score);
                bands.extend(band);
            }
            bar.inc(some.len() as u64);
        }
        bar.finish_and_clear();
        Ok(Contender { model: self.info(), scores, bands })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{Assessment, LegalClass, ModelId, ModelRef, Parts, Score, Tier};
    use crate::scoring::Subject;

    /// Says how long the title is.
    #[derive(Debug)]
    struct ByLength(ModelRef);

    impl Assess for ByLength {
        fn model(&self) -> &ModelRef {
            &self.0
        }

        fn assess_all(&self, subjects: &[Subject<'_>], _: Ask) -> Vec<Assessment> {
            subjects.iter().map(|subject| self.one(subject.listing)).collect()
        }
    }

    impl ByLength {
        fn one(&self, listing: &Listing) -> Assessment {
            let prior = listing.title().chars().count() as f64 - 10.0;
            Assessment {
                score: Score::from_logit(prior.clamp(-20.0, 20.0)).unwrap(),
                band: Band::Low,
                tier: Tier::Fast,
                model: self.0.clone(),
                prior,
                parts: Parts::default(),
                legal_class: LegalClass::None,
                evidence: Vec::new(),
            }
        }
    }

    pub(crate) fn by_length() -> Judge {
        let id = ModelId::new("by-length").unwrap();
        let scorer = Arc::new(ByLength(ModelRef { id, weights_sha256: "00".into() }));
        Judge::Model { scorer, tier: TierChoice::Auto }
    }

    pub(crate) fn rows() -> Vec<Row> {
        let row = |id: &str, title: &str, label: u8, class: &str| {
            let json = serde_json::json!({"id": id, "listing": {"title": title}, "label": label,
                "legal_class": class, "slice": "s", "family": id, "lang": "vi"});
            serde_json::from_value(json).unwrap()
        };
        vec![
            row("a-1", "giày rep 1:1 siêu cấp", 1, "counterfeit_mark"),
            row("a-2", "dép", 0, "none"),
            row("a-3", "túi super fake", 1, "counterfeit_mark"),
        ]
    }

    #[test]
    fn a_judge_becomes_a_contender_in_the_rows_order() {
        let got = by_length().contender(&rows()).unwrap();
        assert_eq!((got.model.id.as_str(), got.bands.len()), ("by-length", 3));
        assert!(got.scores[0] > got.scores[2] && got.scores[2] > got.scores[1]);
        let regex = Judge::Regex.contender(&rows()).unwrap();
        assert_eq!(
            (regex.model.id.as_str(), regex.scores.len(), regex.bands.len()),
            ("regex", 3, 0)
        );
    }

    #[test]
    fn the_baseline_learns_from_a_folder_or_a_named_file() {
        let dir = tempfile::tempdir().unwrap();
        let rows: String = (0..40)
            .map(|i| {
                let (label, class) = if i % 2 == 0 { (1, "counterfeit_mark") } else { (0, "none") };
                let json = serde_json::json!({"id": format!("r-{i}"), "label": label,
                    "listing": {"title": format!("{i} {}", "giày dép túi ví".repeat(i % 5))},
                    "legal_class": class, "slice": "s", "family": format!("f{i}"), "lang": "vi"});
                format!("{json}\n")
            })
            .collect();
        let file = dir.path().join("train.jsonl");
        std::fs::write(&file, rows).unwrap();
        let lone = Lessons::read(&file, None).unwrap_err();
        assert!(super::super::super::error::hint_of(&lone).unwrap().contains("--train FILE"));
        let named = Lessons::read(Path::new("elsewhere.jsonl"), Some(&file)).unwrap();
        assert_eq!(named.train.len() + named.valid.len(), 40);
        assert!(!named.valid.is_empty() && named.valid.len() < 20, "{}", named.valid.len());
        std::fs::copy(&file, dir.path().join("valid.jsonl")).unwrap();
        let folder = Lessons::read(dir.path(), None).unwrap();
        assert_eq!((folder.train.len(), folder.valid.len()), (40, 40));
    }
}
