//! A scored line as flat columns, the same for CSV and Parquet.

use crate::domain::{Part, ScoredLine};

/// One column's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Whole(u64),
    Number(Option<f64>),
    Text(Option<String>),
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Whole,
    Number,
    Text,
}

/// The columns in order; `file` first when there is more than one.
pub(super) fn columns(files: bool) -> Vec<(&'static str, Kind)> {
    let file = files.then_some(("file", Kind::Text));
    file.into_iter()
        .chain([
            ("line", Kind::Whole),
            ("id", Kind::Text),
            ("score", Kind::Number),
            ("band", Kind::Text),
            ("tier", Kind::Text),
            ("model", Kind::Text),
            ("weights_sha256", Kind::Text),
            ("prior", Kind::Number),
            ("part_text", Kind::Number),
            ("part_image", Kind::Number),
            ("part_price", Kind::Number),
            ("part_seller", Kind::Number),
            ("part_codes", Kind::Number),
            ("legal_class", Kind::Text),
            ("evidence", Kind::Text),
            ("error_code", Kind::Text),
            ("error_field", Kind::Text),
            ("error_message", Kind::Text),
        ])
        .collect()
}

/// The values of a line under [`columns`].
pub(super) fn values(
    file: Option<&str>,
    line: &ScoredLine,
) -> Result<Vec<Value>, serde_json::Error> {
    let scored = line.outcome.as_ref().ok();
    let error = line.outcome.as_ref().err();
    let text = |text: Option<&str>| Value::Text(text.map(str::to_owned));
    let evidence = scored.map(|a| serde_json::to_string(&a.evidence)).transpose()?;
    let mut values: Vec<Value> = file.map(|f| text(Some(f))).into_iter().collect();
    values.extend([
        Value::Whole(line.line),
        text(line.id.as_deref()),
        Value::Number(scored.map(|a| a.score.value())),
        text(scored.map(|a| a.band.as_str())),
        text(scored.map(|a| a.tier.as_str())),
        text(scored.map(|a| a.model.id.as_str())),
        text(scored.map(|a| &*a.model.weights_sha256)),
        Value::Number(scored.map(|a| a.prior)),
    ]);
    values.extend(Part::ALL.iter().map(|p| Value::Number(scored.and_then(|a| a.parts.get(*p)))));
    values.extend([
        text(scored.map(|a| a.legal_class.as_str())),
        Value::Text(evidence),
        text(error.map(|e| e.code.as_str())),
        text(error.map(|e| &*e.field)),
        text(error.map(|e| e.message.as_str())),
    ]);
    Ok(values)
}
