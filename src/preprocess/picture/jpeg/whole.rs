//! The general decoder.

use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::super::deadline::{Deadline, Timed};
use super::super::{Format, Picture, PictureError, PictureLimits};
use super::header::Header;

/// Scans of a progressive picture at most; ordinary ones have about ten.
const SCANS: usize = 64;

pub(super) fn decode(
    bytes: &[u8],
    header: &Header<'_>,
    limits: &PictureLimits,
    deadline: &Deadline,
) -> Result<Picture, PictureError> {
    let (width, height) = (usize::from(header.width), usize::from(header.height));
    let components = header.components.len() as u64;
    // Progressive pictures keep all their coefficients, of 16 bits, until the end.
    let each = if header.whole_scan && header.kind != 0xc2 { 6 } else { 6 + 2 * components };
    limits.check_memory((width * height) as u64, each)?;
    let out = if components == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(width)
        .set_max_height(height)
        .jpeg_set_max_scans(SCANS)
        .jpeg_set_out_colorspace(out);
    let failed = |error: zune_jpeg::errors::DecodeErrors| {
        deadline.check().err().unwrap_or_else(|| PictureError::corrupt(Format::Jpeg, &error))
    };
    let mut decoder = JpegDecoder::new_with_options(Timed::new(bytes, *deadline), options);
    decoder.decode_headers().map_err(failed)?;
    if decoder.dimensions() != Some((width, height)) {
        return Err(PictureError::corrupt(Format::Jpeg, &"two sizes"));
    }
    let mut rgb = decoder.decode().map_err(failed)?;
    deadline.check()?;
    if components == 1 {
        rgb = rgb.into_iter().flat_map(|grey| [grey; 3]).collect();
    }
    if rgb.len() != 3 * width * height {
        return Err(PictureError::corrupt(Format::Jpeg, &"rows are missing"));
    }
    Ok(Picture { width: width as u32, height: height as u32, rgb })
}
