use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use thatgia::config;
use thatgia::domain::ModelId;
use thatgia::flow::Live;
use thatgia::registry::{MANIFEST_FILE, Manifest};
use thatgia::scoring;

/// A folder of models with the fast one under two names.
pub(super) fn models() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(super::FAST);
    for id in ["one", "two"] {
        let to = dir.path().join(id);
        fs::create_dir(&to).unwrap();
        for entry in fs::read_dir(&shipped).unwrap() {
            let from = entry.unwrap().path();
            fs::copy(&from, to.join(from.file_name().unwrap())).unwrap();
        }
        let path = to.join(MANIFEST_FILE);
        let mut manifest = Manifest::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        manifest.id = ModelId::new(id).unwrap();
        fs::write(path, manifest.to_toml().unwrap()).unwrap();
    }
    let path = dir.path().to_owned();
    fs::write(path.join("live"), "one").unwrap();
    (dir, path)
}

#[tokio::test]
async fn the_service_goes_over_to_the_model_named_as_live_if_it_can() {
    let (_dir, path) = models();
    let mut settings = config::load(None).unwrap().scoring;
    path.clone_into(&mut settings.models_dir);
    let live = Live::new(scoring::load(&settings).unwrap());
    assert!(!live.refresh(&settings).await.unwrap());
    fs::write(path.join("live"), "two").unwrap();
    let held = live.get();
    assert!(live.refresh(&settings).await.unwrap());
    assert_eq!((held.model().id.as_str(), live.get().model().id.as_str()), ("one", "two"));
    fs::write(path.join("one/model.safetensors"), "no weights").unwrap();
    fs::write(path.join("live"), "one").unwrap();
    assert!(live.refresh(&settings).await.is_err());
    fs::write(path.join("live"), "three").unwrap();
    assert!(live.refresh(&settings).await.is_err());
    assert_eq!(live.get().model().id.as_str(), "two", "what works stays in use");
}
