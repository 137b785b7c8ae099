//! Models measured on labelled rows: what `evaluate` and `models promote` have in common.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::super::error::Hint as _;
use super::super::model::{TierChoice, Wanted};
use super::attacks::{self, Attacks};
use super::judge::{Judge, Lessons};
use super::ordinary;
use crate::config;
use crate::dataset::attack::Attack;
use crate::dataset::{Manifest, Row, Side, file_sha256, load_rows, samples};
use crate::eval::bootstrap::Bootstrap;
use crate::eval::{
    Contender, Options, Report, Sample, UnderAttack, compare_attacks, evaluate, html,
    measure_attacks, ngram_baseline, regex_baseline,
};

/// What may stand in place of a model.
const BASELINES: [&str; 2] = [regex_baseline::NAME, ngram_baseline::NAME];

/// Rows to measure on.
#[derive(Debug)]
pub(in super::super) struct Labelled {
    /// The file or folder that was asked for.
    dataset: PathBuf,
    /// The name that a report gives the rows.
    name: String,
    /// Of the file's bytes.
    pub(in super::super) sha256: String,
    rows: Vec<Row>,
    samples: Vec<Sample>,
}

/// What to measure, and how.
#[derive(Debug)]
pub(in super::super) struct Plan {
    pub(in super::super) scoring: config::Scoring,
    /// A model's id or folder, or a baseline's name; `None` for the model in use.
    pub(in super::super) model: Option<String>,
    pub(in super::super) against: Option<String>,
    pub(in super::super) tier: TierChoice,
    pub(in super::super) bootstrap: Bootstrap,
    /// Rows that a baseline learns from, if not the dataset's own.
    pub(in super::super) train: Option<PathBuf>,
    /// Attacks to put all contenders under, the same for each.
    pub(in super::super) attacks: Vec<Attack>,
    /// Where attacks find brands and words, if not in the first model.
    pub(in super::super) knowledge: Option<PathBuf>,
    /// Listings without labels to score too.
    pub(in super::super) ordinary: Option<PathBuf>,
}

/// A report in all its forms.
#[derive(Debug)]
pub(in super::super) struct Measured {
    pub(in super::super) report: Report,
    /// The text of `report.json`.
    pub(in super::super) json: String,
    page: String,
}

impl Labelled {
    /// Reads a file of rows, or that of one side of a dataset's folder.
    pub(in super::super) fn open(dataset: &Path, side: Side) -> anyhow::Result<Self> {
        let (path, name) = locate(dataset, side)?;
        let rows = load_rows(&path).hint("thatgia dataset check lists everything that is wrong")?;
        Ok(Self {
            dataset: dataset.to_owned(),
            name,
            sha256: file_sha256(&path)?,
            samples: samples(&rows),
            rows,
        })
    }
}

/// Measures the plan's models on the rows.
pub(in super::super) fn measure(labelled: &Labelled, plan: &Plan) -> anyhow::Result<Measured> {
    let Labelled { rows, samples, .. } = labelled;
    // Calibration is a matter between a model and its own base rate.
    let scoring = config::Scoring { base_rate: 0.0, ..plan.scoring.clone() };
    let lessons = || Lessons::read(&labelled.dataset, plan.train.as_deref());
    let contest = |name: Option<&str>| -> anyhow::Result<(Judge, Contender)> {
        let judge = Judge::load(name, &scoring, plan.tier, lessons)?;
        let contender = judge.contender(rows)?;
        Ok((judge, contender))
    };
    let (judge, model) = contest(plan.model.as_deref())?;
    let rival = plan.against.as_deref().map(|name| contest(Some(name))).transpose()?;
    let against = rival.as_ref().map(|(_, contender)| contender);
    let options = Options {
        dataset: labelled.name.clone(),
        sha256: labelled.sha256.clone(),
        bootstrap: plan.bootstrap,
    };
    let mut report = evaluate(samples, &model, against, &options)?;
    if !plan.attacks.is_empty() || plan.ordinary.is_some() {
        let named = plan.model.as_deref().filter(|n| !BASELINES.contains(n));
        let settings = Wanted::new(scoring.clone(), named, plan.tier).scoring;
        let knowledge = attacks::knowledge(plan.knowledge.as_deref(), &settings)?;
        if !plan.attacks.is_empty() {
            let seed = plan.bootstrap.seed;
            let attacks = Attacks { kinds: &plan.attacks, knowledge: &knowledge, seed };
            let ours = attacks.score(&judge, rows, &model)?;
            report.attacks = Some(measure_attacks(samples, &model, &ours, plan.bootstrap)?);
            if let (Some((judge, clean)), Some(against)) = (&rival, &mut report.against) {
                let theirs = attacks.score(judge, rows, clean)?;
                let ours = UnderAttack { clean: &model, attacked: &ours };
                let theirs = UnderAttack { clean, attacked: &theirs };
                against.attack_delta = compare_attacks(samples, ours, theirs, plan.bootstrap)?;
            }
        }
        if let Some(file) = &plan.ordinary {
            report.ordinary = Some(ordinary::measure(&judge, &knowledge, file)?);
        }
    }
    let page = html::render(&report, samples, &model, against)?;
    let mut json = serde_json::to_string_pretty(&report)?;
    json.push('\n');
    Ok(Measured { report, json, page })
}

impl Measured {
    /// Writes `report.json` and `report.html` into `out`, which is made if it is not there.
    pub(in super::super) fn write(&self, out: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        write(&out.join("report.json"), &self.json)?;
        write(&out.join("report.html"), &self.page)
    }
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

/// Writes beside the target and renames, so that a stop leaves the old file or the new one.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
