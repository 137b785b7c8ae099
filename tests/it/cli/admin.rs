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

#[test]
fn keys_are_made_listed_and_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = thatgia(dir.path(), args);
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, _) = run(&["store", "migrate", "--dry-run"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let (code, out, _) = run(&["store", "migrate"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("0001 "), "{out}");
    assert_eq!(
        run(&["store", "migrate"]),
        (Some(0), String::new(), "the store is up to date\n".into())
    );

    let create =
        ["key", "create", "--role", "analyst", "--name", "T. Nguyen", "--province", "Hà Nội"];
    let (code, key, notes) = run(&create);
    assert_eq!(code, Some(0), "{notes}");
    assert!(key.starts_with("tg_") && key.trim_end().len() == 46, "{key}");
    assert!(!notes.contains(key.trim_end()));
    let (_, list, _) = run(&["key", "list", "--json"]);
    let record: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        (&record["role"], &record["provinces"]),
        (&"analyst".into(), &serde_json::json!(["Hà Nội"]))
    );
    assert!(!list.contains(key.trim_end()));

    let id = record["id"].as_str().unwrap();
    let (code, link, notes) = run(&["key", "sign-in", id, "--url", "https://t.example/"]);
    assert_eq!(code, Some(0), "{notes}");
    let token = link.trim_end().strip_prefix("https://t.example/console/sign-in?token=");
    assert_eq!(token.map(str::len), Some(43), "{link}");
    assert!(notes.contains("T. Nguyen") && !notes.contains(token.unwrap()), "{notes}");
    let (_, link, _) = run(&["key", "sign-in", id]);
    assert!(link.starts_with("http://127.0.0.1:8080/console/sign-in?token="), "{link}");
    assert_eq!(run(&["key", "create", "--role", "crawler", "--name", "c"]).0, Some(0));
    let (_, list, _) = run(&["key", "list", "--json"]);
    let crawler: serde_json::Value = serde_json::from_str(list.lines().nth(1).unwrap()).unwrap();
    for (other, hint) in [(crawler["id"].as_str().unwrap(), "the console is for"), ("k-0", "ids")] {
        let (code, out, notes) = run(&["key", "sign-in", other]);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{notes}");
        assert!(notes.contains("\nhint: ") && notes.contains(hint), "{notes}");
    }

    assert_eq!(run(&["key", "revoke", id]).0, Some(0));
    let (_, list, _) = run(&["key", "list", "--json"]);
    assert!(list.contains("\"revoked_at\":\"2"), "{list}");
    let (code, _, notes) = run(&["key", "revoke", "k-ffffffffffffffff"]);
    assert_eq!(code, Some(1));
    assert!(notes.contains("\nhint: `thatgia key list`"), "{notes}");
    let (code, out, notes) = run(&["store", "verify-audit"]);
    assert_eq!(code, Some(0), "{notes}");
    let (rows, head) = out.trim_end().split_once(' ').unwrap();
    assert!(rows.parse::<u64>().unwrap() >= 2 && head.len() == 64, "{out}");
}

#[test]
fn a_backup_comes_back_only_where_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = thatgia(dir.path(), args);
        (output.status.code(), text(output.stderr))
    };
    assert_eq!(run(&["store", "migrate"]).0, Some(0));
    assert_eq!(run(&["key", "create", "--role", "crawler", "--name", "kept"]).0, Some(0));
    assert_eq!(run(&["store", "backup", "b.db"]), (Some(0), "backed up to b.db\n".into()));
    let (code, notes) = run(&["store", "backup", "b.db"]);
    assert_eq!(code, Some(1));
    assert!(notes.contains("\nhint: "), "{notes}");
    let (code, notes) = run(&["store", "restore", "b.db"]);
    assert_eq!(code, Some(1));
    assert!(notes.contains("\nhint: --replace"), "{notes}");
    assert_eq!(run(&["store", "restore", "b.db", "--replace"]).0, Some(0));
    assert_eq!(run(&["store", "restore", "b.db", "--data", "other"]).0, Some(0));
    let list = thatgia(dir.path(), &["key", "list", "--data", "other"]);
    assert!(text(list.stdout).contains("kept"));
}
