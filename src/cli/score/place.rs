use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Writes a file that is there whole or not at all: `write` gets one of another name beside it,
/// which takes its place at the end. What is no plain file (`/dev/null`, a pipe) is written to.
pub(super) fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(Box<dyn Write + Send + '_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let cannot = || format!("cannot write {}", path.display());
    // A link stays a link, to the new file.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        let file = OpenOptions::new().write(true).open(path).with_context(cannot)?;
        return write(Box::new(BufWriter::new(file)));
    }
    let (file, temporary) = Temporary::beside(path).with_context(cannot)?;
    let value = write(Box::new(BufWriter::new(&file)))?;
    file.sync_all().with_context(cannot)?;
    temporary.becomes(path).with_context(cannot)?;
    Ok(value)
}

/// A file that goes when it has not taken its place.
struct Temporary(Option<PathBuf>);

impl Temporary {
    fn beside(path: &Path) -> io::Result<(File, Self)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        Ok((file, Self(Some(temporary))))
    }

    fn becomes(mut self, path: &Path) -> io::Result<()> {
        match self.0.take() {
            Some(temporary) => fs::rename(&temporary, path).inspect_err(|_| {
                self.0 = Some(temporary);
            }),
            None => Ok(()),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            drop(fs::remove_file(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.jsonl");
        fs::write(&path, "old").unwrap();
        let failed = write_whole(&path, |mut out| -> anyhow::Result<()> {
            out.write_all(b"half")?;
            out.flush()?;
            anyhow::bail!("stopped")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        write_whole(&path, |mut out| Ok(out.write_all(b"new")?)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = write_whole(Path::new("no/such/out"), |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "cannot write no/such/out");
    }
}
