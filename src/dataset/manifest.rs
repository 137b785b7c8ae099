use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::loader::DatasetError;
use super::record::{Row, SCHEMA_VERSION};
use super::split::{Shares, Side, Split, SplitOptions};
use crate::domain::hex;

/// The manifest's file name.
pub const MANIFEST: &str = "manifest.toml";

/// What a dataset's folder holds: `manifest.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub name: String,
    /// Version of the row's schema.
    pub schema_version: u32,
    /// An SPDX expression.
    pub licence: String,
    /// How the files were split, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitRecord>,
    pub files: Vec<FileRecord>,
}

/// The settings of a split, so that it can be made again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitRecord {
    pub seed: u64,
    pub shares: Shares,
    pub similarity: f64,
    /// Whether the rows that were added last were split by time.
    #[serde(default)]
    pub by_time: bool,
}

/// One file of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// A file name in the manifest's folder.
    pub path: String,
    pub rows: usize,
    pub positives: usize,
    pub sha256: String,
}

/// Bytes of a manifest at most.
const MAX_BYTES: u64 = 1 << 20;

impl Manifest {
    /// Reads the manifest of a dataset's folder.
    ///
    /// # Errors
    /// When it cannot be read, is no manifest, is of a newer schema, or names a file outside its
    /// folder.
    pub fn read(dir: &Path) -> Result<Self, DatasetError> {
        let path = dir.join(MANIFEST);
        let bad = |message: String| DatasetError::Manifest { path: path.clone(), message };
        let size = fs::metadata(&path).map_err(DatasetError::io(&path))?.len();
        if size > MAX_BYTES {
            return Err(bad(format!("{size} bytes, the limit is {MAX_BYTES}")));
        }
        let text = fs::read_to_string(&path).map_err(DatasetError::io(&path))?;
        let manifest: Self = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
        if manifest.schema_version != SCHEMA_VERSION {
            let got = manifest.schema_version;
            return Err(bad(format!("schema version {got}, this build reads {SCHEMA_VERSION}")));
        }
        for file in &manifest.files {
            let plain = Path::new(&file.path).file_name().is_some_and(|n| n == file.path.as_str());
            if !plain {
                return Err(bad(format!("{:?} is not a plain file name", file.path)));
            }
        }
        Ok(manifest)
    }

    /// Writes `manifest.toml` into `dir`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), DatasetError> {
        let path = dir.join(MANIFEST);
        let text = toml::to_string(self)
            .map_err(|e| DatasetError::Manifest { path: path.clone(), message: e.to_string() })?;
        write_whole(&path, text.as_bytes())
    }
}

/// SHA-256 of a file's bytes, in hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn file_sha256(path: &Path) -> Result<String, DatasetError> {
    let mut file = fs::File::open(path).map_err(DatasetError::io(path))?;
    let mut hasher = Writer(Sha256::new());
    std::io::copy(&mut file, &mut hasher).map_err(DatasetError::io(path))?;
    Ok(hex(&hasher.0.finalize()))
}

struct Writer(Sha256);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes beside the target and renames, so that a stop leaves the old file or the new one.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), DatasetError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let write = || {
        let mut file = fs::File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(DatasetError::io(path))
}

/// Writes `rows` as JSON lines and returns the file's record.
///
/// # Errors
/// When the file cannot be written.
pub fn write_rows<'a>(
    path: &Path,
    rows: impl IntoIterator<Item = &'a Row>,
) -> Result<FileRecord, DatasetError> {
    let mut bytes = Vec::new();
    let (mut count, mut positives) = (0, 0);
    for row in rows {
        serde_json::to_writer(&mut bytes, row)
            .map_err(|e| DatasetError::io(path)(std::io::Error::from(e)))?;
        bytes.push(b'\n');
        count += 1;
        positives += usize::from(row.label);
    }
    write_whole(path, &bytes)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sha256 = hex(&Sha256::digest(&bytes));
    Ok(FileRecord { path: name, rows: count, positives, sha256 })
}

/// Writes `train.jsonl`, `valid.jsonl`, `test.jsonl` and the manifest into `dir`, rows by id.
///
/// # Errors
/// When a file cannot be written.
pub fn write_split(
    dir: &Path,
    (name, licence): (&str, &str),
    rows: &[Row],
    (split, options): (&Split, &SplitOptions),
) -> Result<Manifest, DatasetError> {
    fs::create_dir_all(dir).map_err(DatasetError::io(dir))?;
    let mut files = Vec::new();
    for side in Side::ALL {
        let mut inside: Vec<&Row> = rows
            .iter()
            .zip(&split.side_of)
            .filter(|(_, s)| **s == Some(side))
            .map(|(row, _)| row)
            .collect();
        inside.sort_by(|a, b| a.id.cmp(&b.id));
        files.push(write_rows(&dir.join(format!("{side}.jsonl")), inside)?);
    }
    let SplitOptions { seed, shares, similarity, by_time, .. } = *options;
    let record = SplitRecord { seed, shares, similarity, by_time };
    let manifest = Manifest {
        name: name.to_owned(),
        schema_version: SCHEMA_VERSION,
        licence: licence.to_owned(),
        split: Some(record),
        files,
    };
    manifest.write(dir)?;
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::super::split::split;
    use super::super::testing::rows;
    use super::*;

    #[test]
    fn a_written_split_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let rows = rows(40, 1);
        let options = SplitOptions::default();
        let split = split(&rows, &options);
        let out = dir.path().join("gold");
        let written = write_split(&out, ("gold", "CC-BY-4.0"), &rows, (&split, &options)).unwrap();
        assert_eq!(Manifest::read(&out).unwrap(), written);
        assert_eq!(written.files.iter().map(|f| f.rows).sum::<usize>(), 40);
        for file in &written.files {
            assert_eq!(file_sha256(&out.join(&file.path)).unwrap(), file.sha256);
        }
        let again = super::super::load_rows(&out).unwrap();
        assert_eq!(again.len(), 40);
        let names: Vec<_> = fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 4, "{names:?}");
    }

    #[test]
    fn a_manifest_stays_in_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let text = |path: &str, version: u32| {
            format!(
                "name = 'x'\nschema_version = {version}\nlicence = 'MIT'\n[[files]]\npath = '{path}'\nrows = 1\npositives = 0\nsha256 = ''\n"
            )
        };
        let read = |text: String| {
            fs::write(dir.path().join(MANIFEST), text).unwrap();
            Manifest::read(dir.path()).map_err(|e| e.to_string())
        };
        assert!(read(text("a.jsonl", 1)).is_ok());
        for bad in ["../a.jsonl", "/etc/passwd", "a/b.jsonl", "", ".."] {
            assert!(read(text(bad, 1)).unwrap_err().contains("not a plain file name"), "{bad}");
        }
        assert!(read(text("a.jsonl", 2)).unwrap_err().contains("this build reads 1"));
    }

    #[test]
    fn the_hash_is_that_of_sha256sum() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, "abc").unwrap();
        let want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(file_sha256(&path).unwrap(), want);
    }
}
