//! A verdict as a table for people and as JSON for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::output;
use super::facts;
use crate::eval::gate::{Check, Verdict};
use crate::eval::{Interval, ModelInfo, Report};
use crate::registry::Held;

/// What a verdict is about.
pub(super) struct Case<'a> {
    pub(super) candidate: Held,
    pub(super) live: Option<Held>,
    /// `None` when the candidate could not be measured.
    pub(super) report: Option<&'a Report>,
    pub(super) verdict: &'a Verdict,
    pub(super) promoted: bool,
}

pub(super) fn json(case: &Case<'_>) -> Value {
    let verdict = case.verdict;
    json!({
        "candidate": case.candidate,
        "live": case.live,
        "dataset": case.report.map(|r| &r.dataset),
        "bootstrap": case.report.map(|r| &r.bootstrap),
        "passed": verdict.passed(),
        "promoted": case.promoted,
        "checks": verdict.checks,
    })
}

/// The worst failures of each rule, or its closest case.
pub(super) fn table(case: &Case<'_>) -> String {
    let mut text = case.report.map(title).unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    let mut rules: BTreeMap<&str, Vec<&Check>> = BTreeMap::new();
    for check in &case.verdict.checks {
        let rule = rules.entry(check.name).or_insert_with(|| {
            names.push(check.name);
            Vec::new()
        });
        rule.push(check);
    }
    let rows = names.iter().flat_map(|name| rows(&rules[name]));
    text.push_str(&output::table(["RESULT", "CHECK", "ON", "FIGURE", "LIMIT", "WHY"], rows));
    text
}

fn title(report: &Report) -> String {
    let dataset = &report.dataset;
    let id = |model: &ModelInfo| output::printable(&model.id);
    let against =
        report.against.as_ref().map(|a| format!(" against {}", id(&a.model))).unwrap_or_default();
    let name = output::printable(&dataset.name);
    format!(
        "{}{against} on {name}: {} rows, {} groups\n\n",
        id(&report.model),
        dataset.n,
        dataset.groups
    )
}

/// Failures of one rule that the table shows; JSON has all.
const SHOWN: usize = 6;

fn rows(checks: &[&Check]) -> Vec<[String; 6]> {
    let margin = |c: &&&Check| c.margin.unwrap_or(f64::INFINITY);
    let mut failed: Vec<_> = checks.iter().filter(|c| !c.passed).collect();
    if failed.is_empty() {
        let closest = checks.iter().min_by(|a, b| margin(a).total_cmp(&margin(b)));
        return closest.map(|c| row(c, checks.len() - 1)).into_iter().collect();
    }
    failed.sort_by(|a, b| margin(a).total_cmp(&margin(b)));
    let mut rows: Vec<_> = failed.iter().take(SHOWN).map(|c| row(c, 0)).collect();
    if let Some(more) = failed.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let blank = String::new;
        let name = checks.first().map(|c| c.name.to_owned()).unwrap_or_default();
        rows.push(["FAIL".to_owned(), name, format!("{more} more"), blank(), blank(), blank()]);
    }
    rows
}

fn row(check: &Check, others: usize) -> [String; 6] {
    let mut on = output::printable(check.subject.as_deref().unwrap_or_default());
    if others > 0 {
        on.push_str(&format!(", least of {}", others + 1));
    }
    let whole = matches!(check.name, "rows" | "folder_bytes");
    let figure = match (check.figure, check.limit) {
        (Interval { value: Some(v), .. }, _) if whole => output::count(v as u64),
        (figure, Some(_)) => facts::with_bounds(&figure),
        (_, None) => String::new(),
    };
    let limit = check.limit.map(|l| if whole { output::count(l as u64) } else { l.to_string() });
    [
        if check.passed { "pass" } else { "FAIL" }.to_owned(),
        check.name.to_owned(),
        on,
        figure,
        limit.unwrap_or_default(),
        output::printable(&check.why),
    ]
}
