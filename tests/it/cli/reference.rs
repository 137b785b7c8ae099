use thatgia::cli::{Page, page};

/// The pages are generated: `thatgia reference cli > docs/cli.md`.
#[test]
fn the_reference_pages_are_as_generated() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for (name, generated) in [("cli", Page::Cli), ("config", Page::Config)] {
        let kept = std::fs::read_to_string(docs.join(format!("{name}.md"))).unwrap_or_default();
        let fix = format!("run: thatgia reference {name} > docs/{name}.md");
        assert!(kept == page(generated), "docs/{name}.md is out of date; {fix}");
    }
}
