use std::borrow::Cow;

use serde::Serialize;

/// Why one item of a batch was refused; stable names that clients may match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The bytes are not UTF-8.
    InvalidUtf8,
    /// The text is not a JSON object.
    InvalidJson,
    /// A required field is absent or null.
    MissingField,
    /// A field holds another JSON type than the one described.
    WrongType,
    /// A required text is empty or blank.
    EmptyField,
    /// A text is longer than its limit.
    TooLong,
    /// A list or map has more entries than its limit.
    TooMany,
    /// A number is outside its range.
    OutOfRange,
    /// A text does not have the form asked for (currency, time, platform name).
    InvalidFormat,
    /// The whole item is larger than the limit.
    ItemTooLarge,
    /// A picture has more bytes, pixels or memory to it than the limit.
    ImageTooLarge,
    /// A picture is of a kind that is not read.
    ImageUnsupported,
    /// A picture is damaged or cut short.
    ImageCorrupt,
    /// A picture took longer to decode than the limit.
    ImageTimeout,
    /// Scoring failed for a reason that is not the item's fault.
    Internal,
}

impl ErrorCode {
    /// The code as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidJson => "invalid_json",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::EmptyField => "empty_field",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::OutOfRange => "out_of_range",
            Self::InvalidFormat => "invalid_format",
            Self::ItemTooLarge => "item_too_large",
            Self::ImageTooLarge => "image_too_large",
            Self::ImageUnsupported => "image_unsupported",
            Self::ImageCorrupt => "image_corrupt",
            Self::ImageTimeout => "image_timeout",
            Self::Internal => "internal",
        }
    }
}

/// One item's error: what is wrong, where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ItemError {
    pub code: ErrorCode,
    /// Path of the field, such as `price.amount`; empty when the item as a whole is wrong.
    pub field: Cow<'static, str>,
    pub message: String,
}

impl ItemError {
    /// An error at `field`.
    pub fn new(
        code: ErrorCode,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { code, field: field.into(), message: message.into() }
    }

    /// The item as a whole has more than `limit` bytes.
    pub fn too_large(bytes: usize, limit: usize) -> Self {
        Self::new(ErrorCode::ItemTooLarge, "", format!("{bytes} bytes, the limit is {limit}"))
    }
}
