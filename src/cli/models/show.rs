use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Value, json};

use super::super::{Status, output};
use super::facts::{self, Figures};
use super::{Place, folder};
use crate::eval::Report;
use crate::registry::{Folder, live_if_any, live_model, read_history};

const EXAMPLES: &str = "Examples:
  thatgia models show
  thatgia models show candidates/vi-fast-2026-12 --json";

/// Show a model: its manifest, files, figures and card.
///
/// Every file is checked against its hash in the manifest; ends with 2 when one does not fit.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Opts {
    /// A model's id or folder; the model in use by default.
    #[arg(value_name = "ID|DIR")]
    model: Option<String>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What is known of the model beside its folder.
struct About {
    folder: Folder,
    figures: Figures,
    live: bool,
    made_live: Option<String>,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let (_, models) = opts.place.resolve()?;
    let dir = match &opts.model {
        Some(model) => folder(&models, model)?,
        None => folder(&models, live_model(&models)?.as_str())?,
    };
    let folder = Folder::inspect(&dir)?;
    // Its place decides, not its name: a candidate may bear the name of a model in use.
    let inside = dir.canonicalize()?
        == models.join(folder.card.id.as_str()).canonicalize().unwrap_or_default();
    let history = if inside { read_history(&models)? } else { Vec::new() };
    let about = About {
        figures: Figures::of(&folder),
        live: inside && live_if_any(&models)?.as_ref() == Some(&folder.card.id),
        made_live: facts::made_live(&history, &folder.card.id),
        folder,
    };
    let mut out = output::stdout();
    if opts.json {
        writeln!(out, "{}", json(&about)?)?;
    } else {
        write!(out, "{}", text(&about))?;
    }
    out.flush()?;
    let faulty = about.folder.faults().next().is_some();
    Ok(if faulty { Status::SomeFailed } else { Status::Done })
}

fn json(about: &About) -> anyhow::Result<Value> {
    let About { folder, figures, live, made_live } = about;
    let manifest: toml::Value = toml::from_str(&folder.manifest)?;
    Ok(json!({
        "id": folder.card.id,
        "live": live,
        "made_live": made_live,
        "dir": folder.dir,
        "bytes": folder.bytes,
        "manifest": manifest,
        "manifest_sha256": folder.manifest_sha256,
        "files": folder.files,
        "card": folder.file("REPORT.md"),
        "report": figures.report(),
        "notes": notes(about),
    }))
}

fn notes(about: &About) -> Vec<String> {
    let mut notes = facts::faults(&about.folder);
    notes.extend(about.figures.fault().map(str::to_owned));
    notes
}

fn text(about: &About) -> String {
    let About { folder, figures, live, made_live } = about;
    let card = folder.file("REPORT.md").map(|p| p.display().to_string());
    let lines = [
        ("model", folder.card.id.to_string()),
        ("in use", if *live { "yes" } else { "no" }.to_owned()),
        ("made live", made_live.clone().unwrap_or_default()),
        ("tier", folder.card.tier.to_string()),
        ("licence", folder.card.licence.clone()),
        ("folder", folder.dir.display().to_string()),
        ("size", facts::size(folder.bytes)),
        ("limits", card.unwrap_or_default()),
        ("note", notes(about).join("; ")),
    ];
    let mut text = String::new();
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<11} {}", output::printable(&value));
    }
    let files = folder
        .files
        .iter()
        .map(|f| [output::printable(&f.name), facts::size(f.bytes), f.state.as_str().to_owned()]);
    let _ = write!(text, "\n{}", output::table(["FILE", "SIZE", "STATE"], files));
    if let Some(report) = figures.report() {
        text.push_str(&measured(report));
    }
    let _ = writeln!(text, "\nmanifest.toml");
    for line in folder.manifest.lines() {
        let _ = writeln!(text, "  {}", output::printable(line));
    }
    text
}

fn measured(report: &Report) -> String {
    let dataset = &report.dataset;
    let mut text = format!(
        "\n{}: {} rows, {} positive, {} groups\n",
        output::printable(&dataset.name),
        dataset.n,
        dataset.positives,
        dataset.groups
    );
    let names = crate::eval::Metrics::<()>::NAMES;
    for (name, metric) in names.iter().zip(report.metrics.to_array()) {
        let _ = writeln!(text, "{name:<20} {}", facts::with_bounds(metric));
    }
    let slices = report.slices.iter().map(|(name, slice)| {
        let m = &slice.metrics;
        [
            output::printable(name),
            slice.n.to_string(),
            facts::with_bounds(&m.auc),
            facts::number(m.average_precision.value),
            facts::number(m.recall_at_fpr_1pct.value),
            facts::number(m.ece.value),
        ]
    });
    let header = ["SLICE", "ROWS", "AUC", "AP", "RECALL@1%FP", "ECE"];
    let _ = write!(text, "\n{}", output::table(header, slices));
    text
}
