use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::manifest::{MANIFEST_FILE, ManifestError, SCHEMA, WEIGHTS_FILE};
use crate::domain::{ModelId, Tier, hex};

/// Bytes of a manifest at most.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// Files of a model's folder at most.
const MAX_FILES: usize = 10_000;

/// What every kind of model says of itself; the rest of its manifest is its loader's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Card {
    pub schema: u32,
    pub id: ModelId,
    pub tier: Tier,
    pub licence: String,
    #[serde(default)]
    pub training: Sources,
    /// SHA-256 of the files that scoring reads, by name.
    pub files: BTreeMap<String, String>,
}

/// The data that a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Sources {
    /// SHA-256 of each file of rows, by its part in training.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
}

/// Whether a file is what the manifest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    Intact,
    Changed,
    Missing,
    /// Not named by the manifest; scoring does not read it.
    Unlisted,
}

impl FileState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Unlisted => "unlisted",
        }
    }

    /// Whether scoring would be refused because of it.
    pub fn is_fault(self) -> bool {
        match self {
            Self::Changed | Self::Missing => true,
            Self::Intact | Self::Unlisted => false,
        }
    }
}

/// One file of a model's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileEntry {
    /// Relative to the folder, with `/`.
    pub name: String,
    pub bytes: u64,
    pub state: FileState,
}

/// A model's folder as it lies there, of whatever kind the model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    pub dir: PathBuf,
    pub card: Card,
    /// The text of `manifest.toml` and its SHA-256.
    pub manifest: String,
    pub manifest_sha256: String,
    /// All files but the manifest, by name.
    pub files: Vec<FileEntry>,
    /// All files together.
    pub bytes: u64,
}

/// A model's folder cannot be looked through.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Manifest { path: PathBuf, source: ManifestError },
    #[error("{}: neither a file nor a folder", .0.display())]
    Special(PathBuf),
    #[error("{}: more than {MAX_FILES} files", .0.display())]
    TooMany(PathBuf),
}

impl FolderError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

impl Folder {
    /// Looks through `dir` and checks every file that its manifest names.
    ///
    /// # Errors
    /// When there is no manifest that can be read, or the folder holds a link or another thing
    /// that is neither a file nor a folder.
    pub fn inspect(dir: &Path) -> Result<Self, FolderError> {
        let path = dir.join(MANIFEST_FILE);
        let bytes = read_manifest(&path)?;
        let manifest_sha256 = hex(&Sha256::digest(&bytes));
        let bad = |source| FolderError::Manifest { path: path.clone(), source };
        let manifest = String::from_utf8(bytes)
            .map_err(|_| bad(ManifestError::Value("not UTF-8".to_owned())))?;
        let card = Card::parse(&manifest).map_err(bad)?;
        let mut found = BTreeMap::new();
        list(dir, dir, &mut found)?;
        let bytes = found.values().sum();
        let mut files = Vec::new();
        for (name, want) in &card.files {
            let (bytes, state) = match found.remove(name) {
                None => (0, FileState::Missing),
                Some(bytes) if file_sha256(&dir.join(name))? == *want => (bytes, FileState::Intact),
                Some(bytes) => (bytes, FileState::Changed),
            };
            files.push(FileEntry { name: name.clone(), bytes, state });
        }
        found.remove(MANIFEST_FILE);
        let rest = found.into_iter();
        files.extend(rest.map(|(name, bytes)| FileEntry {
            name,
            bytes,
            state: FileState::Unlisted,
        }));
        Ok(Self { dir: dir.to_owned(), card, manifest, manifest_sha256, files, bytes })
    }

    /// The files because of which scoring would be refused.
    pub fn faults(&self) -> impl Iterator<Item = &FileEntry> {
        self.files.iter().filter(|f| f.state.is_fault())
    }

    /// The hash that stands for the model in every answer, if the manifest has one.
    pub fn weights_sha256(&self) -> Option<&str> {
        self.card.files.get(WEIGHTS_FILE).map(String::as_str)
    }

    /// A file that lies in the folder, whether the manifest names it or not.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let there = |f: &&FileEntry| f.name == name && f.state != FileState::Missing;
        self.files.iter().find(there).map(|_| self.dir.join(name))
    }
}

impl Card {
    fn parse(text: &str) -> Result<Self, ManifestError> {
        let card: Self = toml::from_str(text)?;
        if card.schema == 0 || card.schema > SCHEMA {
            return Err(ManifestError::Schema(card.schema));
        }
        match card.files.keys().find(|name| !is_inside(name)) {
            Some(name) => Err(ManifestError::Value(format!("{name:?} is no file of the folder"))),
            None => Ok(card),
        }
    }
}

/// Whether the name, with `/`, stays inside the folder.
fn is_inside(name: &str) -> bool {
    let plain = |c| matches!(c, Component::Normal(_));
    !name.is_empty() && !name.contains('\\') && Path::new(name).components().all(plain)
}

fn read_manifest(path: &Path) -> Result<Vec<u8>, FolderError> {
    let bytes = fs::metadata(path).map_err(FolderError::io(path))?.len();
    if bytes > MAX_MANIFEST_BYTES {
        let value = format!("{bytes} bytes, the limit is {MAX_MANIFEST_BYTES}");
        let source = ManifestError::Value(value);
        return Err(FolderError::Manifest { path: path.to_owned(), source });
    }
    fs::read(path).map_err(FolderError::io(path))
}

fn file_sha256(path: &Path) -> Result<String, FolderError> {
    let mut file = fs::File::open(path).map_err(FolderError::io(path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut file, &mut buffer).map_err(FolderError::io(path))? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// The files under `dir` with their sizes, named relative to `root`.
pub(super) fn list(
    root: &Path,
    dir: &Path,
    found: &mut BTreeMap<String, u64>,
) -> Result<(), FolderError> {
    for entry in fs::read_dir(dir).map_err(FolderError::io(dir))? {
        let path = entry.map_err(FolderError::io(dir))?.path();
        // Of a link itself, not of what it points to: that may lie anywhere and change any time.
        let meta = fs::symlink_metadata(&path).map_err(FolderError::io(&path))?;
        if meta.is_dir() {
            list(root, &path, found)?;
        } else if meta.is_file() {
            let inside = path.strip_prefix(root).unwrap_or(&path);
            let parts = inside.components().map(|c| c.as_os_str().to_string_lossy());
            found.insert(parts.collect::<Vec<_>>().join("/"), meta.len());
        } else {
            return Err(FolderError::Special(path));
        }
        if found.len() > MAX_FILES {
            return Err(FolderError::TooMany(root.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sha256_hex;
    use super::super::testing::toy;
    use super::*;

    fn states(dir: &Path) -> Vec<(String, FileState)> {
        let files = Folder::inspect(dir).unwrap().files;
        files.into_iter().map(|f| (f.name, f.state)).collect()
    }

    #[test]
    fn every_file_has_a_state() {
        let models = tempfile::tempdir().unwrap();
        let dir = toy(models.path(), "m-1", "abc");
        let folder = Folder::inspect(&dir).unwrap();
        assert_eq!(folder.faults().count(), 0);
        assert_eq!(folder.weights_sha256().unwrap(), sha256_hex(b"abc"));
        assert_eq!(folder.bytes, 3 + 2 + 6 + folder.manifest.len() as u64);
        assert_eq!(folder.file("REPORT.md"), Some(dir.join("REPORT.md")));
        fs::write(dir.join(WEIGHTS_FILE), "abd").unwrap();
        fs::remove_file(dir.join("encoder/config.json")).unwrap();
        let want = [
            ("encoder/config.json", FileState::Missing),
            (WEIGHTS_FILE, FileState::Changed),
            ("REPORT.md", FileState::Unlisted),
        ];
        assert_eq!(states(&dir), want.map(|(n, s)| (n.to_owned(), s)));
        assert_eq!(Folder::inspect(&dir).unwrap().faults().count(), 2);
        assert_eq!(Folder::inspect(&dir).unwrap().file("encoder/config.json"), None);
    }

    #[test]
    fn a_manifest_names_nothing_outside_its_folder() {
        let models = tempfile::tempdir().unwrap();
        let dir = toy(models.path(), "m-1", "abc");
        let good = fs::read_to_string(dir.join(MANIFEST_FILE)).unwrap();
        for bad in ["../m-2/x", "/etc/passwd", "", "a/../../b", "..\\\\x"] {
            fs::write(dir.join(MANIFEST_FILE), good.replace("encoder/config.json", bad)).unwrap();
            let error = Folder::inspect(&dir).unwrap_err();
            assert!(matches!(error, FolderError::Manifest { .. }), "{bad}: {error}");
        }
        let later = good.replace("schema = 1", "schema = 99");
        fs::write(dir.join(MANIFEST_FILE), later).unwrap();
        assert!(Folder::inspect(&dir).unwrap_err().to_string().contains("schema 99"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let models = tempfile::tempdir().unwrap();
        let dir = toy(models.path(), "m-1", "abc");
        std::os::unix::fs::symlink("/etc/hostname", dir.join("x")).unwrap();
        assert!(matches!(Folder::inspect(&dir), Err(FolderError::Special(_))));
    }
}
