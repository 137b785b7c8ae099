use super::thatgia;

#[test]
fn usage_errors_end_with_1_and_help_with_0() {
    let dir = tempfile::tempdir().unwrap();
    for (args, code) in [
        (&[][..], 1),
        (&["score"], 1),
        (&["scoer"], 1),
        (&["score", "--tier", "huge", "a.jsonl"], 1),
        (&["score", "--threads", "0", "a.jsonl"], 1),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["score", "--help"], 0),
    ] {
        let output = thatgia(dir.path(), args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert_eq!(output.stdout.is_empty(), code == 1, "{args:?}");
        assert_eq!(output.stderr.is_empty(), code == 0, "{args:?}");
    }
}

#[test]
fn a_model_that_is_not_there_is_an_error_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.jsonl"), "{\"title\":\"a\"}\n").unwrap();
    let args = ["score", "a.jsonl", "--model", "no-such", "--out", "scores.csv"];
    let output = thatgia(dir.path(), &args);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.starts_with("error: ") && errors.contains("\nhint: "), "{errors}");
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing may be left behind");
}

#[test]
fn settings_that_do_not_fit_are_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("s.toml"), "[limits]\ntitel_chars = 1\n").unwrap();
    let output = thatgia(dir.path(), &["score", "-", "--config", "s.toml"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("titel_chars"), "{errors}");
}
