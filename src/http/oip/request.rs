use std::fmt;
use std::marker::PhantomData;

use axum::http::HeaderMap;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::errors::{refuse, short};
use crate::http::error::{Code, Problem};

/// Tells how many bytes of the body are JSON; the tensors' bytes come behind them.
pub(super) const JSON_LENGTH: &str = "inference-header-content-length";

/// A request, its tensors not yet read.
#[derive(Debug, Deserialize)]
pub(super) struct Inference<'a> {
    pub(super) id: Option<String>,
    pub(super) parameters: Option<Parameters>,
    #[serde(borrow)]
    pub(super) inputs: Few<InputTensor<'a>, 16>,
    pub(super) outputs: Option<Few<WantedTensor, 16>>,
}

/// What can be asked for; more is not looked at, as the protocol has it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Parameters {
    pub(super) tier: Option<String>,
    pub(super) explain: Option<String>,
    pub(super) binary_data_output: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InputTensor<'a> {
    pub(super) name: String,
    pub(super) datatype: String,
    pub(super) shape: Few<usize, 8>,
    pub(super) parameters: Option<InputParameters>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct InputParameters {
    pub(super) binary_data_size: Option<usize>,
    pub(super) shared_memory_region: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WantedTensor {
    pub(super) name: String,
    pub(super) parameters: Option<WantedParameters>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct WantedParameters {
    pub(super) binary_data: Option<bool>,
    pub(super) classification: Option<IgnoredAny>,
    pub(super) shared_memory_region: Option<IgnoredAny>,
}

/// A list whose length is checked while it is read.
#[derive(Debug)]
pub(super) struct Few<T, const MAX: usize>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Few<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct List<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for List<T, MAX> {
            type Value = Few<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut found = Vec::new();
                while let Some(one) = seq.next_element()? {
                    if found.len() == MAX {
                        return Err(A::Error::custom(format_args!("more than {MAX} entries")));
                    }
                    found.push(one);
                }
                Ok(Few(found))
            }
        }

        json.deserialize_seq(List(PhantomData))
    }
}

/// How many bytes of the body are JSON, where that is not all of them.
pub(super) fn json_length(headers: &HeaderMap) -> Result<Option<usize>, Problem> {
    let Some(value) = headers.get(JSON_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    match length {
        Some(length) => Ok(Some(length)),
        None => Err(refuse(JSON_LENGTH, &"must be a number of bytes")),
    }
}

/// Cuts the body into JSON and the bytes of tensors.
pub(super) fn split(body: &[u8], length: Option<usize>) -> Result<(&[u8], &[u8]), Problem> {
    let Some(length) = length else { return Ok((body, &[])) };
    body.split_at_checked(length).ok_or_else(|| {
        let text = format_args!("{length} bytes of JSON, and the body has {}", body.len());
        refuse(JSON_LENGTH, &text)
    })
}

/// Reads the JSON of a request.
pub(super) fn parse(json: &[u8]) -> Result<Inference<'_>, Problem> {
    let text = std::str::from_utf8(json).map_err(|error| {
        let text = format!("not UTF-8 from byte {}", error.valid_up_to());
        Problem::new(Code::InvalidJson, text)
    })?;
    let mut json = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = short(error.path());
        let error = error.into_inner();
        match error.classify() {
            Category::Data if field == "." => Problem::new(Code::InvalidInference, short(&error)),
            Category::Data => refuse(field, &error),
            Category::Io | Category::Syntax | Category::Eof => not_json(&error),
        }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(read)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(Code::InvalidJson, short(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> (Code, String) {
        let problem = parse(json.as_bytes()).unwrap_err();
        (problem.code(), format!("{problem:?}"))
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let json = r#"{"id":"x","extra":[1],"parameters":{"priority":1,"tier":"fast"},
            "inputs":[{"name":"a","datatype":"BYTES","shape":[1,1],"more":{},"data":["\u0111"]}]}"#;
        let read = parse(json.as_bytes()).unwrap();
        assert_eq!(read.inputs.0[0].data.unwrap().get(), r#"["\u0111"]"#);
        assert_eq!(read.parameters.unwrap().tier.as_deref(), Some("fast"));
        assert!(read.outputs.is_none());
    }

    #[test]
    fn what_is_wrong_is_named_and_lists_are_short() {
        let input = r#"{"name":"a","datatype":"BYTES","shape":[1]}"#;
        let many = format!(r#"{{"inputs":[{}]}}"#, [input; 17].join(","));
        let long = format!(r#"{{"inputs":[],"id":[{}]}}"#, "1,".repeat(500));
        for (json, code, words) in [
            ("", Code::InvalidJson, "EOF"),
            ("{}", Code::InvalidInference, "inputs"),
            ("[]", Code::InvalidInference, "invalid length 0"),
            ("{\"inputs\":[]} 5", Code::InvalidJson, "trailing"),
            ("{\"inputs\":7}", Code::InvalidInference, "a list"),
            ("{\"inputs\":[{}]}", Code::InvalidInference, "inputs[0]"),
            (&many, Code::InvalidInference, "more than 16"),
            (&long, Code::InvalidInference, "a string"),
            (
                "{\"inputs\":[{\"name\":\"a\",\"datatype\":\"BYTES\",\"shape\":[1,-1]}]}",
                Code::InvalidInference,
                "inputs[0].shape[1]",
            ),
        ] {
            let (got, text) = refused(json);
            assert_eq!(got, code, "{json}");
            assert!(text.contains(words), "{json}: {text}");
        }
        assert_eq!(parse(b"{\"inputs\":\xff}").unwrap_err().code(), Code::InvalidJson);
    }

    #[test]
    fn the_json_ends_inside_the_body() {
        assert_eq!(split(b"abcd", None).unwrap(), (&b"abcd"[..], &b""[..]));
        assert_eq!(split(b"abcd", Some(3)).unwrap(), (&b"abc"[..], &b"d"[..]));
        assert!(split(b"abcd", Some(5)).is_err());
        for (text, want) in
            [("7", Some(7)), ("-1", None), ("x", None), ("9".repeat(30).as_str(), None)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(JSON_LENGTH, text.parse().unwrap());
            assert_eq!(json_length(&headers).ok().flatten(), want, "{text}");
        }
    }
}
