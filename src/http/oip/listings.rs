use std::borrow::Cow;

use serde::Serialize;

use super::errors::refuse;
use super::request::{Few, InputTensor};
use super::tensor::{Number, Tensor};
use crate::flow::{Batch, Item};
use crate::http::error::{Code, Problem};
use crate::http::state::BodyShare;

/// What a character may become in JSON, in bytes: `\u0001`.
const ESCAPED: usize = 6;
/// The rest of a listing: names of fields, a price.
const FRAME: usize = 256;

/// The tensors that make listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// Whole listings as JSON, alone.
    Listing,
    Title,
    Description,
    /// In VND.
    Price,
    Brand,
    Category,
}

impl Input {
    pub(super) const ALL: &'static [Self] =
        &[Self::Listing, Self::Title, Self::Description, Self::Price, Self::Brand, Self::Category];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Title => "title",
            Self::Description => "description",
            Self::Price => "price",
            Self::Brand => "brand",
            Self::Category => "category",
        }
    }

    pub(super) fn datatype(self) -> &'static str {
        match self {
            Self::Price => "FP64",
            Self::Listing | Self::Title | Self::Description | Self::Brand | Self::Category => {
                "BYTES"
            }
        }
    }
}

/// Listings as JSON, one after the other, and their share of the memory for bodies.
#[derive(Debug)]
pub(super) struct Listings {
    bytes: Vec<u8>,
    _share: BodyShare,
}

impl AsRef<[u8]> for Listings {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

type Texts<'a> = Vec<Cow<'a, str>>;

#[derive(Debug, Default)]
struct Columns<'a> {
    rows: usize,
    listing: Option<Texts<'a>>,
    title: Option<Texts<'a>>,
    description: Option<Texts<'a>>,
    brand: Option<Texts<'a>>,
    category: Option<Texts<'a>>,
    price: Option<Vec<Option<Number>>>,
}

/// Reads the tensors of a request into a batch of at most `max` listings.
///
/// `binary` is what stands behind the JSON, and must be used up.
pub(super) fn batch<'a, const MAX: usize>(
    inputs: Few<InputTensor<'a>, MAX>,
    mut binary: &'a [u8],
    max: usize,
    share: BodyShare,
) -> Result<Batch<Listings>, Problem> {
    let mut columns = Columns::default();
    for (i, input) in inputs.0.into_iter().enumerate() {
        let known = Input::ALL.iter().copied().find(|k| k.as_str() == input.name);
        let Some(known) = known else {
            let names: Vec<_> = Input::ALL.iter().map(|k| k.as_str()).collect();
            let text = format_args!("expected one of {}", names.join(", "));
            return Err(refuse(format!("inputs[{i}].name"), &text));
        };
        let tensor = Tensor::new(input, &mut binary, max)?;
        columns.add(known, &tensor)?;
    }
    if !binary.is_empty() {
        let text = format_args!("{} bytes behind the last tensor", binary.len());
        return Err(refuse("inputs", &text));
    }
    columns.write(share)
}

impl<'a> Columns<'a> {
    fn add(&mut self, input: Input, tensor: &Tensor<'a>) -> Result<(), Problem> {
        if self.rows == 0 {
            self.rows = tensor.rows;
        } else if self.rows != tensor.rows {
            let text = format_args!("{} rows, the tensor before has {}", tensor.rows, self.rows);
            return Err(refuse(format!("{}.shape", tensor.name), &text));
        }
        let again = match input {
            Input::Listing => self.listing.replace(tensor.texts()?).is_some(),
            Input::Title => self.title.replace(tensor.texts()?).is_some(),
            Input::Description => self.description.replace(tensor.texts()?).is_some(),
            Input::Brand => self.brand.replace(tensor.texts()?).is_some(),
            Input::Category => self.category.replace(tensor.texts()?).is_some(),
            Input::Price => self.price.replace(tensor.numbers()?).is_some(),
        };
        if again { Err(refuse(input.as_str(), &"comes twice")) } else { Ok(()) }
    }

    fn has_fields(&self) -> bool {
        let texts = [&self.title, &self.description, &self.brand, &self.category];
        texts.iter().any(|t| t.is_some()) || self.price.is_some()
    }

    fn write(self, share: BodyShare) -> Result<Batch<Listings>, Problem> {
        let mut writer = Writer { bytes: Vec::new(), items: Vec::new(), share };
        match (&self.listing, &self.title) {
            (Some(_), _) if self.has_fields() => {
                return Err(refuse("listing", &"comes alone: it holds the other fields"));
            }
            (Some(listings), _) => {
                for listing in listings {
                    writer.reserve(listing.len())?;
                    writer.add(|bytes| {
                        bytes.extend_from_slice(listing.as_bytes());
                        Ok(())
                    })?;
                }
            }
            (None, Some(titles)) => {
                for (i, title) in titles.iter().enumerate() {
                    let row = self.row(i, title);
                    writer.reserve(row.most_bytes())?;
                    writer.add(|bytes| serde_json::to_writer(bytes, &row))?;
                }
            }
            (None, None) => {
                return Err(refuse("inputs", &"`title` is missing, or `listing`"));
            }
        }
        let Writer { bytes, items, share } = writer;
        Ok(Batch { bytes: Listings { bytes, _share: share }, items })
    }

    fn row<'r>(&'r self, at: usize, title: &'r str) -> Row<'r> {
        // A tensor has no empty places: an empty text stands for one that is not known.
        let text = |column: &'r Option<Texts<'a>>| {
            let text = column.as_ref()?.get(at)?.as_ref();
            (!text.is_empty()).then_some(text)
        };
        let amount = self.price.as_ref().and_then(|p| p.get(at).copied().flatten());
        Row {
            title,
            description: text(&self.description),
            brand: text(&self.brand),
            category: text(&self.category),
            price: amount.map(|amount| Price { amount, currency: "VND" }),
        }
    }
}

/// A listing made of fields.
#[derive(Serialize)]
struct Row<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Price>,
}

#[derive(Serialize)]
struct Price {
    amount: Number,
    currency: &'static str,
}

impl Row<'_> {
    /// More than the listing can take as JSON.
    fn most_bytes(&self) -> usize {
        let more = [self.description, self.brand, self.category];
        let texts = self.title.len() + more.iter().flatten().map(|t| t.len()).sum::<usize>();
        texts * ESCAPED + FRAME
    }
}

/// Writes listings one after the other, each paid for before it is written.
struct Writer {
    bytes: Vec<u8>,
    items: Vec<Item>,
    share: BodyShare,
}

impl Writer {
    fn reserve(&mut self, more: usize) -> Result<(), Problem> {
        self.share.grow(self.bytes.len() + more)
    }

    fn add(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> Result<(), Problem> {
        let start = self.bytes.len();
        write(&mut self.bytes).map_err(|error| Problem::hide(Code::Internal, &error))?;
        let line = self.items.len() as u64 + 1;
        self.items.push(Item::Json { line, at: start..self.bytes.len() });
        Ok(())
    }
}
