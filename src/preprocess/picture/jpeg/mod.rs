//! JPEG, whole and to a part of its size.
//!
//! [`scaled`](scaled::scaled) decodes the ordinary kind (8 bits, one Huffman-coded scan) straight to
//! 1/2, 1/4 or 1/8 of the size. Whatever it does not know or finds doubtful is left to the general
//! decoder, which knows progressive, CMYK and YCCK pictures and always gives the full size.

#![allow(
    unsafe_code,
    reason = "functions compiled for more instructions; each call says why it is sound"
)]

mod bits;
mod color;
mod encode;
mod header;
mod huffman;
mod idct;
mod scaled;
mod whole;

pub use encode::{EncodeError, encode};

use super::deadline::Deadline;
use super::exif::Orientation;
use super::{Format, Picture, PictureError, PictureLimits, Want};

/// Decodes to no less than `want`; the EXIF orientation is returned, not applied.
pub(super) fn decode(
    bytes: &[u8],
    limits: &PictureLimits,
    want: Want,
    deadline: &Deadline,
) -> Result<(Picture, Orientation), PictureError> {
    let corrupt = |reason: &str| PictureError::corrupt(Format::Jpeg, &reason);
    let header = header::read(bytes).map_err(corrupt)?;
    let (width, height) = (u32::from(header.width), u32::from(header.height));
    limits.check_size(width, height)?;
    if !header::has_end(bytes, header.data) {
        return Err(corrupt("it ends before its end marker"));
    }
    let orientation = Orientation::of_exif(header.exif);
    let side = side_for(want, (width, height), orientation);
    if side < 8 {
        let pixels = u64::from(width) * u64::from(height) * (side * side) as u64 / 64;
        limits.check_memory(pixels, 6)?;
        if let Some(picture) = scaled::scaled(bytes, &header, side, deadline)? {
            return Ok((picture, orientation));
        }
    }
    whole::decode(bytes, &header, limits, deadline).map(|picture| (picture, orientation))
}

/// The eighths of the size that are enough.
fn side_for(want: Want, (width, height): (u32, u32), orientation: Orientation) -> usize {
    let Want::AtLeast { width: across, height: down } = want else { return 8 };
    let (across, down) = if orientation.swaps() { (down, across) } else { (across, down) };
    [1, 2, 4]
        .into_iter()
        .find(|side| {
            let part = |length: u32| (u64::from(length) * *side as u64).div_ceil(8);
            part(width) >= u64::from(across) && part(height) >= u64::from(down)
        })
        .unwrap_or(8)
}

#[cfg(test)]
mod tests;
