//! What a batch will write, worked out before the database is touched.

use std::collections::{BTreeMap, HashMap};
use std::io;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::dialect::encode_text;
use super::secret::sha256_hex;
use super::{Result, SaveReport, Saved, SavedState, StoreError, ToStore};
use crate::domain::{Assessment, Listing, NewListing, ScoredLine, hex};

/// Longest id in bytes, as written: an index entry must stay below PostgreSQL's 2,704 bytes.
const MAX_ID_BYTES: usize = 2_048;

/// One item that will be written.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// As the column holds it.
    pub(super) id: String,
    pub(super) content_sha256: String,
    /// The scored line as JSON.
    pub(super) line: String,
    pub(super) item: ToStore<'a>,
    pub(super) assessment: &'a Assessment,
}

/// A batch, ready to be written.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// By item, in order; `None` where the item has an error.
    items: Vec<Option<(String, usize)>>,
    rows: Vec<Row<'a>>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(items: &[ToStore<'a>]) -> Result<Self> {
        let mut plan = Plan { items: Vec::with_capacity(items.len()), rows: Vec::new() };
        for item in items {
            let Ok(assessment) = &item.line.outcome else {
                plan.items.push(None);
                continue;
            };
            let id = id_of(item.listing);
            let encoded = encode_text(&id).into_owned();
            if encoded.len() > MAX_ID_BYTES {
                let message = format!("longer than {MAX_ID_BYTES} bytes");
                return Err(StoreError::Invalid { field: "id", message });
            }
            let outcome = Ok(assessment.clone());
            // The place in some batch is no property of the listing.
            let line = ScoredLine { line: 1, id: Some(id.clone()), outcome };
            plan.items.push(Some((id, plan.rows.len())));
            plan.rows.push(Row {
                id: encoded,
                content_sha256: sha256_hex(item.json),
                line: to_json(&line)?,
                item: *item,
                assessment,
            });
        }
        Ok(plan)
    }

    /// The ids to be written, each once, sorted.
    pub(super) fn ids(&self) -> Vec<&str> {
        self.listings().into_iter().map(|r| r.id.as_str()).collect()
    }

    /// The rows that become the listings' newest state: the last of each id. Sorted, so that two
    /// batches lock the same rows in the same order.
    pub(super) fn listings(&self) -> Vec<&Row<'a>> {
        let last: BTreeMap<_, _> = self.rows.iter().map(|r| (r.id.as_str(), r)).collect();
        last.into_values().collect()
    }

    /// The rows that go into the history, the last of each content and model.
    pub(super) fn assessments(&self) -> Vec<&Row<'a>> {
        let last: BTreeMap<_, _> = self
            .rows
            .iter()
            .map(|r| {
                let model = &r.assessment.model;
                ((&r.id, &r.content_sha256, model.id.as_str(), &model.weights_sha256), r)
            })
            .collect();
        last.into_values().collect()
    }

    /// What became of each item, given the contents that were there before by id.
    pub(super) fn report(self, mut before: HashMap<String, String>) -> SaveReport {
        let mut report = SaveReport::default();
        for item in self.items {
            let (id, state) = match item {
                None => (None, SavedState::NotStored),
                Some((id, at)) => {
                    let row = &self.rows[at];
                    let state = match before.insert(row.id.clone(), row.content_sha256.clone()) {
                        None => SavedState::New,
                        Some(old) if old == row.content_sha256 => SavedState::Unchanged,
                        Some(_) => SavedState::Changed,
                    };
                    (Some(id), state)
                }
            };
            *match state {
                SavedState::New => &mut report.new,
                SavedState::Changed => &mut report.changed,
                SavedState::Unchanged => &mut report.unchanged,
                SavedState::NotStored => &mut report.not_stored,
            } += 1;
            report.items.push(Saved { id, state });
        }
        report
    }
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|e| StoreError::Invalid { field: "line", message: e.to_string() })
}

/// The id that a listing is kept by.
pub(super) fn id_of(listing: &Listing) -> String {
    listing.id().map_or_else(|| id_from_content(listing), str::to_owned)
}

/// The id of a listing that came without: `h-` and the first 24 hexadecimal digits of its JSON's
/// SHA-256, written anew so that blanks and the order of fields do not matter.
fn id_from_content(listing: &Listing) -> String {
    #[derive(Serialize)]
    struct Whole<'a> {
        title: &'a str,
        #[serde(flatten)]
        fields: &'a NewListing,
    }
    struct Hash(Sha256);
    impl io::Write for Hash {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hash = Hash(Sha256::new());
    let whole = Whole { title: listing.title(), fields: listing.fields() };
    // Every listing was read from JSON, and hashing does not fail.
    let _ = serde_json::to_writer(&mut hash, &whole);
    format!("h-{}", hex(&hash.0.finalize()[..12]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Limits;

    fn id(json: &str) -> String {
        id_from_content(&Listing::from_json(json.as_bytes(), &Limits::default()).unwrap())
    }

    #[test]
    fn an_id_from_content_depends_on_the_content_only() {
        let first = id(r#"{"title":"Giày","brand":"Nike","price":{"amount":5,"currency":"VND"}}"#);
        assert!(first.starts_with("h-") && first.len() == 26, "{first}");
        let again =
            id(r#"{ "brand":"Nike", "price":{"currency":"VND","amount":5}, "title":"Gi\u00e0y"}"#);
        assert_eq!(first, again);
        assert_ne!(first, id(r#"{"title":"Giày","brand":"Nike"}"#));
        assert_ne!(id(r#"{"title":"a"}"#), id(r#"{"title":"b"}"#));
    }
}
