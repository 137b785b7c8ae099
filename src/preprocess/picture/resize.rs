use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{Picture, Want};

/// Pixels across and down that the image encoder reads.
pub const ENCODER_SIDE: u32 = 224;

/// What to decode for the image encoder: twice its side, so that resizing has something to average.
pub const ENCODER_WANT: Want = Want::AtLeast { width: 2 * ENCODER_SIDE, height: 2 * ENCODER_SIDE };

/// A picture cannot be resized.
#[derive(Debug, thiserror::Error)]
pub enum ResizeError {
    #[error("a picture of {width} x {height} pixels has no pixels")]
    NoPixels { width: u32, height: u32 },
    #[error("{bytes} bytes are not {width} x {height} pixels")]
    WrongLength { bytes: usize, width: u32, height: u32 },
    #[error("can't resize: {0}")]
    Failed(#[from] fast_image_resize::ResizeError),
}

/// Resizes to `width` x `height`, whatever the proportions: bicubic (Catmull-Rom), and where it gets
/// smaller over all the pixels that go into one.
///
/// In whole numbers throughout, so the result has the same bits on any processor.
///
/// # Errors
/// When one of the sizes is 0, or `picture.rgb` is not as long as its size says.
pub fn resize(picture: &Picture, width: u32, height: u32) -> Result<Picture, ResizeError> {
    resize_with(&mut Resizer::new(), picture, width, height)
}

/// As the image encoder reads it: squashed to [`ENCODER_SIDE`] pixels a side. Decode with
/// [`ENCODER_WANT`].
///
/// # Errors
/// See [`resize`].
pub fn squash(picture: &Picture) -> Result<Picture, ResizeError> {
    resize(picture, ENCODER_SIDE, ENCODER_SIDE)
}

fn resize_with(
    resizer: &mut Resizer,
    picture: &Picture,
    width: u32,
    height: u32,
) -> Result<Picture, ResizeError> {
    for (width, height) in [(width, height), (picture.width, picture.height)] {
        if width == 0 || height == 0 {
            return Err(ResizeError::NoPixels { width, height });
        }
    }
    let (from_width, from_height) = (picture.width, picture.height);
    let from = ImageRef::new(from_width, from_height, &picture.rgb, PixelType::U8x3).ok();
    let exact = picture.rgb.len() as u64 == 3 * u64::from(from_width) * u64::from(from_height);
    let Some(from) = from.filter(|_| exact) else {
        let bytes = picture.rgb.len();
        return Err(ResizeError::WrongLength { bytes, width: from_width, height: from_height });
    };
    let mut to = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    resizer.resize(&from, &mut to, &options)?;
    Ok(Picture { width, height, rgb: to.into_vec() })
}

#[cfg(test)]
mod tests {
    #![expect(unsafe_code, reason = "choosing instructions is unsafe in the resizer's interface")]

    use fast_image_resize::CpuExtensions;

    use super::*;

    fn noise(width: u32, height: u32) -> Picture {
        let mut state = width * 31 + height;
        let rgb = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        Picture { width, height, rgb: rgb.take((3 * width * height) as usize).collect() }
    }

    #[test]
    fn every_set_of_instructions_gives_the_same_bits() {
        for (from, to) in
            [((600, 600), (224, 224)), ((37, 101), (224, 224)), ((450, 1000), (17, 33))]
        {
            let picture = noise(from.0, from.1);
            let best = resize(&picture, to.0, to.1).unwrap();
            let mut sets = vec![CpuExtensions::None];
            #[cfg(target_arch = "x86_64")]
            sets.extend([CpuExtensions::Sse4_1, CpuExtensions::Avx2]);
            for set in sets.into_iter().filter(CpuExtensions::is_supported) {
                let mut resizer = Resizer::new();
                // SAFETY: the processor supports the set.
                unsafe { resizer.set_cpu_extensions(set) };
                let got = resize_with(&mut resizer, &picture, to.0, to.1).unwrap();
                assert!(got == best, "{set:?} {from:?} {to:?}");
            }
        }
    }

    #[test]
    fn one_colour_stays_and_sizes_are_checked() {
        let rgb = [10, 200, 255].repeat(50 * 20);
        let flat = Picture { width: 50, height: 20, rgb };
        let got = squash(&flat).unwrap();
        assert_eq!((got.width, got.height), (224, 224));
        assert!(got.rgb.chunks_exact(3).all(|pixel| pixel == [10, 200, 255]));
        assert!(resize(&flat, 0, 10).is_err());
        let short = Picture { width: 50, height: 21, ..flat };
        assert!(squash(&short).is_err());
        let none = Picture { width: 0, height: 20, rgb: Vec::new() };
        assert!(squash(&none).is_err());
    }
}
