use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::http::error::{Code, Problem};

/// Where each listing stands in a body of the form `{"listings": […]}`.
///
/// Nothing of a listing is kept but its place, and reading stops at the first one over `max`.
/// Bytes that are not UTF-8 spoil the listing that they stand in and no other.
pub(super) fn split(body: &[u8], max: usize) -> Result<Vec<Range<usize>>, Problem> {
    let start = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let json = &body[start..];
    let spans = match std::str::from_utf8(json) {
        Ok(text) => split_text(text, max),
        Err(_) => split_text(&masked(json), max),
    }?;
    Ok(spans.into_iter().map(|s| s.start + start..s.end + start).collect())
}

/// The same length in bytes, with `?` for every byte that is not UTF-8.
fn masked(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

fn split_text(text: &str, max: usize) -> Result<Vec<Range<usize>>, Problem> {
    let mut found = Found { base: text.as_ptr().addr(), max, spans: None, at: At::Root };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Envelope(&mut found).deserialize(&mut json).and_then(|()| json.end());
    match (read, found.spans) {
        (Ok(()), Some(spans)) if spans.is_empty() => {
            Err(Problem::new(Code::EmptyField, "send at least one listing").at("listings"))
        }
        (Ok(()), Some(spans)) => Ok(spans),
        (Ok(()), None) => Err(Problem::new(Code::MissingField, "is required").at("listings")),
        (Err(error), _) => Err(explain(&error, found.at, max)),
    }
}

fn explain(error: &serde_json::Error, at: At, max: usize) -> Problem {
    match (error.classify(), at) {
        (_, At::TooMany) => {
            let text = format!("more than the limit of {max} listings in one request");
            Problem::new(Code::TooMany, text).at("listings")
        }
        (Category::Data, At::Listings) => {
            Problem::new(Code::WrongType, error.to_string()).at("listings")
        }
        (Category::Data, At::Root) => Problem::new(Code::WrongType, error.to_string()),
        (Category::Io | Category::Syntax | Category::Eof, _) => {
            Problem::new(Code::InvalidJson, error.to_string())
        }
    }
}

/// How far the reading came, to say what an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Root,
    Listings,
    TooMany,
}

struct Found {
    /// Address of the text's first byte; a span is what lies between it and a raw value.
    base: usize,
    max: usize,
    spans: Option<Vec<Range<usize>>>,
    at: At,
}

struct Envelope<'f>(&'f mut Found);

impl<'de> DeserializeSeed<'de> for Envelope<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list named `listings`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(listings) = map.next_key_seed(IsListings)? {
            if !listings {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.0.at = At::Listings;
            if self.0.spans.is_some() {
                return Err(serde::de::Error::duplicate_field("listings"));
            }
            map.next_value_seed(Listings(self.0))?;
            self.0.at = At::Root;
        }
        Ok(())
    }
}

/// Compares a key without keeping it.
struct IsListings;

impl<'de> DeserializeSeed<'de> for IsListings {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_identifier(self)
    }
}

impl Visitor<'_> for IsListings {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == "listings")
    }
}

struct Listings<'f>(&'f mut Found);

impl<'de> DeserializeSeed<'de> for Listings<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Listings<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of listings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Found { base, max, spans, at } = self.0;
        let spans = spans.insert(Vec::new());
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            if spans.len() == *max {
                *at = At::TooMany;
                return Err(serde::de::Error::custom("too many"));
            }
            let start = raw.get().as_ptr().addr() - *base;
            spans.push(start..start + raw.get().len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(body: &[u8]) -> Vec<&[u8]> {
        split(body, 4).unwrap().into_iter().map(|s| &body[s]).collect()
    }

    fn refused(body: &str) -> (Code, String) {
        let problem = split(body.as_bytes(), 2).unwrap_err();
        (problem.code(), format!("{problem:?}"))
    }

    #[test]
    fn items_are_the_bytes_that_were_sent() {
        let body = "\u{feff}{\"a\":[{}], \"listings\" : [ {\"t\": \"ả\"} ,5,null]}".as_bytes();
        assert_eq!(items(body), ["{\"t\": \"ả\"}".as_bytes(), b"5", b"null"]);
    }

    #[test]
    fn a_bad_byte_stays_in_its_item() {
        let body = b"{\"listings\":[{\"t\":\"\xff\xc3\"},{\"t\":\"\xc3\xa0\"}]}";
        assert_eq!(items(body), [&body[13..23], &body[24..34]]);
    }

    #[test]
    fn what_is_wrong_with_the_whole_is_said() {
        for (body, code, words) in [
            ("", Code::InvalidJson, "line 1 column 0"),
            ("{\n\"listings\": [}", Code::InvalidJson, "line 2 column 14"),
            ("{\"listings\":[{}]} x", Code::InvalidJson, "trailing"),
            ("[]", Code::WrongType, "an object"),
            ("{}", Code::MissingField, "listings"),
            ("{\"listings\":[]}", Code::EmptyField, "listings"),
            ("{\"listings\":{}}", Code::WrongType, "a list of listings"),
            ("{\"listings\":null}", Code::WrongType, "listings"),
            ("{\"listings\":[1],\"listings\":[2]}", Code::WrongType, "duplicate"),
            ("{\"listings\":[1,2,3", Code::TooMany, "limit of 2"),
        ] {
            let (got, text) = refused(body);
            assert_eq!(got, code, "{body}");
            assert!(text.contains(words), "{body}: {text}");
        }
        let deep = format!("{{\"listings\":[{}", "[".repeat(1_000_000));
        assert_eq!(refused(&deep).0, Code::InvalidJson);
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = split(&body, 3);
            let mut wrapped = b"{\"listings\":[\"".to_vec();
            wrapped.extend(body.iter().filter(|b| !matches!(b, b'"' | b'\\' | 0..0x20)));
            wrapped.extend(b"\"]}");
            prop_assert_eq!(split(&wrapped, 3).unwrap(), [13..wrapped.len() - 2]);
        }
    }
}
