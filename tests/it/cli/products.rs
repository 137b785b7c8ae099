use super::thatgia;

const CSV: &str = "gtin,brand,name,price_low\n\
    6291041500213,Nike,Giày,1900000\n\
    6291041500214,Nike,Giày,\n\
    9506000134352,Dior,\u{1b}[31mx,\n\
    06291041500213,Adidas,y,\n";

#[test]
fn products_are_imported_listed_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = thatgia(dir.path(), args);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    std::fs::write(dir.path().join("p.csv"), CSV).unwrap();
    let (code, out, notes) = run(&["products", "import", "p.csv", "--dry-run"]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{notes}");
    let bad = "p.csv:3: gtin: the check digit of the GTIN is wrong\n\
        p.csv:5: gtin: 06291041500213 stands on line 2 already\n";
    assert_eq!(notes, format!("{bad}2 lines can be used, 2 not\n"));
    let (code, _, notes) = run(&["products", "import", "p.csv"]);
    assert_eq!(code, Some(1));
    assert!(notes.starts_with("error: no store in data\nhint: "), "{notes}");
    assert_eq!(run(&["store", "migrate"]).0, Some(0));
    for (counts, changed) in
        [("2 new, 0 changed, 0 unchanged", true), ("0 new, 0 changed, 2 unchanged", false)]
    {
        let (code, _, notes) = run(&["products", "import", "p.csv"]);
        assert_eq!(code, Some(2));
        assert_eq!(notes, format!("{bad}{counts}, 2 lines not usable\n"), "{changed}");
    }
    let (code, table, _) = run(&["products", "list"]);
    assert_eq!(code, Some(0));
    assert!(
        table.trim_start().starts_with("GTIN") && table.contains("06291041500213  Nike"),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'), "{table}");
    let (_, lines, _) = run(&["products", "list", "--brand", "DIOR", "--json"]);
    let product: serde_json::Value = serde_json::from_str(&lines).unwrap();
    assert_eq!((&product["gtin"], &product["source"]), (&"09506000134352".into(), &"p.csv".into()));
    let (code, shown, _) = run(&["products", "show", "6291041500213"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (code, &shown["price_low"], &shown["version"]),
        (Some(0), &1_900_000.0.into(), &1.into())
    );
    for (args, words) in [
        (&["products", "show", "9506000134353"][..], "check digit"),
        (&["products", "show", "96385074"], "no product 00000096385074\nhint: "),
        (&["products", "import", "none.csv"], "cannot read none.csv"),
    ] {
        let (code, out, notes) = run(args);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{args:?}");
        assert!(notes.contains(words), "{notes}");
    }
    std::fs::write(dir.path().join("q.csv"), "gtin,brnad,name\n").unwrap();
    let (code, _, notes) = run(&["products", "import", "q.csv"]);
    assert_eq!(code, Some(1));
    assert!(notes.contains("unknown column \"brnad\"\nhint: "), "{notes}");
}
