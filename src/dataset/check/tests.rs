use tempfile::TempDir;

use super::super::testing::{row, rows};
use super::super::{SplitOptions, split, write_rows, write_split};
use super::*;

/// A split of rows without a flaw, written out.
fn written(rows: &[Row]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let options = SplitOptions::default();
    let split = split(rows, &options);
    write_split(dir.path(), ("gold", "CC-BY-4.0"), rows, (&split, &options)).unwrap();
    dir
}

fn errors(report: &CheckReport) -> Vec<(&'static str, &str)> {
    let errors = report.findings.iter().filter(|f| f.severity == Severity::Error);
    errors.map(|f| (f.check, f.message.as_str())).collect()
}

/// Adds a row to a file and renews the manifest, so that only the row itself can be wrong.
fn add(dir: &Path, side: Side, new: Row) {
    let name = format!("{side}.jsonl");
    let mut rows: Vec<Row> =
        read_file(&dir.join(&name)).unwrap().rows.into_iter().map(|(_, r)| r).collect();
    rows.push(new);
    let record = write_rows(&dir.join(&name), &rows).unwrap();
    let mut manifest = Manifest::read(dir).unwrap();
    *manifest.files.iter_mut().find(|f| f.path == name).unwrap() = record;
    manifest.write(dir).unwrap();
}

#[test]
fn a_fresh_split_passes() {
    let dir = written(&rows(300, 4));
    let report = check(dir.path(), &[]).unwrap();
    assert_eq!(errors(&report), []);
    assert!(report.passed());
    assert_eq!((report.rows, report.files.len()), (300, 3));
    assert_eq!(report.slices.values().sum::<usize>(), 300);
    let text = report.to_string();
    assert!(text.contains("train.jsonl") && text.ends_with("0 errors, 1 warnings\n"), "{text}");
    assert!(serde_json::to_value(&report).unwrap()["shortcuts"].is_array());
}

#[test]
fn a_planted_near_copy_is_found() {
    let title = "Giày thể thao nam đế êm thoáng khí, đủ size 39 đến 44, giao toàn quốc";
    let copy = "GIAY THE THAO NAM de em thoang khi du size 38-45 giao toàn quốc!!";
    let mut all = rows(60, 5);
    all.push(row("shoes-x", "sx", "fx", title));
    let dir = written(&all);
    let side = Side::ALL
        .into_iter()
        .find(|s| {
            let loaded = read_file(&dir.path().join(format!("{s}.jsonl"))).unwrap();
            loaded.rows.iter().any(|(_, r)| r.id == "shoes-x")
        })
        .unwrap();
    let other = if side == Side::Test { Side::Train } else { Side::Test };
    add(dir.path(), other, row("shoes-y", "sy", "fy", copy));
    let report = check(dir.path(), &[]).unwrap();
    let errors = errors(&report);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].0 == "leak" && errors[0].1.starts_with("near copies (0.8"), "{errors:?}");
    let nearest = report.nearest.unwrap();
    assert!(nearest.similarity > 0.8 && [&nearest.a, &nearest.b].contains(&&"shoes-y".to_owned()));
}

#[test]
fn a_seller_or_family_on_two_sides_is_found() {
    let dir = written(&rows(60, 6));
    add(dir.path(), Side::Train, row("shoes-x", "two", "fx", "một hai ba"));
    add(dir.path(), Side::Test, row("shoes-y", "two", "fy", "bốn năm sáu"));
    add(dir.path(), Side::Valid, row("shoes-z", "sz", "fx", "bảy tám chín"));
    let report = check(dir.path(), &[]).unwrap();
    let mut found = errors(&report);
    found.sort_unstable();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].1.starts_with("family \"fx\""), "{found:?}");
    assert!(found[1].1.starts_with("seller \"two\""), "{found:?}");
}

#[test]
fn schema_ids_hashes_slices_and_demo_are_looked_at() {
    let mut all = rows(40, 7);
    all[0].slice = "unheard_of".into();
    all[1].label = true;
    all[1].legal_class = crate::domain::LegalClass::CounterfeitMark;
    all[1].slice = "pledge".into();
    let dir = written(&all);
    let path = dir.path().join("test.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    let first = text.lines().next().unwrap().to_owned();
    text.push_str(&first);
    text.push_str("\n{\"id\":3}\n");
    std::fs::write(&path, text).unwrap();
    std::fs::write(dir.path().join("more.jsonl"), "").unwrap();
    let demo = NewListing { title: all[5].listing.title.clone(), ..NewListing::default() };
    let report = check(dir.path(), &[demo]).unwrap();
    let mut kinds: Vec<_> = errors(&report).iter().map(|e| e.0).collect();
    kinds.sort_unstable();
    // The manifest is wrong thrice: the hash, the counts, a file that is not listed.
    let want = ["demo", "ids", "manifest", "manifest", "manifest", "schema", "slices", "slices"];
    assert_eq!(kinds, want, "{:?}", errors(&report));
    assert!(!report.passed());
}

#[test]
fn many_findings_of_a_kind_are_summed_up() {
    let mut all = rows(60, 8);
    for row in &mut all {
        row.slice = "unheard_of".into();
    }
    let report = check(written(&all).path(), &[]).unwrap();
    let errors = errors(&report);
    assert_eq!(errors.len(), LISTED + 1);
    assert_eq!(errors[LISTED].1, "and 40 more like these");
}
