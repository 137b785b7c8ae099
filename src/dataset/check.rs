use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::groups::{Groups, NEAR_COPY, text};
use super::loader::{DatasetError, jsonl_files, read_file};
use super::manifest::{MANIFEST, Manifest, file_sha256};
use super::shingles::Shingles;
use super::shortcuts::{MAX_AUC, MAX_AUC_TOGETHER, MAX_BITS, Shortcut, shortcuts};
use super::slices::{KNOWN_SLICES, KnownSlice};
use super::{Row, Side};
use crate::domain::NewListing;

/// Least share of rows in hard slices.
pub const MIN_HARD: f64 = 0.5;
/// Similarities below are not looked for when the nearest pair is reported.
const LEAST_REPORTED: f64 = 0.2;
/// Findings of one kind that are listed one by one.
const LISTED: usize = 20;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Results should be read with it in mind.
    Warning,
    /// The dataset must not be used like this.
    Error,
}

/// One thing that the check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// Which check: `schema`, `ids`, `manifest`, `leak`, `slices`, `shortcut`, `demo`.
    pub check: &'static str,
    pub message: String,
}

/// Two rows on different sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NearestPair {
    pub a: String,
    pub b: String,
    pub similarity: f64,
}

/// A file's figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileCount {
    pub path: String,
    pub rows: usize,
    pub positives: usize,
}

/// What [`check`] found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    pub files: Vec<FileCount>,
    pub rows: usize,
    pub positives: usize,
    pub groups: usize,
    /// Rows by slice.
    pub slices: BTreeMap<String, usize>,
    /// Share of rows in hard slices.
    pub hard: f64,
    /// The most alike pair on different sides; `null` when none is above 0.2, or without sides.
    pub nearest: Option<NearestPair>,
    pub shortcuts: Vec<Shortcut>,
    /// Worst first.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// The findings of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }

    /// Whether the dataset may be used.
    pub fn passed(&self) -> bool {
        self.count(Severity::Error) == 0
    }
}

/// Checks a dataset's folder: schema, ids, hashes, leaks between sides, shortcuts to the label,
/// slices, and that no row is near one of the `demo` listings.
///
/// # Errors
/// When the folder or a file in it cannot be read; what is wrong with the rows is a finding.
pub fn check(dir: &Path, demo: &[NewListing]) -> Result<CheckReport, DatasetError> {
    let mut checker = Checker::default();
    checker.read(dir)?;
    checker.manifest(dir)?;
    let groups = Groups::new(&checker.rows, NEAR_COPY);
    let nearest = checker.leaks();
    let slices = checker.slices();
    let hard = checker.hard();
    checker.demo(demo);
    let shortcuts = checker.shortcuts(&groups);
    checker.findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    Ok(CheckReport {
        files: checker.files,
        rows: checker.rows.len(),
        positives: checker.rows.iter().filter(|r| r.label).count(),
        groups: groups.count,
        slices,
        hard,
        nearest,
        shortcuts,
        findings: checker.findings,
    })
}

#[derive(Debug, Default)]
struct Checker {
    files: Vec<FileCount>,
    rows: Vec<Row>,
    /// The side of each row; `None` in a file that is none of train, valid, test.
    sides: Vec<Option<Side>>,
    findings: Vec<Finding>,
}

impl Checker {
    fn find(&mut self, severity: Severity, check: &'static str, message: String) {
        self.findings.push(Finding { severity, check, message });
    }

    /// Lists the first messages and counts the rest.
    fn list(&mut self, severity: Severity, check: &'static str, messages: Vec<String>) {
        let more = messages.len().saturating_sub(LISTED);
        for message in messages.into_iter().take(LISTED) {
            self.find(severity, check, message);
        }
        if more > 0 {
            self.find(severity, check, format!("and {more} more like these"));
        }
    }

    fn read(&mut self, dir: &Path) -> Result<(), DatasetError> {
        let mut seen: HashMap<String, String> = HashMap::new();
        let (mut schema, mut doubles) = (Vec::new(), Vec::new());
        for path in jsonl_files(dir)? {
            let loaded = read_file(&path)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            schema.extend(loaded.errors.iter().map(ToString::to_string));
            let rows = loaded.rows.len();
            let positives = loaded.rows.iter().filter(|(_, r)| r.label).count();
            for (line, row) in loaded.rows {
                let place = format!("{name}:{line}");
                match seen.get(&row.id) {
                    Some(first) => {
                        doubles.push(format!("id {:?} at {place} stands at {first} too", row.id));
                    }
                    None => drop(seen.insert(row.id.clone(), place)),
                }
                self.sides.push(Side::of_file(&name));
                self.rows.push(row);
            }
            self.files.push(FileCount { path: name, rows, positives });
        }
        self.list(Severity::Error, "schema", schema);
        self.list(Severity::Error, "ids", doubles);
        if self.rows.is_empty() {
            self.find(Severity::Error, "schema", "no row could be read".to_owned());
        }
        Ok(())
    }

    fn manifest(&mut self, dir: &Path) -> Result<(), DatasetError> {
        if !dir.join(MANIFEST).exists() {
            self.find(Severity::Warning, "manifest", format!("there is no {MANIFEST}"));
            return Ok(());
        }
        let manifest = match Manifest::read(dir) {
            Ok(manifest) => manifest,
            Err(e @ DatasetError::Manifest { .. }) => {
                self.find(Severity::Error, "manifest", e.to_string());
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        let mut wrong = Vec::new();
        for record in &manifest.files {
            let Some(file) = self.files.iter().find(|f| f.path == record.path) else {
                wrong.push(format!("{} is listed but not there", record.path));
                continue;
            };
            let sha256 = file_sha256(&dir.join(&record.path))?;
            if sha256 != record.sha256 {
                let want = &record.sha256;
                wrong.push(format!("{}: SHA-256 is {sha256}, listed as {want}", file.path));
            }
            if (file.rows, file.positives) != (record.rows, record.positives) {
                wrong.push(format!(
                    "{}: {} rows with {} positives, listed as {} with {}",
                    file.path, file.rows, file.positives, record.rows, record.positives
                ));
            }
        }
        for file in &self.files {
            if !manifest.files.iter().any(|r| r.path == file.path) {
                wrong.push(format!("{} is there but not listed", file.path));
            }
        }
        self.list(Severity::Error, "manifest", wrong);
        Ok(())
    }

    /// Sellers, families and near copies on two sides.
    fn leaks(&mut self) -> Option<NearestPair> {
        if self.sides.iter().all(Option::is_none) {
            let text = "no train, valid or test file, so leaks between sides were not looked for";
            self.find(Severity::Note, "leak", text.to_owned());
            return None;
        }
        let mut first: HashMap<(&str, &str), usize> = HashMap::new();
        let mut leaks = Vec::new();
        for (i, row) in self.rows.iter().enumerate() {
            let keys =
                [Some(("family", row.family.as_str())), row.seller_id().map(|id| ("seller", id))];
            for (kind, name) in keys.into_iter().flatten() {
                let j = *first.entry((kind, name)).or_insert(i);
                if self.apart(i, j) {
                    leaks.push(format!("{kind} {name:?}: {} and {}", self.place(j), self.place(i)));
                }
            }
        }
        let texts: Vec<String> = self.rows.iter().map(text).collect();
        let shingles = Shingles::new(texts.iter().map(String::as_str));
        let pairs = shingles.pairs(LEAST_REPORTED, |a, b| self.apart(a, b));
        for p in pairs.iter().filter(|p| p.similarity >= NEAR_COPY) {
            let (a, b) = (self.place(p.a), self.place(p.b));
            leaks.push(format!("near copies ({:.2}): {a} and {b}", p.similarity));
        }
        self.list(Severity::Error, "leak", leaks);
        let nearest = pairs.iter().max_by(|a, b| a.similarity.total_cmp(&b.similarity))?;
        Some(NearestPair {
            a: self.rows[nearest.a].id.clone(),
            b: self.rows[nearest.b].id.clone(),
            similarity: nearest.similarity,
        })
    }

    fn apart(&self, a: usize, b: usize) -> bool {
        matches!((self.sides[a], self.sides[b]), (Some(a), Some(b)) if a != b)
    }

    fn place(&self, row: usize) -> String {
        let id = &self.rows[row].id;
        self.sides[row].map_or_else(|| id.clone(), |side| format!("{id} ({side})"))
    }

    fn slices(&mut self) -> BTreeMap<String, usize> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut wrong = Vec::new();
        for row in &self.rows {
            *counts.entry(row.slice.clone()).or_default() += 1;
            match KnownSlice::find(&row.slice) {
                None => wrong.push(format!("{}: slice {:?} is not known", row.id, row.slice)),
                Some(known) if known.label != row.label => {
                    let label = row.label_number();
                    wrong.push(format!("{}: slice {} with label {label}", row.id, row.slice));
                }
                Some(_) => {}
            }
        }
        self.list(Severity::Error, "slices", wrong);
        let absent: Vec<_> =
            KNOWN_SLICES.iter().map(|s| s.name).filter(|n| !counts.contains_key(*n)).collect();
        if !absent.is_empty() {
            let text = format!("no rows in {}", absent.join(", "));
            self.find(Severity::Warning, "slices", text);
        }
        counts
    }

    fn hard(&mut self) -> f64 {
        let hard = |r: &&Row| KnownSlice::find(&r.slice).is_some_and(|s| s.hard);
        let share = self.rows.iter().filter(hard).count() as f64 / self.rows.len().max(1) as f64;
        if share < MIN_HARD {
            let text = format!("{share:.2} of the rows are in hard slices, want {MIN_HARD:.2}");
            self.find(Severity::Warning, "slices", text);
        }
        share
    }

    fn demo(&mut self, demo: &[NewListing]) {
        let rows = self.rows.len();
        let demo_text = |l: &NewListing| {
            let title = l.title.as_deref().unwrap_or_default();
            format!("{title} {}", l.description.as_deref().unwrap_or_default())
        };
        let texts: Vec<String> =
            self.rows.iter().map(text).chain(demo.iter().map(demo_text)).collect();
        let shingles = Shingles::new(texts.iter().map(String::as_str));
        let pairs = shingles.pairs(NEAR_COPY, |a, b| (a < rows) != (b < rows));
        let messages = pairs.iter().map(|p| {
            let (id, number) = (&self.rows[p.a].id, p.b - rows + 1);
            format!("{id} is near demo listing {number} ({:.2})", p.similarity)
        });
        let messages = messages.collect();
        self.list(Severity::Error, "demo", messages);
    }

    fn shortcuts(&mut self, groups: &Groups) -> Vec<Shortcut> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let found = shortcuts(&self.rows, groups);
        for s in found.iter().filter(|s| s.warns) {
            let auc = s.auc.unwrap_or(f64::NAN);
            let text = if s.feature == "all" {
                format!(
                    "side features together tell the label with AUC {auc:.3}, want at most {MAX_AUC_TOGETHER}"
                )
            } else {
                format!(
                    "{} alone tells the label: AUC {auc:.3} (want at most {MAX_AUC}), {:.3} bits (at most {MAX_BITS})",
                    s.feature, s.bits
                )
            };
            self.find(Severity::Warning, "shortcut", text);
        }
        found
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        writeln!(f, "{:<20} {:>6} {:>10}", "file", "rows", "positive")?;
        for file in &self.files {
            let share = percent(file.positives, file.rows);
            writeln!(f, "{:<20} {:>6} {share:>8.1} %", file.path, file.rows)?;
        }
        let share = percent(self.positives, self.rows);
        writeln!(f, "{:<20} {:>6} {share:>8.1} %  in {} groups", "all", self.rows, self.groups)?;
        writeln!(f, "\n{:<20} {:>6}", "slice", "rows")?;
        for (slice, n) in &self.slices {
            writeln!(f, "{slice:<20} {n:>6}")?;
        }
        writeln!(f, "{:<20} {:>6.1} %", "in hard slices", 100.0 * self.hard)?;
        writeln!(f, "\n{:<20} {:>6} {:>7} {:>7}", "side feature", "values", "AUC", "bits")?;
        for s in &self.shortcuts {
            let auc = s.auc.map_or_else(|| "-".to_owned(), |a| format!("{a:.3}"));
            let mark = if s.warns { "  shortcut" } else { "" };
            writeln!(f, "{:<20} {:>6} {auc:>7} {:>7.3}{mark}", s.feature, s.values, s.bits)?;
        }
        if let Some(NearestPair { a, b, similarity }) = &self.nearest {
            writeln!(
                f,
                "\nnearest pair on two sides: {a} and {b}, similarity {similarity:.2} (a leak from {NEAR_COPY:.2})"
            )?;
        }
        writeln!(f)?;
        for finding in &self.findings {
            let severity = match finding.severity {
                Severity::Note => "note",
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            writeln!(f, "{severity}: {}: {}", finding.check, finding.message)?;
        }
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        writeln!(f, "{errors} errors, {warnings} warnings")
    }
}

#[cfg(test)]
mod tests;
