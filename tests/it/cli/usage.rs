use std::process::{Command, Output};

fn thatgia(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thatgia")).args(args).output().unwrap()
}

#[test]
fn usage_errors_end_with_1_and_help_with_0() {
    for (args, code) in [
        (&[][..], 1),
        (&["score"], 1),
        (&["scoer"], 1),
        (&["score", "--tier", "huge", "a.jsonl"], 1),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["score", "--help"], 0),
    ] {
        let output = thatgia(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert_eq!(output.stdout.is_empty(), code == 1, "{args:?}");
    }
}
