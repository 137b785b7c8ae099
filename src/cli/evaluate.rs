//! `thatgia evaluate`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::error::Hint as _;
use super::model::{self, TierChoice, Wanted};
use super::{Status, output};
use crate::config;
use crate::dataset::{Manifest, Row, Side, file_sha256, load_rows, samples};
use crate::domain::{Limits, Listing};
use crate::eval::bootstrap::Bootstrap;
use crate::eval::{Contender, ModelInfo, Options, Report, Sample, evaluate, html, regex_baseline};
use crate::preprocess::map_batch;
use crate::scoring::{Ask, Assess, Detail};

const EXAMPLES: &str = "Examples:
  thatgia evaluate datasets/gold --model vi-fast-2026-11 --against regex --out /tmp/report
  thatgia evaluate datasets/gold --side valid
  thatgia evaluate rows.jsonl --model ./models/candidate --against vi-fast-2026-11";

/// Measures a model on labelled listings and writes report.json and report.html.
///
/// Every metric has a 95 % bootstrap interval over whole groups (a seller, a family of wordings,
/// near copies), for the whole and for each slice; with --against, the difference to another
/// model and its p on the same rounds. The calibration is measured at the model's own base rate,
/// whatever base rate the settings have.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Opts {
    /// A .jsonl file of labelled rows, or a dataset's folder.
    dataset: PathBuf,
    /// A model's id or folder, or `regex` for the keyword baseline; the model in use by default.
    #[arg(long, value_name = "ID|DIR|regex")]
    model: Option<String>,
    /// A second model to compare with.
    #[arg(long, value_name = "ID|DIR|regex")]
    against: Option<String>,
    /// Where report.json and report.html go; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Which file of a dataset's folder: train, valid or test.
    #[arg(long, default_value = "test", value_parser = parse_side)]
    side: Side,
    /// Tiers to use.
    #[arg(long, value_enum, default_value_t)]
    tier: TierChoice,
    /// Rounds of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rounds: u32,
    /// Seed of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// A file of settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn parse_side(text: &str) -> Result<Side, String> {
    let side = Side::ALL.into_iter().find(|s| s.as_str() == text);
    side.ok_or_else(|| "expected train, valid or test".to_owned())
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let (path, dataset) = locate(&opts.dataset, opts.side)?;
    let rows = load_rows(&path).hint("thatgia dataset check lists everything that is wrong")?;
    let samples = samples(&rows);
    let mut scoring = config::load(opts.config.as_deref())?.scoring;
    scoring.base_rate = 0.0;
    let contender = |model: Option<&str>| -> anyhow::Result<Contender> {
        if model == Some(regex_baseline::NAME) {
            return Ok(regex(&samples));
        }
        let scorer = model::load(&Wanted::new(scoring.clone(), model, opts.tier))?;
        score(scorer.as_ref(), &rows, opts.tier)
    };
    let model = contender(opts.model.as_deref())?;
    let against = opts.against.as_deref().map(|m| contender(Some(m))).transpose()?;
    let options = Options {
        dataset,
        sha256: file_sha256(&path)?,
        bootstrap: Bootstrap { rounds: opts.rounds as usize, seed: opts.seed },
    };
    let report = evaluate(&samples, &model, against.as_ref(), &options)?;
    let page = html::render(&report, &samples, &model, against.as_ref())?;
    let mut json = serde_json::to_string_pretty(&report)?;
    json.push('\n');
    fs::create_dir_all(&opts.out).with_context(|| format!("cannot make {}", opts.out.display()))?;
    write(&opts.out.join("report.json"), &json)?;
    write(&opts.out.join("report.html"), &page)?;
    let mut stdout = output::stdout();
    stdout.write_all(summary(&report).as_bytes())?;
    stdout.flush()?;
    output::note(&format!("report.json and report.html are in {}", opts.out.display()));
    Ok(Status::Done)
}

/// The file to measure on and the name that the report gives it.
fn locate(dataset: &Path, side: Side) -> anyhow::Result<(PathBuf, String)> {
    let path =
        if dataset.is_dir() { dataset.join(format!("{side}.jsonl")) } else { dataset.to_owned() };
    if !path.is_file() {
        return Err(anyhow::anyhow!("no such file: {}", path.display()))
            .hint("a dataset is a .jsonl file, or a folder with train, valid and test.jsonl");
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = path.parent().and_then(|dir| Manifest::read(dir).ok()).map(|m| m.name);
    Ok((path, name.map_or_else(|| stem.clone(), |name| format!("{name}/{stem}"))))
}

/// What the model says of each row.
fn score(scorer: &dyn Assess, rows: &[Row], tier: TierChoice) -> anyhow::Result<Contender> {
    let limits = Limits::default();
    let ask = Ask { detail: Detail::Brief, tier: tier.into() };
    let bar = output::progress(Some(rows.len() as u64), "rows");
    let scored = map_batch(rows, |row| -> anyhow::Result<_> {
        let listing: Listing =
            row.listing.clone().parse(&limits).with_context(|| format!("row {:?}", row.id))?;
        let assessment = scorer.assess(&listing, ask);
        bar.inc(1);
        Ok((assessment.score.value(), assessment.band))
    });
    bar.finish_and_clear();
    let (scores, bands) =
        scored.into_iter().collect::<anyhow::Result<Vec<_>>>()?.into_iter().unzip();
    let model = scorer.model();
    let info = ModelInfo {
        id: model.id.to_string(),
        weights_sha256: Some(model.weights_sha256.to_string()),
    };
    Ok(Contender { model: info, scores, bands })
}

fn regex(samples: &[Sample]) -> Contender {
    let score = |s: &Sample| regex_baseline::score(&s.title, s.description.as_deref());
    Contender {
        model: ModelInfo { id: regex_baseline::NAME.to_owned(), weights_sha256: None },
        scores: samples.iter().map(score).collect(),
        bands: Vec::new(),
    }
}

/// Writes beside the target and renames, so that a stop leaves the old file or the new one.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The metrics as lines of text.
fn summary(report: &Report) -> String {
    use std::fmt::Write as _;
    let number = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    let signed = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:+.4}"));
    let dataset = &report.dataset;
    let mut text = format!(
        "{} on {}: {} rows, {} positive, {} groups\n",
        report.model.id, dataset.name, dataset.n, dataset.positives, dataset.groups
    );
    let metrics = report.metrics.to_array();
    let names = crate::eval::Metrics::<()>::NAMES;
    for (i, (name, m)) in names.iter().zip(metrics).enumerate() {
        let _ = write!(
            text,
            "{name:<20} {:>8}  [{}, {}]",
            number(m.value),
            number(m.low),
            number(m.high)
        );
        if let Some(against) = &report.against {
            let (other, delta) = (against.metrics.to_array()[i], against.delta.to_array()[i]);
            let _ = write!(
                text,
                "  {} {:>8}  difference {} [{}, {}] p {}",
                against.model.id,
                number(other.value),
                signed(delta.value),
                signed(delta.low),
                signed(delta.high),
                number(delta.p)
            );
        }
        text.push('\n');
    }
    for b in &report.bands {
        let _ = writeln!(
            text,
            "band {:<15} {:>8}  precision {}, recall so far {}, false positives so far {}",
            b.band,
            b.n,
            number(b.precision),
            number(b.recall),
            number(b.false_positive_rate)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Assessment, Band, LegalClass, ModelId, ModelRef, Parts, Score, Tier};

    /// Says how long the title is.
    #[derive(Debug)]
    struct ByLength(ModelRef);

    impl Assess for ByLength {
        fn model(&self) -> &ModelRef {
            &self.0
        }

        fn assess(&self, listing: &Listing, _: Ask) -> Assessment {
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

    fn rows() -> Vec<Row> {
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
    fn a_scorer_becomes_a_contender_in_the_rows_order() {
        let id = ModelId::new("by-length").unwrap();
        let scorer = ByLength(ModelRef { id, weights_sha256: "00".into() });
        let got = score(&scorer, &rows(), TierChoice::Auto).unwrap();
        assert_eq!((got.model.id.as_str(), got.bands.len()), ("by-length", 3));
        assert!(got.scores[0] > got.scores[2] && got.scores[2] > got.scores[1]);
        let samples = samples(&rows());
        let options =
            Options { bootstrap: Bootstrap { rounds: 20, seed: 0 }, ..Options::default() };
        let report = evaluate(&samples, &got, Some(&regex(&samples)), &options).unwrap();
        let text = summary(&report);
        assert!(text.contains("auc                    1.0000"), "{text}");
        assert!(text.contains("regex") && text.contains("band low"), "{text}");
    }
}
