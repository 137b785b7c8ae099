use png::{ColorType, Decoder, InterlaceInfo, Limits, Transformations};

use super::deadline::{Deadline, Timed};
use super::exif::Orientation;
use super::{Format, Picture, PictureError, PictureLimits, on_white};

/// The still picture of a PNG, animated or not. Text and colour profiles are not unpacked.
pub(super) fn decode(
    bytes: &[u8],
    limits: &PictureLimits,
    deadline: &Deadline,
) -> Result<(Picture, Orientation), PictureError> {
    let failed = |error: png::DecodingError| {
        deadline.check().err().unwrap_or_else(|| PictureError::corrupt(Format::Png, &error))
    };
    let mut decoder =
        Decoder::new_with_limits(Timed::new(bytes, *deadline), Limits { bytes: limits.memory() });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let (width, height) = decoder.read_header_info().map_err(failed)?.size();
    limits.check_size(width, height)?;
    // Twice, since a picture may be turned; rows come one by one.
    limits.check_memory(u64::from(width) * u64::from(height), 6)?;
    let mut reader = decoder.read_info().map_err(failed)?;
    let (color, _) = reader.output_color_type();
    let orientation = Orientation::of_exif(reader.info().exif_metadata.as_deref());
    let stride = 3 * width as usize;
    let mut rgb = vec![0; stride * height as usize];
    let mut row = Vec::with_capacity(stride);
    let mut rows = 0;
    while let Some(line) = reader.next_interlaced_row().map_err(failed)? {
        deadline.check()?;
        match line.interlace() {
            InterlaceInfo::Null(_) => {
                let to = rgb.get_mut(rows * stride..(rows + 1) * stride);
                fill(line.data(), color, to.unwrap_or_default());
                rows += 1;
            }
            InterlaceInfo::Adam7(info) => {
                let pixels = line.data().len() / color.samples();
                row.resize(3 * pixels, 0);
                fill(line.data(), color, &mut row);
                png::expand_interlaced_row(&mut rgb, stride, &row, info, 24);
            }
        }
    }
    Ok((Picture { width, height, rgb }, orientation))
}

/// A row of 8-bit samples as red, green and blue.
fn fill(data: &[u8], color: ColorType, rgb: &mut [u8]) {
    let pixels = rgb.chunks_exact_mut(3).zip(data.chunks_exact(color.samples()));
    match color {
        ColorType::Grayscale => pixels.for_each(|(to, from)| to.fill(from[0])),
        ColorType::GrayscaleAlpha => {
            pixels.for_each(|(to, from)| to.fill(on_white(from[0], from[1])));
        }
        ColorType::Rgba => pixels.for_each(|(to, from)| {
            to.iter_mut().zip(from).for_each(|(to, colour)| *to = on_white(*colour, from[3]));
        }),
        // The decoder turns palettes into colours.
        ColorType::Rgb | ColorType::Indexed => {
            pixels
                .for_each(|(to, from)| to.iter_mut().zip(from).for_each(|(to, from)| *to = *from));
        }
    }
}
