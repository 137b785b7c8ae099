use std::time::Duration;

use super::Format;
use crate::domain::{ErrorCode, ItemError};

/// Why a picture cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("{bytes} bytes, the limit is {limit}")]
    TooManyBytes { bytes: usize, limit: usize },
    #[error("{width} x {height} pixels, the limit is {max_side} a side and {max_pixels} in all")]
    TooManyPixels { width: u32, height: u32, max_side: u32, max_pixels: u64 },
    #[error("decoding takes {bytes} bytes of memory, the limit is {limit}")]
    TooMuchMemory { bytes: u64, limit: u64 },
    /// What was found, as a noun.
    #[error("{0} is not supported: send JPEG, PNG, WebP or GIF")]
    Unsupported(&'static str),
    #[error("damaged {format}: {reason}")]
    Corrupt { format: Format, reason: String },
    #[error("decoding took longer than {0:?}")]
    Timeout(Duration),
}

impl PictureError {
    pub(super) fn corrupt(format: Format, reason: &dyn std::fmt::Display) -> Self {
        Self::Corrupt { format, reason: reason.to_string() }
    }

    /// The stable name that clients match on.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TooManyBytes { .. } | Self::TooManyPixels { .. } | Self::TooMuchMemory { .. } => {
                ErrorCode::ImageTooLarge
            }
            Self::Unsupported(_) => ErrorCode::ImageUnsupported,
            Self::Corrupt { .. } => ErrorCode::ImageCorrupt,
            Self::Timeout(_) => ErrorCode::ImageTimeout,
        }
    }

    /// The item's error at `field`, such as `images[0]`.
    pub fn at(&self, field: impl Into<std::borrow::Cow<'static, str>>) -> ItemError {
        ItemError::new(self.code(), field, self.to_string())
    }
}
