use image_webp::{DecodingError, WebPDecoder};

use super::deadline::{Deadline, Timed};
use super::exif::Orientation;
use super::{Format, Picture, PictureError, PictureLimits, on_white};

/// Bytes that a pixel takes at most while it is decoded: the lossless form, the result of the
/// decoder, and the picture.
const BYTES_A_PIXEL: u64 = 12;

/// The picture, or the first frame.
pub(super) fn decode(
    bytes: &[u8],
    limits: &PictureLimits,
    deadline: &Deadline,
) -> Result<(Picture, Orientation), PictureError> {
    let failed = |error: DecodingError| {
        deadline.check().err().unwrap_or_else(|| PictureError::corrupt(Format::WebP, &error))
    };
    for (width, height) in sizes(bytes.get(12..).unwrap_or_default(), true) {
        limits.check_size(width, height)?;
        limits.check_memory(u64::from(width) * u64::from(height), BYTES_A_PIXEL)?;
    }
    let mut decoder = WebPDecoder::new(Timed::new(bytes, *deadline)).map_err(failed)?;
    decoder.set_memory_limit(limits.memory());
    let (width, height) = decoder.dimensions();
    limits.check_size(width, height)?;
    limits.check_memory(u64::from(width) * u64::from(height), BYTES_A_PIXEL)?;
    let exif = decoder.exif_metadata().ok().flatten();
    let orientation = Orientation::of_exif(exif.as_deref());
    let samples = if decoder.has_alpha() { 4 } else { 3 };
    let mut rgb = vec![0; samples * width as usize * height as usize];
    decoder.read_image(&mut rgb).map_err(failed)?;
    if samples == 4 {
        for at in 0..rgb.len() / 4 {
            let alpha = rgb[4 * at + 3];
            for channel in 0..3 {
                rgb[3 * at + channel] = on_white(rgb[4 * at + channel], alpha);
            }
        }
        rgb.truncate(3 * width as usize * height as usize);
    }
    Ok((Picture { width, height, rgb }, orientation))
}

/// Every size that a chunk of `bytes` names: a frame may claim another one than its canvas, and the
/// decoder makes room for it before it compares them. Of the frames, the first counts.
fn sizes(mut bytes: &[u8], outer: bool) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    let u24 = |b: &[u8]| u32::from(b[0]) | u32::from(b[1]) << 8 | u32::from(b[2]) << 16;
    let mut first_frame = outer;
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let chunk = &rest[..length.min(rest.len())];
        match (&head[..4], chunk) {
            (b"VP8X", [_, _, _, _, size @ ..]) if size.len() >= 6 => {
                found.push((u24(&size[..3]) + 1, u24(&size[3..6]) + 1));
            }
            (b"VP8L", [_, a, b, c, d, ..]) => {
                let size = u32::from_le_bytes([*a, *b, *c, *d]);
                found.push(((size & 0x3fff) + 1, (size >> 14 & 0x3fff) + 1));
            }
            (b"VP8 ", [_, _, _, _, _, _, w0, w1, h0, h1, ..]) => {
                let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
                found.push((side(*w0, *w1), side(*h0, *h1)));
            }
            (b"ANMF", frame) if first_frame && frame.len() > 16 => {
                first_frame = false;
                found.push((u24(&frame[6..9]) + 1, u24(&frame[9..12]) + 1));
                found.extend(sizes(&frame[16..], false));
            }
            _ => {}
        }
        bytes = rest.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    found
}
