use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::manifest::MANIFEST_FILE;
use crate::domain::{ModelId, ModelIdError};

/// The file in a models folder that names the model in use.
const LIVE: &str = "live";

/// The folder of models cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("no folder of models: {0}")]
    NoModelsDir(String),
    #[error("no model {id} in {}", dir.display())]
    NoModel { id: ModelId, dir: PathBuf },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Live { path: PathBuf, source: ModelIdError },
}

/// The folder of models: `configured` if set, else `models` in the folder `here`, else the one
/// beside the program or in a folder above it.
///
/// # Errors
/// When there is none.
pub fn find_models_dir(
    configured: &Path,
    here: &Path,
    program: Option<&Path>,
) -> Result<PathBuf, LayoutError> {
    if !configured.as_os_str().is_empty() {
        return if configured.is_dir() {
            Ok(configured.to_owned())
        } else {
            Err(LayoutError::NoModelsDir(configured.display().to_string()))
        };
    }
    let has_live = |dir: &PathBuf| dir.join(LIVE).is_file();
    let near = program.into_iter().flat_map(|p| p.ancestors().skip(1).take(4));
    std::iter::once(here.join("models"))
        .chain(near.map(|dir| dir.join("models")))
        .find(has_live)
        .ok_or_else(|| LayoutError::NoModelsDir("./models, nor beside the program".to_owned()))
}

/// The folder of model `id`.
///
/// # Errors
/// When there is none.
pub fn model_dir(models: &Path, id: &ModelId) -> Result<PathBuf, LayoutError> {
    let dir = models.join(id.as_str());
    if dir.join(MANIFEST_FILE).is_file() {
        Ok(dir)
    } else {
        Err(LayoutError::NoModel { id: id.clone(), dir: models.to_owned() })
    }
}

/// The folder of the image encoder, which all models share.
pub fn image_encoder_dir(models: &Path) -> PathBuf {
    models.join("encoders").join("lite0")
}

/// The model that the `live` file names.
///
/// # Errors
/// When the file is missing or names no model.
pub fn live_model(models: &Path) -> Result<ModelId, LayoutError> {
    let path = models.join(LIVE);
    let text = fs::read_to_string(&path)
        .map_err(|source| LayoutError::Io { path: path.clone(), source })?;
    ModelId::new(text.trim()).map_err(|source| LayoutError::Live { path, source })
}

/// The model that the `live` file names, if there is such a file.
///
/// # Errors
/// When the file names no model.
pub fn live_if_any(models: &Path) -> Result<Option<ModelId>, LayoutError> {
    match live_model(models) {
        Ok(id) => Ok(Some(id)),
        Err(LayoutError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The models of a folder by name: the subfolders with a manifest.
///
/// # Errors
/// When the folder cannot be read.
pub fn model_ids(models: &Path) -> Result<Vec<ModelId>, LayoutError> {
    let io = |source| LayoutError::Io { path: models.to_owned(), source };
    let mut ids = Vec::new();
    for entry in fs::read_dir(models).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let id = name.to_str().and_then(|name| ModelId::new(name).ok());
        ids.extend(id.filter(|id| model_dir(models, id).is_ok()));
    }
    ids.sort();
    Ok(ids)
}

/// Makes `id` the model in use, in one step: readers see the old name or the new one.
///
/// # Errors
/// When there is no such model or the folder can't be written.
pub fn set_live(models: &Path, id: &ModelId) -> Result<(), LayoutError> {
    model_dir(models, id)?;
    let path = models.join(LIVE);
    let fresh = models.join(".live.new");
    let write = || {
        let mut file = fs::File::create(&fresh)?;
        writeln!(file, "{id}")?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
    };
    write().map_err(|source| LayoutError::Io { path: path.clone(), source })?;
    sync_folder(models);
    Ok(())
}

/// Asks that renames in `dir` outlast a power cut. Not every file system can, and then what was
/// renamed is as safe as the system makes it.
pub(super) fn sync_folder(dir: &Path) {
    drop(fs::File::open(dir).and_then(|dir| dir.sync_all()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_live_file_names_a_model_that_exists() {
        let dir = tempfile::tempdir().unwrap();
        let id = ModelId::new("m-1").unwrap();
        assert!(matches!(set_live(dir.path(), &id), Err(LayoutError::NoModel { .. })));
        fs::create_dir(dir.path().join("m-1")).unwrap();
        fs::write(dir.path().join("m-1/manifest.toml"), "").unwrap();
        set_live(dir.path(), &id).unwrap();
        assert_eq!(live_model(dir.path()).unwrap(), id);
        fs::write(dir.path().join(LIVE), "../evil").unwrap();
        assert!(matches!(live_model(dir.path()), Err(LayoutError::Live { .. })));
    }

    #[test]
    fn models_are_found_beside_the_program() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("models")).unwrap();
        fs::write(dir.path().join("models/live"), "m").unwrap();
        let program = dir.path().join("target/release/thatgia");
        let empty = Path::new("");
        assert_eq!(
            find_models_dir(empty, &dir.path().join("elsewhere"), Some(&program))
                .unwrap()
                .canonicalize()
                .unwrap(),
            dir.path().join("models").canonicalize().unwrap()
        );
        assert!(find_models_dir(&dir.path().join("none"), dir.path(), None).is_err());
    }
}
