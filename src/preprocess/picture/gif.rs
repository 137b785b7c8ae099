use std::num::NonZeroU64;

use gif::{DecodeOptions, MemoryLimit};

use super::deadline::{Deadline, Timed};
use super::exif::Orientation;
use super::{Format, Picture, PictureError, PictureLimits};

/// The first frame, laid on a white screen.
pub(super) fn decode(
    bytes: &[u8],
    limits: &PictureLimits,
    deadline: &Deadline,
) -> Result<(Picture, Orientation), PictureError> {
    let failed = |error: gif::DecodingError| {
        deadline.check().err().unwrap_or_else(|| PictureError::corrupt(Format::Gif, &error))
    };
    let corrupt = |reason: &str| PictureError::corrupt(Format::Gif, &reason);
    let mut options = DecodeOptions::new();
    let memory = NonZeroU64::new(limits.max_memory).unwrap_or(NonZeroU64::MIN);
    options.set_memory_limit(MemoryLimit::Bytes(memory));
    // The screen is known here, before the first frame is looked for.
    let mut decoder = options.read_info(Timed::new(bytes, *deadline)).map_err(failed)?;
    let (width, height) = (decoder.width(), decoder.height());
    limits.check_size(width.into(), height.into())?;
    if width == 0 || height == 0 {
        return Err(corrupt("no width or no height"));
    }
    let Some(frame) = decoder.next_frame_info().map_err(failed)? else {
        return Err(corrupt("it holds no frame"));
    };
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (across, down) = (usize::from(frame.width), usize::from(frame.height));
    // A frame may be larger than its screen; what is outside is not seen.
    limits.check_size(frame.width.into(), frame.height.into())?;
    let pixels = usize::from(width) * usize::from(height);
    limits.check_memory((3 * pixels + across * down) as u64, 1)?;
    let transparent = frame.transparent;
    let mut places = vec![0; across * down];
    decoder.read_into_buffer(&mut places).map_err(failed)?;
    let palette = decoder.palette().map_err(failed)?;
    let (width, height) = (usize::from(width), usize::from(height));
    let mut rgb = vec![255; 3 * pixels];
    let rows = places.chunks_exact(across.max(1)).take(height.saturating_sub(top));
    for (from, to) in rows.zip(rgb.chunks_exact_mut(3 * width).skip(top)) {
        for (place, to) in from.iter().zip(to.chunks_exact_mut(3).skip(left)) {
            let at = 3 * usize::from(*place);
            if Some(*place) != transparent
                && let Some(colour) = palette.get(at..at + 3)
            {
                to.copy_from_slice(colour);
            }
        }
    }
    Ok((Picture { width: width as u32, height: height as u32, rgb }, Orientation::UPRIGHT))
}
