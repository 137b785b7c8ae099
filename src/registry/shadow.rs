use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::layout::{LayoutError, model_dir, sync_folder};
use crate::domain::ModelId;

/// The file in a models folder that names the model in the shadow.
const SHADOW: &str = "shadow";

/// A share of all listings: above 0 and at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

/// The number is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a share is above 0 and at most 1, got {0}")]
pub struct ShareError(String);

/// Which model scores in the shadow, and how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadowing {
    pub model: ModelId,
    pub share: Share,
}

/// The `shadow` file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ShadowFileError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: {why}", path.display())]
    Form { path: PathBuf, why: String },
}

impl Share {
    /// Checks `share`.
    ///
    /// # Errors
    /// When it is not above 0 and at most 1.
    pub fn new(share: f64) -> Result<Self, ShareError> {
        if share > 0.0 && share <= 1.0 {
            Ok(Self(share))
        } else {
            Err(ShareError(share.to_string()))
        }
    }

    pub fn value(self) -> f64 {
        self.0
    }

    /// Whether what has this hash is in the share. What is in a share is in every larger one.
    pub fn holds(self, hash: u64) -> bool {
        // 2^64 times the share, which is a whole number of at most 65 bits once cut.
        u128::from(hash) < (self.0 * 2_f64.powi(64)) as u128
    }
}

impl TryFrom<f64> for Share {
    type Error = ShareError;

    fn try_from(share: f64) -> Result<Self, ShareError> {
        Self::new(share)
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let wrong = |_| ShareError(format!("{:?}", text.chars().take(40).collect::<String>()));
        Self::new(text.parse().map_err(wrong)?)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The model in the shadow, if there is one.
///
/// # Errors
/// When the `shadow` file cannot be read or says something else.
pub fn read_shadow(models: &Path) -> Result<Option<Shadowing>, ShadowFileError> {
    let path = models.join(SHADOW);
    match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).map(Some).map_err(|e| {
            let why = e.message().to_owned();
            ShadowFileError::Form { path, why }
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ShadowFileError::Io { path, source }),
    }
}

/// Puts a model in the shadow, in one step: readers see the old file or the new one.
///
/// # Errors
/// When there is no such model or the folder can't be written.
pub fn set_shadow(models: &Path, shadowing: &Shadowing) -> Result<(), ShadowFileError> {
    model_dir(models, &shadowing.model)?;
    let path = models.join(SHADOW);
    let fresh = models.join(".shadow.new");
    let text = toml::to_string(shadowing)
        .map_err(|e| ShadowFileError::Form { path: path.clone(), why: e.to_string() })?;
    let write = || {
        let mut file = fs::File::create(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
    };
    write().map_err(|source| ShadowFileError::Io { path: path.clone(), source })?;
    sync_folder(models);
    Ok(())
}

/// Takes the model out of the shadow; `false` when there was none.
///
/// # Errors
/// When the file can't be removed.
pub fn clear_shadow(models: &Path) -> Result<bool, ShadowFileError> {
    let path = models.join(SHADOW);
    match fs::remove_file(&path) {
        Ok(()) => {
            sync_folder(models);
            Ok(true)
        }
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(ShadowFileError::Io { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::toy;
    use super::*;

    fn shadowing(model: &str, share: f64) -> Shadowing {
        Shadowing { model: ModelId::new(model).unwrap(), share: Share::new(share).unwrap() }
    }

    #[test]
    fn the_file_comes_back_as_it_was_set() {
        let dir = tempfile::tempdir().unwrap();
        let models = dir.path();
        assert_eq!(read_shadow(models).unwrap(), None);
        assert!(set_shadow(models, &shadowing("m-1", 0.1)).is_err(), "there is no such model");
        toy(models, "m-1", "abc");
        for share in [0.1, 1.0] {
            set_shadow(models, &shadowing("m-1", share)).unwrap();
            assert_eq!(read_shadow(models).unwrap(), Some(shadowing("m-1", share)));
        }
        let text = fs::read_to_string(models.join(SHADOW)).unwrap();
        assert_eq!(text, "model = \"m-1\"\nshare = 1.0\n");
        assert!(!models.join(".shadow.new").exists());
        assert!(clear_shadow(models).unwrap());
        assert!(!clear_shadow(models).unwrap());
        assert_eq!(read_shadow(models).unwrap(), None);
    }

    #[test]
    fn a_file_that_says_something_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SHADOW);
        fs::write(&path, "share = 1\nmodel = \"m-1\"").unwrap();
        assert_eq!(read_shadow(dir.path()).unwrap(), Some(shadowing("m-1", 1.0)));
        for text in [
            "",
            "m-1",
            "model = \"m-1\"",
            "model = \"../m\"\nshare = 0.5",
            "model = \"m-1\"\nshare = 0",
            "model = \"m-1\"\nshare = 1.5",
            "model = \"m-1\"\nshare = nan",
            "model = \"m-1\"\nshare = 0.5\nlive = true",
        ] {
            fs::write(&path, text).unwrap();
            let error = read_shadow(dir.path()).unwrap_err();
            assert!(matches!(error, ShadowFileError::Form { .. }), "{text}: {error}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(read_shadow(dir.path()), Err(ShadowFileError::Io { .. })));
    }

    #[test]
    fn a_share_is_of_the_space_of_hashes() {
        let share = |s: f64| Share::new(s).unwrap();
        assert!(share(1.0).holds(u64::MAX) && share(1.0).holds(0));
        assert!(share(0.5).holds((1 << 63) - 1) && !share(0.5).holds(1 << 63));
        assert!(share(0.25).holds((1 << 62) - 1) && !share(0.25).holds(1 << 62));
        assert!(share(f64::MIN_POSITIVE).value() > 0.0);
        for bad in ["0", "-0.1", "1.01", "nan", "inf", "", "half"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
        assert_eq!("0.1".parse(), Share::new(0.1));
    }
}
