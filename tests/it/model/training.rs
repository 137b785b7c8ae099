use std::fs;
use std::path::Path;

use thatgia::nn::Arithmetic;
use thatgia::registry::{LoadError, load_model};
use thatgia::train;

/// The shipped recipe on a fifth of the rows and few epochs, from the shipped embeddings.
fn recipe(dir: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for side in ["train", "valid"] {
        let rows = fs::read_to_string(root.join(format!("datasets/gold/{side}.jsonl"))).unwrap();
        let few: Vec<&str> = rows.lines().step_by(5).collect();
        let path = dir.join(format!("{side}.jsonl"));
        fs::write(&path, few.join("\n")).unwrap();
        paths.push(path);
    }
    let text = fs::read_to_string(root.join("models/recipes/vi-fast.toml")).unwrap();
    let mut recipe: toml::Table = toml::from_str(&text).unwrap();
    let at = |path: &str| toml::Value::from(root.join(path).display().to_string());
    let file = |i: usize| toml::Value::from(paths[i].display().to_string());
    recipe["data"]["knowledge"] = at("datasets/lexicon");
    recipe["data"]["train"] = file(0);
    recipe["data"]["valid"] = file(1);
    recipe["model"]["embedding"] = at(recipe["model"]["embedding"].as_str().unwrap());
    recipe["fit"]["epochs"] = 2.into();
    toml::to_string(&recipe).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_model_and_a_changed_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = recipe(dir.path());
    let run = |name: &str, seed: u64| {
        train::run(&recipe, Some(seed), &dir.path().join(name), &mut |_| {}).unwrap()
    };
    let (first, second, other) = (run("a", 1), run("b", 1), run("c", 2));
    assert_eq!(first.manifest.files, second.manifest.files);
    assert_ne!(first.manifest.files, other.manifest.files);

    let model = load_model(&first.dir, Arithmetic::default()).unwrap();
    assert_eq!(model.reference.id.as_str(), "vi-fast-2026-11c");
    let lexicon = first.dir.join("lexicon.toml");
    let text = fs::read_to_string(&lexicon).unwrap();
    fs::write(&lexicon, text.replacen("replica", "Replica", 1)).unwrap();
    assert!(matches!(load_model(&first.dir, Arithmetic::default()), Err(LoadError::Hash { .. })));
}
