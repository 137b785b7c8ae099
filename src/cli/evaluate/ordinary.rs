//! Unlabelled listings in a platform's own words, scored a few at a time.

use std::path::Path;

use anyhow::Context as _;

use super::super::output;
use super::judge::Judge;
use crate::dataset::{OrdinaryFile, file_sha256};
use crate::domain::Limits;
use crate::eval::{OrdinaryReport, OrdinaryScore, measure_ordinary};
use crate::preprocess::map_batch;
use crate::signals::{Knowledge, Reading};

/// From this share of its reference on a price is plausible for genuine goods.
const PLAUSIBLE: f64 = 0.5;

/// Scores the listings of `path`, JSON lines with or without gzip.
pub(super) fn measure(
    judge: &Judge,
    knowledge: &Knowledge,
    path: &Path,
) -> anyhow::Result<OrdinaryReport> {
    let context = || format!("cannot read {}", path.display());
    let limits = Limits::default();
    let mut file = OrdinaryFile::open(path).with_context(context)?;
    let bar = output::progress(None, "ordinary listings");
    let (mut scores, mut skipped) = (Vec::new(), 0);
    loop {
        let lines = file.batch().with_context(context)?;
        if lines.is_empty() {
            break;
        }
        let read = map_batch(&lines, |line| {
            let line = line.as_ref()?;
            let listing = line.listing.clone().parse(&limits).ok()?;
            let price = Reading::new(knowledge, &listing).price;
            let branded = price.is_some_and(|p| p.ratio() >= PLAUSIBLE);
            Some((listing, line.source.clone(), branded))
        });
        skipped += read.iter().filter(|r| r.is_none()).count();
        let read: Vec<_> = read.into_iter().flatten().collect();
        let said = judge.scores(&read.iter().map(|(listing, ..)| listing).collect::<Vec<_>>());
        scores.extend(read.into_iter().zip(said).map(|((_, source, branded), (score, band))| {
            OrdinaryScore { source, score, band, branded }
        }));
        bar.inc(lines.len() as u64);
    }
    bar.finish_and_clear();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(measure_ordinary(&name, &file_sha256(path)?, skipped, &scores))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::judge::tests::by_length;
    use super::*;

    fn knowledge() -> Knowledge {
        let concept = |id: &str| {
            format!(
                "[[concept]]\nid = {id:?}\npolarity = \"context\"\nreason_vi = \"a\"\nreason_en = \"a\"\nterms = [{id:?}]\n"
            )
        };
        let lexicon = ["negator", "warning_guide", "denial_phrase"].map(concept).concat();
        let brands = "[[kind]]\nid = \"shoes\"\nwords = [\"giày\"]\n[[brand]]\nid = \"nike\"\nname = \"Nike\"\n\
             aliases = [\"nike\"]\nprices = [{ kind = \"shoes\", low = 1000000, typical = 2000000, basis = \"estimate\" }]";
        Knowledge::parse(&lexicon, brands, "[expand]").unwrap()
    }

    const LINES: &str = concat!(
        r#"{"title":"Giày Nike","price":900000,"source":"a","seller":"shop x","rating":4.5}"#,
        "\n\n",
        r#"{"title":"Giày Nike","price":{"amount":90000,"currency":"VND"},"platform":"tiki","seller":{"id":"s"}}"#,
        "\n",
        r#"{"title":"Nồi","price":0,"source":"a","description":null}"#,
        "\n",
        r#"{"title":""}"#,
        "\nno JSON\n",
        r#"{"title":"Giày Nike","brand":"Nike","price":2000000.5}"#,
    );

    #[test]
    fn lines_are_read_in_the_words_of_crawls() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("x.jsonl");
        std::fs::write(&plain, LINES).unwrap();
        let got = measure(&by_length(), &knowledge(), &plain).unwrap();
        assert_eq!((got.name.as_str(), got.n, got.skipped), ("x.jsonl", 4, 2));
        let sources: Vec<_> = got.sources.iter().map(|(s, r)| (s.as_str(), r.shares.n)).collect();
        assert_eq!(sources, [("(unnamed)", 1), ("a", 2), ("tiki", 1)]);
        // The cheap pair is no sign of a mistake; of the others two are at a plausible price.
        assert_eq!((got.branded.n, got.branded.high.value), (2, Some(0.0)));

        let packed = dir.path().join("x.jsonl.gz");
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(LINES.as_bytes()).unwrap();
        std::fs::write(&packed, gz.finish().unwrap()).unwrap();
        let again = measure(&by_length(), &knowledge(), &packed).unwrap();
        assert_eq!(again.sources, got.sources);
        assert_ne!(again.sha256, got.sha256);
    }

    #[test]
    fn a_file_that_breaks_off_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.gz");
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(LINES.as_bytes()).unwrap();
        let bytes = gz.finish().unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = measure(&by_length(), &knowledge(), &path).unwrap_err();
        assert!(error.to_string().starts_with("cannot read "), "{error}");
    }
}
