use std::fs;
use std::path::{Path, PathBuf};

use super::manifest::{MANIFEST_FILE, WEIGHTS_FILE};
use super::sha256_hex;

/// A model of a kind that this build does not load: a manifest and two files.
pub(super) fn toy(models: &Path, id: &str, weights: &str) -> PathBuf {
    let dir = models.join(id);
    fs::create_dir_all(dir.join("encoder")).unwrap();
    fs::write(dir.join(WEIGHTS_FILE), weights).unwrap();
    fs::write(dir.join("encoder/config.json"), "{}").unwrap();
    fs::write(dir.join("REPORT.md"), "# Card").unwrap();
    let manifest = format!(
        "schema = 1\nid = {id:?}\ntier = \"fast\"\nlicence = \"MIT\"\nodd = true\n[files]\n\
         {WEIGHTS_FILE:?} = {:?}\n\"encoder/config.json\" = {:?}\n",
        sha256_hex(weights.as_bytes()),
        sha256_hex(b"{}"),
    );
    fs::write(dir.join(MANIFEST_FILE), manifest).unwrap();
    dir
}
