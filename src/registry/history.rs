use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::folder::Folder;
use super::layout::sync_folder;
use crate::domain::ModelId;

/// The file in a models folder that says which model was in use when.
pub const HISTORY_FILE: &str = "history.jsonl";
/// The history as it will be once the change under way is done.
const NEXT: &str = ".history.new";

/// A model as it was when it became or ceased to be the one in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub id: ModelId,
    pub weights_sha256: Option<String>,
    /// Thresholds and calibration are in the manifest, so the weights alone don't make a model.
    pub manifest_sha256: String,
}

impl Held {
    pub fn new(folder: &Folder) -> Self {
        Self {
            id: folder.card.id.clone(),
            weights_sha256: folder.weights_sha256().map(str::to_owned),
            manifest_sha256: folder.manifest_sha256.clone(),
        }
    }
}

/// Why another model came into use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Promote,
    Rollback,
}

/// One line of `history.jsonl`: another model came into use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    pub action: Action,
    /// `null` when no model was in use.
    pub from: Option<Held>,
    pub to: Held,
    /// Of the rows that the gate judged on; `null` for a rollback, which has no gate.
    pub dataset_sha256: Option<String>,
    /// Of the gate's `report.json`.
    pub report_sha256: Option<String>,
}

/// The history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}:{line}: {source}", path.display())]
    Line { path: PathBuf, line: usize, source: serde_json::Error },
}

impl HistoryError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// The changes of a models folder, oldest first; none where there is no history.
///
/// # Errors
/// When the history cannot be read, naming the line.
pub fn read_history(models: &Path) -> Result<Vec<Change>, HistoryError> {
    read(&models.join(HISTORY_FILE))
}

fn read(path: &Path) -> Result<Vec<Change>, HistoryError> {
    let text = text(path)?;
    let lines = (1..).zip(text.lines()).filter(|(_, l)| !l.trim().is_empty());
    let changes = lines.map(|(line, json)| {
        serde_json::from_str(json).map_err(|source| HistoryError::Line {
            path: path.to_owned(),
            line,
            source,
        })
    });
    changes.collect()
}

/// The file's text; empty where there is no file.
fn text(path: &Path) -> Result<String, HistoryError> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        other => other.map_err(HistoryError::io(path)),
    }
}

/// Writes the history with `change` beside the present one. It counts once the `live` file names
/// the change's model: until then [`settle`] drops it, from then on it finishes it.
pub(super) fn prepare(models: &Path, change: &Change) -> Result<(), HistoryError> {
    let path = models.join(NEXT);
    let mut text = text(&models.join(HISTORY_FILE))?;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let line = serde_json::to_string(change).map_err(|e| HistoryError::io(&path)(e.into()))?;
    text.push_str(&line);
    text.push('\n');
    let write = || {
        let mut file = fs::File::create(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(HistoryError::io(&path))
}

/// Ends a change that was stopped halfway, forwards or backwards as `live` says.
pub(super) fn settle(models: &Path, live: Option<&ModelId>) -> Result<(), HistoryError> {
    let (next, path) = (models.join(NEXT), models.join(HISTORY_FILE));
    if !next.exists() {
        return Ok(());
    }
    // A file that holds less than the present one and a change was not finished, and then `live`
    // was not touched.
    let present = text(&path)?;
    let longer = text(&next).is_ok_and(|t| t.len() > present.len() && t.starts_with(&present));
    let last = read(&next).ok().and_then(|mut changes| changes.pop()).filter(|_| longer);
    let done = last.is_some_and(|change| {
        Some(&change.to.id) == live && change.from.map(|f| f.id).as_ref() != live
    });
    let end = || if done { fs::rename(&next, &path) } else { fs::remove_file(&next) };
    end().map_err(HistoryError::io(&path))?;
    sync_folder(models);
    Ok(())
}
