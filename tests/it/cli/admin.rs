use super::thatgia;

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_looking() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["key", "list"][..],
        &["key", "create", "--role", "admin", "--name", "x"],
        &["key", "revoke", "k-0123456789abcdef"],
        &["store", "verify-audit"],
        &["store", "backup", "b.db"],
    ] {
        let output = thatgia(dir.path(), args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(text(output.stderr).starts_with("error: no store in data\nhint: "), "{args:?}");
        assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none(), "{args:?}");
    }
    let output = thatgia(dir.path(), &["key", "create", "--role", "king", "--name", "x"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(output.stderr).contains("crawler, analyst, supervisor"));
}
