use std::fs;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::ModelId;
use crate::eval::{Interval, Metrics, Report};
use crate::registry::{Change, Folder};

/// Bytes of a report at most.
const MAX_REPORT_BYTES: u64 = 1 << 24;

/// What a model's own `report.json` says, if it has one.
#[derive(Debug)]
pub(super) enum Figures {
    Known(Box<Report>),
    None,
    /// There is a report that says nothing of this model, and why.
    Unusable(String),
}

impl Figures {
    pub(super) fn of(folder: &Folder) -> Self {
        let Some(path) = folder.file("report.json") else { return Self::None };
        match read(&path) {
            // A report of other weights would be praise or blame of another model.
            Ok(report) if report.model.weights_sha256.as_deref() != folder.weights_sha256() => {
                Self::Unusable("report.json is of other weights".to_owned())
            }
            Ok(report) => Self::Known(Box::new(report)),
            Err(error) => Self::Unusable(format!("report.json: {error}")),
        }
    }

    pub(super) fn report(&self) -> Option<&Report> {
        match self {
            Self::Known(report) => Some(report),
            Self::None | Self::Unusable(_) => None,
        }
    }

    pub(super) fn fault(&self) -> Option<&str> {
        match self {
            Self::Unusable(why) => Some(why),
            Self::Known(_) | Self::None => None,
        }
    }
}

fn read(path: &PathBuf) -> anyhow::Result<Report> {
    let bytes = fs::metadata(path)?.len();
    anyhow::ensure!(bytes <= MAX_REPORT_BYTES, "{bytes} bytes, the limit is {MAX_REPORT_BYTES}");
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// What is wrong with a model's folder, in one line each.
pub(super) fn faults(folder: &Folder) -> Vec<String> {
    let mut faults: Vec<String> =
        folder.faults().map(|f| format!("{} is {}", f.name, f.state.as_str())).collect();
    if folder.card.id.as_str() != name(&folder.dir) {
        faults.push(format!("its folder is named {}", name(&folder.dir)));
    }
    faults
}

fn name(dir: &Path) -> String {
    dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// When the model came into use last.
pub(super) fn made_live(history: &[Change], id: &ModelId) -> Option<String> {
    history.iter().rev().find(|c| c.to.id == *id).map(|c| time(c.time))
}

pub(super) fn time(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

/// `6.9 MB`, in steps of 1000.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB"] {
        if value < 1000.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.1} GB")
}

pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"))
}

/// `0.9044 [0.8737, 0.9326]`.
pub(super) fn with_bounds(i: &Interval) -> String {
    match (i.low, i.high) {
        (Some(low), Some(high)) => format!("{} [{low:.4}, {high:.4}]", number(i.value)),
        _ => number(i.value),
    }
}

/// The metrics that sum a model up, with their names.
pub(super) fn main_metrics(metrics: &Metrics<Interval>) -> [(&'static str, &Interval); 4] {
    let names = Metrics::<()>::NAMES;
    let all = metrics.to_array();
    [0, 1, 3, 4].map(|i| (names[i], all[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let got = [0, 999, 1000, 6_950_000, 70_000_000, 1_500_000_000].map(size);
        assert_eq!(got, ["0 B", "999 B", "1.0 kB", "7.0 MB", "70.0 MB", "1.5 GB"]);
    }

    #[test]
    fn a_figure_shows_its_interval_where_it_has_one() {
        let i = |low| Interval { value: Some(0.5), low, high: Some(0.6) };
        assert_eq!(with_bounds(&i(Some(0.4))), "0.5000 [0.4000, 0.6000]");
        assert_eq!(with_bounds(&i(None)), "0.5000");
        assert_eq!(with_bounds(&Interval::default()), "-");
        assert_eq!(main_metrics(&Metrics::default())[2].0, "recall_at_fpr_1pct");
    }
}
