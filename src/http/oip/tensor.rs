use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, SeqAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

use super::errors::refuse;
use super::request::InputTensor;
use crate::http::error::Problem;

/// Where the elements of a tensor are.
#[derive(Debug, Clone, Copy)]
enum Data<'a> {
    Json(&'a RawValue),
    Binary(&'a [u8]),
}

/// One input: a column of `rows` elements, its shape `[rows]` or `[rows, 1]`.
#[derive(Debug)]
pub(super) struct Tensor<'a> {
    pub(super) name: String,
    pub(super) rows: usize,
    nested: bool,
    datatype: String,
    data: Data<'a>,
}

/// An element of a numeric tensor; `Odd` is one that no price can be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Number {
    Real(f64),
    Whole(i64),
    Odd(&'static str),
}

impl Number {
    /// NaN is a number that is not known.
    fn real(value: f64) -> Option<Self> {
        if value.is_nan() {
            None
        } else if value.is_finite() {
            Some(Self::Real(value))
        } else {
            Some(Self::Odd("infinity"))
        }
    }
}

impl<'a> Tensor<'a> {
    /// Looks at what a tensor says of itself and takes its bytes from the front of `binary`.
    ///
    /// `max` is the most rows that it may have.
    pub(super) fn new(
        input: InputTensor<'a>,
        binary: &mut &'a [u8],
        max: usize,
    ) -> Result<Self, Problem> {
        let InputTensor { name, datatype, shape, parameters, data } = input;
        let (rows, nested) = match shape.0[..] {
            [rows] => (rows, false),
            [rows, 1] => (rows, true),
            _ => return Err(refuse(name + ".shape", &"must be [N] or [N, 1]")),
        };
        if rows == 0 {
            return Err(refuse(name + ".shape", &"send at least one listing"));
        }
        if rows > max {
            let text = format_args!("{rows} listings, the limit is {max} in one request");
            return Err(refuse(name + ".shape", &text));
        }
        let parameters = parameters.unwrap_or_default();
        if parameters.shared_memory_region.is_some() {
            return Err(refuse(name, &"shared memory is not offered"));
        }
        let data = match (parameters.binary_data_size, data) {
            (None, Some(json)) => Data::Json(json),
            (Some(size), None) => {
                let Some((bytes, rest)) = binary.split_at_checked(size) else {
                    let text = format_args!("{size} bytes of data, {} are left", binary.len());
                    return Err(refuse(name, &text));
                };
                *binary = rest;
                Data::Binary(bytes)
            }
            (Some(_), Some(_)) => {
                return Err(refuse(name, &"has both `data` and `binary_data_size`"));
            }
            (None, None) => return Err(refuse(name, &"has neither `data` nor `binary_data_size`")),
        };
        Ok(Self { name, rows, nested, datatype, data })
    }

    /// The elements of a tensor of texts.
    pub(super) fn texts(&self) -> Result<Vec<Cow<'a, str>>, Problem> {
        if self.datatype != "BYTES" {
            return Err(self.wrong_datatype("BYTES"));
        }
        match self.data {
            Data::Binary(bytes) => self.binary_texts(bytes),
            Data::Json(json) => {
                let cells = self.cells(json)?.into_iter().enumerate();
                let text = |(i, cell)| match cell {
                    Cell::Text(text) => Ok(text),
                    Cell::Real(_) | Cell::Whole(_) | Cell::Null => {
                        Err(self.refuse_element(i, "must be a text"))
                    }
                };
                cells.map(text).collect()
            }
        }
    }

    /// The elements of a tensor of numbers; `None` for one that is not known.
    pub(super) fn numbers(&self) -> Result<Vec<Option<Number>>, Problem> {
        let width = match self.datatype.as_str() {
            "FP64" | "INT64" => 8,
            "FP32" => 4,
            _ => return Err(self.wrong_datatype("FP64, FP32 or INT64")),
        };
        let bytes = match self.data {
            Data::Json(json) => return self.json_numbers(json),
            Data::Binary(bytes) => bytes,
        };
        // Rows are few by now: the product is far from overflow.
        let want = self.rows * width;
        if bytes.len() != want {
            let text = format_args!("{} bytes of data, the shape says {want}", bytes.len());
            return Err(refuse(self.name.clone(), &text));
        }
        Ok(match self.datatype.as_str() {
            "FP32" => {
                let values = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
                values.map(|value| Number::real(value.into())).collect()
            }
            "FP64" => {
                let values = bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b));
                values.map(Number::real).collect()
            }
            _ => {
                let values = bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b));
                values.map(|value| Some(Number::Whole(value))).collect()
            }
        })
    }

    fn json_numbers(&self, json: &'a RawValue) -> Result<Vec<Option<Number>>, Problem> {
        let whole = self.datatype == "INT64";
        let cells = self.cells(json)?.into_iter().enumerate();
        let number = |(i, cell)| match cell {
            Cell::Null => Ok(None),
            Cell::Whole(value) => Ok(Some(Number::Whole(value))),
            Cell::Real(value) if !whole => Ok(Number::real(value)),
            Cell::Real(_) => Err(self.refuse_element(i, "must be a whole number of 64 bits")),
            Cell::Text(_) => Err(self.refuse_element(i, "must be a number")),
        };
        cells.map(number).collect()
    }

    /// Each element is four bytes of length, the lowest first, and as many bytes of UTF-8.
    fn binary_texts(&self, mut bytes: &'a [u8]) -> Result<Vec<Cow<'a, str>>, Problem> {
        let mut texts = Vec::new();
        for i in 0..self.rows {
            let Some((length, rest)) = bytes.split_first_chunk() else {
                return Err(self.refuse_element(i, "the data ends before it"));
            };
            let length = u32::from_le_bytes(*length) as usize;
            let Some((text, rest)) = rest.split_at_checked(length) else {
                let text = format!("{length} bytes long, {} are left", rest.len());
                return Err(self.refuse_element(i, &text));
            };
            let text = std::str::from_utf8(text).map_err(|error| {
                let text = format!("not UTF-8 from byte {}", error.valid_up_to());
                self.refuse_element(i, &text)
            })?;
            texts.push(Cow::Borrowed(text));
            bytes = rest;
        }
        if !bytes.is_empty() {
            let (left, rows) = (bytes.len(), self.rows);
            let text = format_args!("{left} bytes of data left after the {rows} of the shape");
            return Err(refuse(self.name.clone(), &text));
        }
        Ok(texts)
    }

    fn cells(&self, json: &'a RawValue) -> Result<Vec<Cell<'a>>, Problem> {
        let mut json = serde_json::Deserializer::from_str(json.get());
        let seed = Cells { rows: self.rows, nested: self.nested };
        seed.deserialize(&mut json).map_err(|error| refuse(format!("{}.data", self.name), &error))
    }

    fn wrong_datatype(&self, want: &str) -> Problem {
        refuse(format!("{}.datatype", self.name), &format_args!("must be {want}"))
    }

    fn refuse_element(&self, at: usize, why: &str) -> Problem {
        refuse(format!("{}.data[{at}]", self.name), &why)
    }
}

/// One element in JSON.
#[derive(Debug)]
enum Cell<'a> {
    Text(Cow<'a, str>),
    Real(f64),
    Whole(i64),
    Null,
}

/// Reads as many elements as the shape says, each bare or, where `nested`, in a row of its own.
struct Cells {
    rows: usize,
    nested: bool,
}

impl<'de> DeserializeSeed<'de> for Cells {
    type Value = Vec<Cell<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cells {
    type Value = Vec<Cell<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {} elements", self.rows)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut cells = Vec::new();
        while cells.len() < self.rows {
            match seq.next_element_seed(OneCell { nested: self.nested })? {
                Some(cell) => cells.push(cell),
                None => return Err(A::Error::invalid_length(cells.len(), &self)),
            }
        }
        match seq.next_element::<IgnoredAny>()? {
            Some(IgnoredAny) => Err(A::Error::custom(format_args!(
                "more than the {} elements of the shape",
                self.rows
            ))),
            None => Ok(cells),
        }
    }
}

struct OneCell {
    nested: bool,
}

impl<'de> DeserializeSeed<'de> for OneCell {
    type Value = Cell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneCell {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Cell::Real(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Cell::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Cell::Real(value as f64), Cell::Whole))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cell::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        if !self.nested {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        let cell = seq.next_element_seed(Self { nested: false })?;
        let more = seq.next_element::<IgnoredAny>()?;
        match (cell, more) {
            (Some(cell), None) => Ok(cell),
            _ => Err(A::Error::custom("each row has one element")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::request::{Few, InputParameters};
    use super::*;

    fn tensor<'a>(datatype: &str, shape: &[usize], data: Data<'a>) -> Result<Tensor<'a>, Problem> {
        let (json, mut binary) = match data {
            Data::Json(json) => (Some(json), &[][..]),
            Data::Binary(bytes) => (None, bytes),
        };
        let binary_data_size = json.is_none().then_some(binary.len());
        let parameters = InputParameters { binary_data_size, shared_memory_region: None };
        let input = InputTensor {
            name: "t".to_owned(),
            datatype: datatype.to_owned(),
            shape: Few(shape.to_vec()),
            parameters: Some(parameters),
            data: json,
        };
        Tensor::new(input, &mut binary, 3)
    }

    fn json(text: &str) -> Data<'_> {
        Data::Json(serde_json::from_str(text).unwrap())
    }

    fn why(result: Result<impl fmt::Debug, Problem>) -> String {
        format!("{:?}", result.unwrap_err())
    }

    #[test]
    fn texts_are_read_flat_or_in_rows() {
        for (shape, text) in [
            (&[2][..], r#"["a\u00e0","b"]"#),
            (&[2, 1], r#"["aà","b"]"#),
            (&[2, 1], r#"[["aà"],["b"]]"#),
        ] {
            assert_eq!(tensor("BYTES", shape, json(text)).unwrap().texts().unwrap(), ["aà", "b"]);
        }
        for (shape, text, words) in [
            (&[2][..], "[\"a\"]", "invalid length 1, expected a list of 2"),
            (&[2], "[\"a\",\"b\",\"c\"]", "more than the 2"),
            (&[2], "[[\"a\"],[\"b\"]]", "expected a text or a number"),
            (&[2, 1], "[[\"a\",\"b\"]]", "one element"),
            (&[2, 1], "[[],[]]", "one element"),
            (&[2, 1], "[[[\"a\"]]]", "sequence"),
            (&[2], "[\"a\",5]", "t.data[1]"),
            (&[2], "[null,\"a\"]", "t.data[0]"),
            (&[2], "{}", "a list of 2"),
        ] {
            let text = why(tensor("BYTES", shape, json(text)).unwrap().texts());
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn a_shape_is_checked_before_anything_is_read() {
        for (shape, words) in [
            (&[][..], "[N, 1]"),
            (&[1, 2], "[N, 1]"),
            (&[1, 1, 1], "[N, 1]"),
            (&[0], "at least one"),
            (&[4], "the limit is 3"),
            (&[usize::MAX, 1], "the limit is 3"),
        ] {
            let text = why(tensor("BYTES", shape, Data::Binary(b"")));
            assert!(text.contains(words), "{shape:?}: {text}");
        }
    }

    #[test]
    fn numbers_are_read_and_not_a_number_is_not_known() {
        let read = |datatype, data| tensor(datatype, &[2], data).unwrap().numbers();
        let bytes = [1.5f64, f64::NAN].map(f64::to_le_bytes).concat();
        assert_eq!(read("FP64", Data::Binary(&bytes)).unwrap(), [Some(Number::Real(1.5)), None]);
        let bytes = [1.5f32, f32::INFINITY].map(f32::to_le_bytes).concat();
        let odd = Some(Number::Odd("infinity"));
        assert_eq!(read("FP32", Data::Binary(&bytes)).unwrap(), [Some(Number::Real(1.5)), odd]);
        let bytes = [i64::MIN, 7].map(i64::to_le_bytes).concat();
        let whole = [i64::MIN, 7].map(|n| Some(Number::Whole(n)));
        assert_eq!(read("INT64", Data::Binary(&bytes)).unwrap(), whole);
        let mixed = [Some(Number::Real(1.5)), None];
        assert_eq!(read("FP64", json("[1.5,null]")).unwrap(), mixed);
        for (datatype, data, words) in [
            ("FP64", json("[1,\"2\"]"), "t.data[1]"),
            ("INT64", json("[1,2.5]"), "whole number"),
            ("INT64", json("[1,18446744073709551615]"), "whole number"),
            ("FP16", json("[1,2]"), "FP64, FP32 or INT64"),
            ("BYTES", json("[1,2]"), "FP64, FP32 or INT64"),
            ("FP64", Data::Binary(&[0; 15]), "15 bytes of data, the shape says 16"),
            ("FP32", Data::Binary(&[0; 16]), "16 bytes of data, the shape says 8"),
        ] {
            let text = why(read(datatype, data));
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn a_length_that_runs_past_the_end_is_named() {
        for (bytes, words) in [
            (&b""[..], "t.data[0]"),
            (b"\x01\0\0", "ends before"),
            (b"\xff\xff\xff\xffabc", "4294967295 bytes long, 3 are left"),
            (b"\x01\0\0\0a", "t.data[1]"),
            (b"\x01\0\0\0a\0\0\0\0!", "1 bytes of data left after the 2"),
            (b"\x02\0\0\0a\xff\0\0\0\0", "not UTF-8 from byte 1"),
        ] {
            let text = why(tensor("BYTES", &[2], Data::Binary(bytes)).unwrap().texts());
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..60),
            rows in 1usize..4,
        ) {
            for datatype in ["BYTES", "FP64", "FP32", "INT64"] {
                let tensor = tensor(datatype, &[rows], Data::Binary(&bytes)).unwrap();
                prop_assert!(tensor.texts().is_ok_and(|t| t.len() == rows) || tensor.texts().is_err());
                prop_assert_eq!(tensor.numbers().map_or(rows, |n| n.len()), rows);
            }
        }
    }
}
