use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt as _;
use thatgia::config;
use thatgia::domain::{ModelId, SystemClock};
use thatgia::flow::{Shadow, Submit, SubmitParts};
use thatgia::scoring;
use thatgia::store::Store;

use super::live::models;

/// What would put a model in the shadow, live `one`.
async fn submit(settings: &config::Scoring, data: &Path) -> Submit {
    let store = config::Store { data_dir: data.to_owned(), url: String::new(), max_connections: 1 };
    let store = Store::open(&store, Arc::new(SystemClock)).await.unwrap();
    let scorer = scoring::load(settings).unwrap();
    let limits = config::load(None).unwrap().limits;
    Submit::new(SubmitParts { scorer, store, limits, origin: None, queue_items: 8 })
}

fn named(shadow: &Shadow) -> Option<(String, f64)> {
    shadow.named().map(|s| (s.model.to_string(), s.share.value()))
}

#[tokio::test]
async fn the_model_that_the_file_names_is_in_the_shadow_if_it_can() {
    let (_dir, path) = models();
    let data = tempfile::tempdir().unwrap();
    let mut settings = config::load(None).unwrap().scoring;
    path.clone_into(&mut settings.models_dir);
    let submit = submit(&settings, data.path()).await;
    let shadow = submit.shadow();
    assert!(!shadow.refresh(&settings).await.unwrap());
    assert_eq!(named(shadow), None);

    let write = |text: &str| fs::write(path.join("shadow"), text).unwrap();
    write("model = \"two\"\nshare = 0.5\n");
    assert!(shadow.refresh(&settings).await.unwrap());
    assert!(!shadow.refresh(&settings).await.unwrap());
    assert_eq!(named(shadow), Some(("two".to_owned(), 0.5)));

    // Another share takes no loading: a model that can't be loaded any more goes on.
    let weights = path.join("two/model.safetensors");
    let sound = fs::read(&weights).unwrap();
    fs::write(&weights, "no weights").unwrap();
    write("model = \"two\"\nshare = 1\n");
    assert!(shadow.refresh(&settings).await.unwrap());
    assert_eq!(named(shadow), Some(("two".to_owned(), 1.0)));

    // Nothing named, or named badly: none.
    for text in ["model = \"three\"\nshare = 1", "share = 1", "\0", ""] {
        write(text);
        assert!(shadow.refresh(&settings).await.is_err(), "{text}");
        assert_eq!(named(shadow), None);
    }
    write("model = \"two\"\nshare = 1\n");
    assert!(shadow.refresh(&settings).await.is_err(), "its weights are none");
    assert_eq!((named(shadow), submit.live().get().model().id.as_str()), (None, "one"));
    fs::write(&weights, sound).unwrap();
    assert!(shadow.refresh(&settings).await.unwrap());

    // The live model is no shadow of itself.
    fs::write(path.join("live"), "two").unwrap();
    assert!(submit.live().refresh(&settings).await.unwrap());
    assert!(shadow.refresh(&settings).await.unwrap());
    assert!(!shadow.refresh(&settings).await.unwrap());
    assert_eq!(named(shadow), None);
    fs::write(path.join("live"), "one").unwrap();
    submit.live().refresh(&settings).await.unwrap();
    assert!(shadow.refresh(&settings).await.unwrap());
    fs::remove_file(path.join("shadow")).unwrap();
    assert!(shadow.refresh(&settings).await.unwrap());
    assert_eq!(named(shadow), None);
}

#[tokio::test]
async fn a_look_at_the_start_is_all_where_nothing_is_followed() {
    let (_dir, path) = models();
    let data = tempfile::tempdir().unwrap();
    let mut settings = config::load(None).unwrap().scoring;
    path.clone_into(&mut settings.models_dir);
    let submit = submit(&settings, data.path()).await;
    fs::write(path.join("shadow"), "model = \"two\"\nshare = 0.5\n").unwrap();
    Arc::clone(submit.shadow()).follow(settings, None).await;
    assert_eq!(submit.shadow().named().map(|s| s.model), ModelId::new("two").ok());
    assert!(submit.shadow().settled().now_or_never().is_some(), "nothing was scored");
}
