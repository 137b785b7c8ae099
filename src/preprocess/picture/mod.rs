//! Pictures: from a file's bytes to red, green and blue, and to the size that a model reads.
//!
//! Owns the decoding of JPEG, PNG, WebP and GIF (the first frame) with all its limits, the turning
//! that EXIF asks for, and resizing. It fetches and keeps nothing, and knows no model; the image
//! encoder reads what [`squash`] returns.
//!
//! The bytes are hostile. Their kind is told by their content, never by a name, and what follows the
//! picture in a file is ignored. Sizes are checked in the headers, before anything is allocated for
//! pixels; a decoder that panics gives [`PictureError::Corrupt`]. A file that was cut is refused, as
//! what is missing may be what matters: fetch it again.
//!
//! A JPEG is decoded straight to a part of its size where less is wanted ([`Want`]). AVIF and HEIC
//! are refused by name: no maintained decoder for them is written in safe Rust.
//! Colour profiles and gamma are not applied; transparent pictures are laid on white.

mod deadline;
mod error;
mod exif;
mod format;
mod gif;
mod jpeg;
mod limits;
mod png;
mod resize;
mod webp;

use std::panic::{AssertUnwindSafe, catch_unwind};

use deadline::Deadline;
pub use error::PictureError;
pub use format::Format;
pub use jpeg::{EncodeError, encode as encode_jpeg};
pub use limits::PictureLimits;
pub use resize::{ENCODER_SIDE, ENCODER_WANT, ResizeError, resize, squash};

/// Red, green and blue, a byte each, row by row from the top.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// 3 x `width` x `height` bytes.
    pub rgb: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} x {})", self.width, self.height)
    }
}

/// How many pixels are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// All there are.
    Full,
    /// At least so many across and down, as the picture is seen: a JPEG may come at 1/2, 1/4 or 1/8
    /// of its size. A smaller picture comes as it is.
    AtLeast { width: u32, height: u32 },
}

/// Decodes a picture as it is meant to be seen.
///
/// The time of `limits` is looked at between bands of rows (PNG, GIF, and JPEG where less than the
/// full size is decoded) and at reads of the file (everything). A JPEG of full size or a WebP stops
/// at its next read after that, so what it has read is finished first: that work is bounded by the
/// limit of pixels.
///
/// # Errors
/// Above a limit, of a kind that is not read, damaged or cut.
pub fn decode(bytes: &[u8], limits: &PictureLimits, want: Want) -> Result<Picture, PictureError> {
    if bytes.len() > limits.max_bytes {
        return Err(PictureError::TooManyBytes { bytes: bytes.len(), limit: limits.max_bytes });
    }
    let format = Format::of(bytes)?;
    let deadline = Deadline::new(limits.time);
    let decoded = catch_unwind(AssertUnwindSafe(|| match format {
        Format::Jpeg => jpeg::decode(bytes, limits, want, &deadline),
        Format::Png => png::decode(bytes, limits, &deadline),
        Format::WebP => webp::decode(bytes, limits, &deadline),
        Format::Gif => gif::decode(bytes, limits, &deadline),
    }));
    let (picture, orientation) =
        decoded.unwrap_or_else(|_| Err(PictureError::corrupt(format, &"the decoder gave up")))?;
    deadline.check()?;
    Ok(orientation.apply(picture))
}

/// `colour` of so much opacity, laid on white.
fn on_white(colour: u8, alpha: u8) -> u8 {
    let (colour, alpha) = (u32::from(colour), u32::from(alpha));
    ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests;
