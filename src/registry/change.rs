use std::fs;
use std::path::{Path, PathBuf};

use super::folder::{Folder, FolderError, list};
use super::history::{Change, Held, HistoryError, prepare, read_history, settle};
use super::layout::{LayoutError, live_if_any, set_live, sync_folder};
use crate::domain::ModelId;

/// The file that is locked while another model comes into use.
const LOCK: &str = ".lock";

/// The right to change which model of a folder is in use; one at a time, over all processes.
///
/// The `live` file decides: it is replaced in one step, and a stop at any point leaves the old
/// model in use or the new one. The lock goes with the process that holds it.
#[derive(Debug)]
pub struct Exclusive {
    models: PathBuf,
    /// Locked as long as it is open.
    _lock: fs::File,
}

/// Another model could not be brought into use.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("{}: another promotion or rollback is under way", .0.display())]
    Busy(PathBuf),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("{}: {file} is {state}", dir.display())]
    Fault { dir: PathBuf, file: String, state: &'static str },
    #[error("{} holds another model of this name", .0.display())]
    Taken(PathBuf),
    #[error("{}: not the model that was judged", .0.display())]
    NotJudged(PathBuf),
    #[error("{}: not the model that was in use before", .0.display())]
    NotHeld(PathBuf),
    #[error("no model was in use before this one")]
    NoneBefore,
    #[error("{0} was never in use")]
    NeverLive(ModelId),
    #[error("{0} is in use already")]
    AlreadyLive(ModelId),
    #[error("the history ends with {last}, but {live} is in use")]
    Unrecorded { last: ModelId, live: String },
}

impl Exclusive {
    /// Locks the folder and ends a change that was stopped halfway.
    ///
    /// # Errors
    /// [`ChangeError::Busy`] at once when another holds the lock; else when the folder can't be
    /// written.
    pub fn lock(models: &Path) -> Result<Self, ChangeError> {
        let path = models.join(LOCK);
        let io = |source| ChangeError::Io { path: path.clone(), source };
        // Not truncated and never removed: a removed lock could be held twice.
        let file = fs::File::options().create(true).append(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(ChangeError::Busy(models.to_owned())),
            Err(fs::TryLockError::Error(source)) => return Err(io(source)),
        }
        settle(models, live_if_any(models)?.as_ref())?;
        Ok(Self { models: models.to_owned(), _lock: file })
    }

    /// The model in use.
    ///
    /// # Errors
    /// When the `live` file names no model.
    pub fn live(&self) -> Result<Option<ModelId>, ChangeError> {
        Ok(live_if_any(&self.models)?)
    }

    /// Brings a candidate into the folder of models, if it lies elsewhere, and checks it there: the
    /// same manifest as `candidate` has, and every file as the manifest says.
    ///
    /// # Errors
    /// When another model has the name, or the folder is no longer what was looked through.
    pub fn install(&self, candidate: &Folder) -> Result<Folder, ChangeError> {
        check_name(&self.models, candidate)?;
        let target = self.models.join(candidate.card.id.as_str());
        if !target.exists() {
            let part = self.models.join(".incoming");
            self.copy(candidate, &part, &target)
                .inspect_err(|_| drop(fs::remove_dir_all(&part)))?;
        }
        let installed = intact(Folder::inspect(&target)?)?;
        if installed.manifest_sha256 == candidate.manifest_sha256 {
            Ok(installed)
        } else {
            Err(ChangeError::NotJudged(target))
        }
    }

    /// Copies beside the target, checks the copy and renames it.
    fn copy(&self, candidate: &Folder, part: &Path, target: &Path) -> Result<(), ChangeError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| ChangeError::Io { path, source }
        };
        if part.exists() {
            fs::remove_dir_all(part).map_err(io(part))?;
        }
        let mut files = std::collections::BTreeMap::new();
        list(&candidate.dir, &candidate.dir, &mut files)?;
        for name in files.keys() {
            let to = part.join(name);
            let parent = to.parent().unwrap_or(part);
            fs::create_dir_all(parent).map_err(io(parent))?;
            fs::copy(candidate.dir.join(name), &to).map_err(io(&to))?;
            let file = fs::File::open(&to).map_err(io(&to))?;
            file.sync_all().map_err(io(&to))?;
        }
        if intact(Folder::inspect(part)?)?.manifest_sha256 != candidate.manifest_sha256 {
            return Err(ChangeError::NotJudged(candidate.dir.clone()));
        }
        fs::rename(part, target).map_err(io(target))?;
        sync_folder(&self.models);
        Ok(())
    }

    /// Makes `change.to` the model in use and adds the change to the history.
    ///
    /// # Errors
    /// When a file cannot be written; the model in use is then as before, unless the error is of
    /// the history's last step, which the next change makes up for.
    pub fn commit(&self, change: &Change) -> Result<(), ChangeError> {
        let live = self.live()?;
        prepare(&self.models, change)?;
        if let Err(error) = set_live(&self.models, &change.to.id) {
            settle(&self.models, live.as_ref())?;
            return Err(error.into());
        }
        Ok(settle(&self.models, Some(&change.to.id))?)
    }

    /// The model to go back to, checked: `to` if given, which must have been in use once, else the
    /// one that the last change took out of use. A rollback is a change too, so that a second one
    /// undoes the first.
    ///
    /// # Errors
    /// When there is none, it is gone, or its files are not those that were in use.
    pub fn before(&self, to: Option<&ModelId>) -> Result<Folder, ChangeError> {
        let history = read_history(&self.models)?;
        let live = self.live()?;
        let held = match to {
            Some(id) if live.as_ref() == Some(id) => {
                return Err(ChangeError::AlreadyLive(id.clone()));
            }
            Some(id) => {
                let held = history.iter().rev().flat_map(|c| [Some(&c.to), c.from.as_ref()]);
                let found = held.flatten().find(|h| h.id == *id);
                found.ok_or_else(|| ChangeError::NeverLive(id.clone()))?
            }
            None => {
                let last = history.last().ok_or(ChangeError::NoneBefore)?;
                if live.as_ref() != Some(&last.to.id) {
                    let live = live.map_or_else(|| "no model".to_owned(), |id| id.to_string());
                    return Err(ChangeError::Unrecorded { last: last.to.id.clone(), live });
                }
                last.from.as_ref().ok_or(ChangeError::NoneBefore)?
            }
        };
        let dir = self.models.join(held.id.as_str());
        let folder = intact(Folder::inspect(&dir)?)?;
        if Held::new(&folder) == *held { Ok(folder) } else { Err(ChangeError::NotHeld(dir)) }
    }

    /// The model in use with its hashes: as its folder is, or where that can't be read, as the
    /// history says, so that a broken model can be rolled back from.
    ///
    /// # Errors
    /// When the `live` file or the history cannot be read.
    pub fn held(&self) -> Result<Option<Held>, ChangeError> {
        let Some(live) = self.live()? else { return Ok(None) };
        if let Ok(folder) = Folder::inspect(&self.models.join(live.as_str())) {
            return Ok(Some(Held::new(&folder)));
        }
        let last = read_history(&self.models)?.pop().map(|c| c.to);
        Ok(last.filter(|held| held.id == live))
    }
}

/// Whether the candidate's name is free in the folder of models, or its own.
///
/// # Errors
/// [`ChangeError::Taken`] when another model has it.
pub fn check_name(models: &Path, candidate: &Folder) -> Result<(), ChangeError> {
    let target = models.join(candidate.card.id.as_str());
    if !target.exists() || same_place(&target, &candidate.dir) {
        return Ok(());
    }
    let same = Folder::inspect(&target)?.manifest_sha256 == candidate.manifest_sha256;
    if same { Ok(()) } else { Err(ChangeError::Taken(target)) }
}

fn intact(folder: Folder) -> Result<Folder, ChangeError> {
    let fault = folder.faults().next().map(|f| (f.name.clone(), f.state.as_str()));
    match fault {
        None => Ok(folder),
        Some((file, state)) => Err(ChangeError::Fault { dir: folder.dir, file, state }),
    }
}

fn same_place(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::super::history::Action;
    use super::super::manifest::{MANIFEST_FILE, WEIGHTS_FILE};
    use super::super::testing::toy;
    use super::super::{HISTORY_FILE, live_model};
    use super::*;

    fn id(name: &str) -> ModelId {
        ModelId::new(name).unwrap()
    }

    fn change(exclusive: &Exclusive, to: &Folder, action: Action) -> Change {
        Change {
            time: OffsetDateTime::UNIX_EPOCH,
            action,
            from: exclusive.held().unwrap(),
            to: Held::new(to),
            dataset_sha256: None,
            report_sha256: None,
        }
    }

    fn promote(models: &Path, dir: &Path) {
        let exclusive = Exclusive::lock(models).unwrap();
        let folder = exclusive.install(&Folder::inspect(dir).unwrap()).unwrap();
        exclusive.commit(&change(&exclusive, &folder, Action::Promote)).unwrap();
    }

    fn rollback(models: &Path, to: Option<&str>) -> Result<(), ChangeError> {
        let exclusive = Exclusive::lock(models)?;
        let folder = exclusive.before(to.map(id).as_ref())?;
        exclusive.commit(&change(&exclusive, &folder, Action::Rollback))
    }

    fn live(models: &Path) -> String {
        live_model(models).unwrap().to_string()
    }

    /// The models that were brought into use, in order.
    fn story(models: &Path) -> Vec<String> {
        read_history(models).unwrap().into_iter().map(|c| c.to.id.to_string()).collect()
    }

    /// Three models of which the last is in use.
    fn three() -> tempfile::TempDir {
        let models = tempfile::tempdir().unwrap();
        for name in ["m-1", "m-2", "m-3"] {
            promote(models.path(), &toy(models.path(), name, name));
        }
        models
    }

    #[test]
    fn a_candidate_from_elsewhere_is_copied_whole() {
        let (models, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dir = toy(other.path(), "m-1", "abc");
        promote(models.path(), &dir);
        let there = Folder::inspect(&models.path().join("m-1")).unwrap();
        assert_eq!(there.files, Folder::inspect(&dir).unwrap().files);
        assert_eq!(live(models.path()), "m-1");
        assert!(!models.path().join(".incoming").exists());
        let from: Vec<_> =
            read_history(models.path()).unwrap().into_iter().map(|c| c.from).collect();
        assert_eq!(from, [None]);
    }

    #[test]
    fn a_name_is_not_given_twice_and_a_changed_candidate_is_refused() {
        let (models, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        toy(models.path(), "m-1", "abc");
        let dir = toy(other.path(), "m-1", "abd");
        let exclusive = Exclusive::lock(models.path()).unwrap();
        let judged = Folder::inspect(&dir).unwrap();
        assert!(matches!(exclusive.install(&judged), Err(ChangeError::Taken(_))));
        fs::remove_dir_all(models.path().join("m-1")).unwrap();
        fs::write(dir.join(WEIGHTS_FILE), "abe").unwrap();
        assert!(matches!(exclusive.install(&judged), Err(ChangeError::Fault { .. })));
        let dir = toy(other.path(), "m-1", "other");
        assert!(matches!(exclusive.install(&judged), Err(ChangeError::NotJudged(_))));
        let dirs =
            fs::read_dir(models.path()).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir());
        assert_eq!(dirs.count(), 0, "nothing half copied is left");
        // Changed in its place.
        let inside = toy(models.path(), "m-2", "abc");
        let judged = Folder::inspect(&inside).unwrap();
        toy(models.path(), "m-2", "abd");
        assert!(matches!(exclusive.install(&judged), Err(ChangeError::NotJudged(_))));
        assert!(dir.exists());
    }

    #[test]
    fn a_second_rollback_undoes_the_first() {
        let models = three();
        let path = models.path();
        for want in ["m-2", "m-3", "m-2"] {
            rollback(path, None).unwrap();
            assert_eq!(live(path), want);
        }
        rollback(path, Some("m-1")).unwrap();
        assert_eq!(live(path), "m-1");
        rollback(path, None).unwrap();
        assert_eq!(live(path), "m-2");
        assert_eq!(story(path), ["m-1", "m-2", "m-3", "m-2", "m-3", "m-2", "m-1", "m-2"]);
        assert!(matches!(rollback(path, Some("m-2")), Err(ChangeError::AlreadyLive(_))));
        assert!(matches!(rollback(path, Some("m-9")), Err(ChangeError::NeverLive(_))));
    }

    #[test]
    fn what_is_gone_or_changed_does_not_come_back() {
        let models = three();
        let path = models.path();
        let weights = path.join("m-2").join(WEIGHTS_FILE);
        fs::write(&weights, "x").unwrap();
        assert!(matches!(rollback(path, None), Err(ChangeError::Fault { .. })));
        // Its hashes are right again, but it is another model.
        toy(path, "m-2", "x");
        assert!(matches!(rollback(path, None), Err(ChangeError::NotHeld(_))));
        fs::remove_dir_all(path.join("m-2")).unwrap();
        assert!(matches!(rollback(path, None), Err(ChangeError::Folder(_))));
        assert_eq!((live(path), story(path).len()), ("m-3".to_owned(), 3));
    }

    #[test]
    fn a_broken_model_is_rolled_back_from() {
        let models = three();
        fs::remove_dir_all(models.path().join("m-3")).unwrap();
        rollback(models.path(), None).unwrap();
        assert_eq!(live(models.path()), "m-2");
        let last = read_history(models.path()).unwrap().pop().unwrap();
        assert_eq!(last.from.unwrap().id, id("m-3"));
    }

    #[test]
    fn without_a_past_there_is_no_rollback() {
        let models = tempfile::tempdir().unwrap();
        assert!(matches!(rollback(models.path(), None), Err(ChangeError::NoneBefore)));
        promote(models.path(), &toy(models.path(), "m-1", "a"));
        assert!(matches!(rollback(models.path(), None), Err(ChangeError::NoneBefore)));
        toy(models.path(), "m-2", "b");
        set_live(models.path(), &id("m-2")).unwrap();
        assert!(matches!(rollback(models.path(), None), Err(ChangeError::Unrecorded { .. })));
        rollback(models.path(), Some("m-1")).unwrap();
        assert_eq!(live(models.path()), "m-1");
    }

    #[test]
    fn only_one_changes_at_a_time() {
        let models = three();
        let first = Exclusive::lock(models.path()).unwrap();
        assert!(matches!(Exclusive::lock(models.path()), Err(ChangeError::Busy(_))));
        drop(first);
        assert!(Exclusive::lock(models.path()).is_ok());
    }

    #[test]
    fn a_stop_halfway_leaves_the_old_or_the_new() {
        let models = three();
        let path = models.path();
        let history = || fs::read_to_string(path.join(HISTORY_FILE)).unwrap();
        let before = history();
        let exclusive = Exclusive::lock(path).unwrap();
        let to = Folder::inspect(&path.join("m-1")).unwrap();
        let change = change(&exclusive, &to, Action::Rollback);
        drop(exclusive);
        // Before `live` is replaced.
        prepare(path, &change).unwrap();
        drop(Exclusive::lock(path).unwrap());
        assert_eq!((live(path), history()), ("m-3".to_owned(), before));
        // While the history is written, in a line and between two; the first line brought in a
        // model that is in use again.
        rollback(path, Some("m-1")).unwrap();
        let before = history();
        let first_line = before.find('\n').unwrap() + 1;
        for end in [before.len() - 9, before.len(), first_line, 0] {
            fs::write(path.join(".history.new"), &before[..end]).unwrap();
            drop(Exclusive::lock(path).unwrap());
            assert_eq!((live(path), history()), ("m-1".to_owned(), before.clone()));
        }
        rollback(path, None).unwrap();
        let before = history();
        // After `live` is replaced.
        prepare(path, &change).unwrap();
        set_live(path, &id("m-1")).unwrap();
        drop(Exclusive::lock(path).unwrap());
        assert_eq!(story(path), ["m-1", "m-2", "m-3", "m-1", "m-3", "m-1"]);
        assert!(history().starts_with(&before));
        let left: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter(|n| n.ends_with(".new"))
            .collect();
        assert_eq!(left, [""; 0]);
        assert!(path.join("m-1").join(MANIFEST_FILE).is_file());
    }

    #[test]
    fn a_history_that_cannot_be_read_stops_everything() {
        let models = three();
        let path = models.path().join(HISTORY_FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{{\n")).unwrap();
        let error = rollback(models.path(), None).unwrap_err().to_string();
        assert!(error.contains("history.jsonl:4: "), "{error}");
    }
}
