use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::super::error::Hint as _;
use super::super::evaluate::{Labelled, Measured, Plan, measure};
use super::super::model::TierChoice;
use super::super::{Status, output};
use super::verdict::{Case, json, table};
use super::{Place, folder, hinted};
use crate::config::{GateLimits, Settings};
use crate::dataset::Side;
use crate::dataset::attack::Attack;
use crate::domain::{Clock as _, SystemClock};
use crate::eval::bootstrap::Bootstrap;
use crate::eval::gate::{Check, Verdict, judge};
use crate::registry::{
    Action, Change, Exclusive, Folder, Held, check_name, live_if_any, model_dir, sha256_hex,
};

const EXAMPLES: &str = "Examples:
  thatgia models promote candidates/vi-fast-2026-12 --dry-run
  thatgia models promote candidates/vi-fast-2026-12 --out /tmp/gate";

/// Put a candidate in use, if it passes the gate.
///
/// The candidate and the model in use are measured on the same rows. It is refused, with 1, when
/// its files are not as its manifest says, it has no licence or is too large; when it was trained
/// on the rows; when it is worse than the model in use beyond noise, on the whole, on a slice or
/// under an attack that training does not know; or when it is under a floor or badly calibrated.
/// The limits are settings, in section `gate`. Without a model in use only the floors count. A candidate
/// outside the folder of models is copied into it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Opts {
    /// The candidate's id or folder.
    #[arg(value_name = "ID|DIR")]
    model: String,
    /// A .jsonl file of labelled rows that the candidate never saw, or a dataset's folder, whose
    /// test rows are taken.
    #[arg(long, value_name = "PATH", default_value = "datasets/gold")]
    dataset: PathBuf,
    /// Judge only; nothing is changed.
    #[arg(long)]
    dry_run: bool,
    /// Where the gate's report.json and report.html go; they are not kept otherwise.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the verdict with all checks as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
    /// Rounds of the bootstrap.
    #[arg(long, hide = true, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(40..=100_000))]
    rounds: u32,
}

/// A candidate and what came of looking at it.
struct Trial {
    candidate: Folder,
    live: Option<Folder>,
    dataset_sha256: String,
    /// `None` when its files are not as they should be.
    measured: Option<Measured>,
    verdict: Verdict,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let (settings, models) = opts.place.resolve()?;
    // Held to the end, so that the model that was compared with is the model that is replaced.
    let exclusive =
        (!opts.dry_run).then(|| Exclusive::lock(&models)).transpose().map_err(hinted)?;
    let candidate = Folder::inspect(&folder(&models, &opts.model)?)?;
    check_name(&models, &candidate).map_err(hinted)?;
    let live = live_if_any(&models)?
        .map(|id| Folder::inspect(&model_dir(&models, &id)?).map_err(anyhow::Error::from))
        .transpose()
        .hint("the model in use can't be compared with; see `thatgia models rollback`")?;
    let is_live = live.as_ref().is_some_and(|l| l.manifest_sha256 == candidate.manifest_sha256);
    if is_live && !opts.dry_run {
        output::note(&format!("{} is in use already", candidate.card.id));
        return Ok(Status::Done);
    }
    let trial = try_out(opts, &settings, candidate, live)?;
    if let (Some(measured), Some(out)) = (&trial.measured, &opts.out) {
        measured.write(out)?;
    }
    let passed = trial.verdict.passed();
    let change = match (&exclusive, &trial.measured) {
        (Some(exclusive), Some(measured)) if passed => Some(install(exclusive, &trial, measured)?),
        _ => None,
    };
    print(opts, &trial, change.is_some())?;
    Ok(if passed { Status::Done } else { Status::Refused })
}

fn try_out(
    opts: &Opts,
    settings: &Settings,
    candidate: Folder,
    live: Option<Folder>,
) -> anyhow::Result<Trial> {
    let labelled = Labelled::open(&opts.dataset, Side::Test)?;
    let mut verdict = Verdict { checks: folder_checks(&candidate, &settings.gate) };
    verdict.checks.push(unseen(&candidate, &labelled));
    let measured = if candidate.faults().next().is_none() {
        let plan = Plan {
            scoring: settings.scoring.clone(),
            model: Some(absolute(&candidate.dir)?),
            against: live.as_ref().map(|l| absolute(&l.dir)).transpose()?,
            tier: TierChoice::Auto,
            bootstrap: Bootstrap { rounds: opts.rounds as usize, ..Bootstrap::default() },
            train: None,
            attacks: Attack::ALL.into_iter().filter(|attack| !attack.trained()).collect(),
            // The same for both, and not the candidate's to choose: one that knows no brands would
            // never be attacked.
            knowledge: live.as_ref().map(|l| l.dir.clone()),
            ordinary: None,
        };
        Some(measure(&labelled, &plan)?)
    } else {
        None
    };
    if let Some(measured) = &measured {
        verdict.checks.extend(judge(&measured.report, &settings.gate).checks);
    }
    let dataset_sha256 = labelled.sha256;
    Ok(Trial { candidate, live, dataset_sha256, measured, verdict })
}

/// Puts the candidate in use.
fn install(exclusive: &Exclusive, trial: &Trial, measured: &Measured) -> anyhow::Result<Change> {
    let installed = exclusive.install(&trial.candidate).map_err(hinted)?;
    let change = Change {
        time: SystemClock.now(),
        action: Action::Promote,
        from: trial.live.as_ref().map(Held::new),
        to: Held::new(&installed),
        dataset_sha256: Some(trial.dataset_sha256.clone()),
        report_sha256: Some(sha256_hex(measured.json.as_bytes())),
    };
    exclusive.commit(&change)?;
    Ok(change)
}

fn print(opts: &Opts, trial: &Trial, promoted: bool) -> anyhow::Result<()> {
    let case = Case {
        candidate: Held::new(&trial.candidate),
        live: trial.live.as_ref().map(Held::new),
        report: trial.measured.as_ref().map(|m| &m.report),
        verdict: &trial.verdict,
        promoted,
    };
    let mut out = output::stdout();
    if opts.json {
        writeln!(out, "{}", json(&case))?;
    } else {
        write!(out, "{}", table(&case))?;
    }
    out.flush()?;
    let id = &case.candidate.id;
    let (failed, all) = (case.verdict.failed().count(), case.verdict.checks.len());
    output::note(&match (case.verdict.passed(), promoted) {
        (true, true) => format!("{id} is in use"),
        (true, false) => format!("{id} passes all {all} checks; nothing was changed"),
        (false, _) => format!("{id} is refused: {failed} of {all} checks failed"),
    });
    if let Some(out) = opts.out.as_ref().filter(|_| case.report.is_some()) {
        output::note(&format!("report.json and report.html are in {}", out.display()));
    }
    Ok(())
}

fn absolute(dir: &Path) -> anyhow::Result<String> {
    Ok(dir.canonicalize()?.to_string_lossy().into_owned())
}

fn folder_checks(folder: &Folder, limits: &GateLimits) -> Vec<Check> {
    let faults: Vec<String> =
        folder.faults().map(|f| format!("{} is {}", f.name, f.state.as_str())).collect();
    let files = match faults.as_slice() {
        [] => "all as the manifest says".to_owned(),
        faults => faults.join(", "),
    };
    let licence = folder.card.licence.trim();
    let named = if licence.is_empty() { "the manifest names none" } else { licence };
    // Sizes of a folder and of the limit are far below 2^53.
    let [bytes, most] = [folder.bytes, limits.max_folder_bytes].map(|b| b as f64);
    vec![
        Check::fact("files", faults.is_empty(), files),
        Check::fact("licence", !licence.is_empty(), named),
        Check::at_most("folder_bytes", bytes, most, ["fits", "too large"]),
    ]
}

/// A model is no judge of itself: on rows that it learned from, it looks better than it is.
fn unseen(folder: &Folder, labelled: &Labelled) -> Check {
    let part = folder.card.training.data.iter().find(|(_, hash)| **hash == labelled.sha256);
    match part {
        None => Check::fact("unseen_rows", true, "no file that the candidate was trained on"),
        Some((part, _)) => {
            Check::fact("unseen_rows", false, format!("the candidate's own {part} rows"))
        }
    }
}
