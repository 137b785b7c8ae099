use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::super::{Status, output};
use super::Place;
use super::facts::{self, Figures};
use crate::domain::ModelId;
use crate::registry::{Change, Folder, live_if_any, model_ids, read_history};

const EXAMPLES: &str = "Examples:
  thatgia models list
  thatgia models list --json";

/// List the models of a folder with their main figures.
///
/// The figures are those of the model's own report.json; NOTE says what is wrong with a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Opts {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// One line of the list.
struct Entry {
    id: ModelId,
    live: bool,
    made_live: Option<String>,
    folder: Option<(Folder, Figures)>,
    notes: Vec<String>,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let (_, models) = opts.place.resolve()?;
    let live = live_if_any(&models)?;
    let history = read_history(&models)?;
    let mut ids = model_ids(&models)?;
    // A model in use that is gone is what a reader of the list most needs to see.
    if let Some(live) = live.iter().find(|live| !ids.contains(live)) {
        ids.push(live.clone());
        ids.sort();
    }
    let entries: Vec<_> =
        ids.into_iter().map(|id| entry(&models, id, live.as_ref(), &history)).collect();
    let mut out = output::stdout();
    if opts.json {
        for entry in &entries {
            writeln!(out, "{}", json(entry))?;
        }
    } else {
        write!(out, "{}", table(&entries))?;
    }
    out.flush()?;
    Ok(Status::Done)
}

fn entry(models: &Path, id: ModelId, live: Option<&ModelId>, history: &[Change]) -> Entry {
    let live = live == Some(&id);
    let made_live = facts::made_live(history, &id);
    let (folder, notes) = match Folder::inspect(&models.join(id.as_str())) {
        Ok(folder) => {
            let figures = Figures::of(&folder);
            let mut notes = facts::faults(&folder);
            notes.extend(figures.fault().map(str::to_owned));
            (Some((folder, figures)), notes)
        }
        Err(error) => (None, vec![error.to_string()]),
    };
    Entry { id, live, made_live, folder, notes }
}

fn json(entry: &Entry) -> Value {
    let folder = entry.folder.as_ref().map(|(folder, _)| folder);
    let report = entry.folder.as_ref().and_then(|(_, figures)| figures.report());
    json!({
        "id": entry.id,
        "tier": folder.map(|f| f.card.tier),
        "live": entry.live,
        "licence": folder.map(|f| &f.card.licence),
        "bytes": folder.map(|f| f.bytes),
        "weights_sha256": folder.and_then(Folder::weights_sha256),
        "made_live": entry.made_live,
        "dataset": report.map(|r| &r.dataset),
        "metrics": report.map(|r| r.metrics),
        "notes": entry.notes,
    })
}

fn table(entries: &[Entry]) -> String {
    let rows = entries.iter().map(|entry| {
        let folder = entry.folder.as_ref().map(|(folder, _)| folder);
        let report = entry.folder.as_ref().and_then(|(_, figures)| figures.report());
        let metrics = report.map(|r| facts::main_metrics(&r.metrics));
        let metric = |i: usize| metrics.map_or_else(String::new, |m| facts::number(m[i].1.value));
        [
            entry.id.to_string(),
            folder.map(|f| f.card.tier.to_string()).unwrap_or_default(),
            if entry.live { "live" } else { "" }.to_owned(),
            folder.map(|f| facts::size(f.bytes)).unwrap_or_default(),
            entry.made_live.clone().unwrap_or_default(),
            metric(0),
            metric(1),
            metric(2),
            metric(3),
            output::printable(&entry.notes.join("; ")),
        ]
    });
    let header =
        ["ID", "TIER", "LIVE", "SIZE", "MADE LIVE", "AUC", "AP", "RECALL@1%FP", "ECE", "NOTE"];
    output::table(header, rows)
}
