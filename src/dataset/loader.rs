use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::Row;
use crate::domain::Limits;

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {}{message}", file.display(), if field.is_empty() { String::new() } else { format!("{field}: ") })]
pub struct RowError {
    pub file: PathBuf,
    /// 1-based.
    pub line: u64,
    /// Path of the field, such as `listing.price.amount`; empty when the line as a whole is wrong.
    pub field: String,
    pub message: String,
}

/// Why a dataset could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Row(#[from] RowError),
    #[error("{}: no .jsonl file in this folder", .0.display())]
    Empty(PathBuf),
    #[error("{}: {message}", path.display())]
    Manifest { path: PathBuf, message: String },
}

impl DatasetError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// The rows of one file with their lines, and what could not be read.
#[derive(Debug)]
pub struct LoadedFile {
    /// 1-based line and row, in the file's order.
    pub rows: Vec<(u64, Row)>,
    pub errors: Vec<RowError>,
}

/// Reads one `.jsonl` file to its end, errors and all. Blank lines are skipped.
///
/// # Errors
/// When the file itself cannot be read.
pub fn read_file(path: &Path) -> Result<LoadedFile, DatasetError> {
    let limits = Limits::default();
    let file = File::open(path).map_err(DatasetError::io(path))?;
    let mut reader = BufReader::new(file);
    let mut loaded = LoadedFile { rows: Vec::new(), errors: Vec::new() };
    let mut buffer = Vec::new();
    let mut line = 0;
    loop {
        buffer.clear();
        let room = limits.item_bytes as u64 + 1;
        let read = reader.by_ref().take(room).read_until(b'\n', &mut buffer);
        if read.map_err(DatasetError::io(path))? == 0 {
            return Ok(loaded);
        }
        line += 1;
        let result = if buffer.len() > limits.item_bytes && buffer.last() != Some(&b'\n') {
            reader.skip_until(b'\n').map_err(DatasetError::io(path))?;
            Err((String::new(), format!("longer than the limit of {} bytes", limits.item_bytes)))
        } else if buffer.trim_ascii().is_empty() {
            continue;
        } else {
            read_row(&buffer, &limits)
        };
        match result {
            Ok(row) => loaded.rows.push((line, row)),
            Err((field, message)) => {
                loaded.errors.push(RowError { file: path.to_owned(), line, field, message });
            }
        }
    }
}

fn read_row(bytes: &[u8], limits: &Limits) -> Result<Row, (String, String)> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let row: Row = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let path = e.path().to_string();
        let message = e.inner().to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        (if path == "." { String::new() } else { path }, message)
    })?;
    json.end().map_err(|_| (String::new(), "more than one JSON value on the line".to_owned()))?;
    row.validate(limits)?;
    Ok(row)
}

/// Reads the rows of a `.jsonl` file, or of every `.jsonl` file of a folder in the order of their
/// names. Ids are unique over all of them.
///
/// # Errors
/// At the first file that cannot be read and the first row that is wrong, naming file, line and
/// field.
pub fn load_rows(path: &Path) -> Result<Vec<Row>, DatasetError> {
    let files = if path.is_dir() { jsonl_files(path)? } else { vec![path.to_owned()] };
    let mut rows = Vec::new();
    let mut seen: HashMap<String, (usize, u64)> = HashMap::new();
    for (at, file) in files.iter().enumerate() {
        let loaded = read_file(file)?;
        if let Some(error) = loaded.errors.into_iter().next() {
            return Err(error.into());
        }
        for (line, row) in loaded.rows {
            if let Some((first, first_line)) = seen.insert(row.id.clone(), (at, line)) {
                let first = files[first].display();
                let message = format!("{:?} stands already at {first}:{first_line}", row.id);
                let field = "id".to_owned();
                return Err(RowError { file: file.clone(), line, field, message }.into());
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The `.jsonl` files of a folder, by name.
pub(crate) fn jsonl_files(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(DatasetError::io(dir))? {
        let path = entry.map_err(DatasetError::io(dir))?.path();
        if path.extension().is_some_and(|e| e == "jsonl") && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(DatasetError::Empty(dir.to_owned()));
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":"a-1","listing":{"title":"Giày"},"label":1,"legal_class":"counterfeit_mark","slice":"open_terms","family":"f","lang":"vi"}"#;

    fn first_error(content: &str) -> (u64, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        std::fs::write(&path, content).unwrap();
        match load_rows(&path) {
            Err(DatasetError::Row(e)) => (e.line, e.field, e.message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_names_line_and_field() {
        let with = |from: &str, to: &str| format!("{GOOD}\n\n{}", GOOD.replace(from, to));
        for (content, field, part) in [
            (with(r#""label":1"#, r#""label":2"#), "label", "must be 0 or 1, got 2"),
            (with(r#""label":1"#, r#""label":0"#), "legal_class", "does not go with label 0"),
            (with(r#""title":"Giày""#, r#""brand":"x""#), "listing.title", "is required"),
            (with(r#""lang":"vi""#, r#""lang":"fr""#), "lang", "unknown variant"),
            (with(r#""lang":"vi""#, r#""lang":"vi","extra":1"#), "extra", "unknown field"),
            (with(r#","lang":"vi""#, ""), "", "missing field `lang`"),
            (with(r#""vi"}"#, r#""vi"}}"#), "", "more than one JSON value"),
            (format!("{GOOD}\n\n{GOOD}"), "id", "stands already at"),
            (format!("{GOOD}\n\n{{\"id\":"), "id", "EOF"),
        ] {
            let (line, got, message) = first_error(&content);
            assert_eq!((line, got.as_str()), (3, field), "{content}");
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_folder_is_read_by_name() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(load_rows(dir.path()), Err(DatasetError::Empty(_))));
        std::fs::write(dir.path().join("b.jsonl"), GOOD).unwrap();
        std::fs::write(dir.path().join("a.jsonl"), GOOD.replace("a-1", "a-2")).unwrap();
        let ids: Vec<_> = load_rows(dir.path()).unwrap().into_iter().map(|r| r.id).collect();
        assert_eq!(ids, ["a-2", "a-1"]);
    }
}
