use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};

use super::super::Picture;

/// A picture cannot be written as a JPEG.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("{width} x {height} pixels are more than JPEG can hold")]
    TooLarge { width: u32, height: u32 },
    #[error("can't write a JPEG: {0}")]
    Failed(#[from] EncodingError),
}

/// Writes a baseline JPEG with halved chroma (4:2:0); `quality` from 1 to 100.
///
/// # Errors
/// When the picture is empty or has more than 65,535 pixels a side.
pub fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>, EncodeError> {
    let Picture { width, height, rgb } = picture;
    let (Ok(across), Ok(down)) = (u16::try_from(*width), u16::try_from(*height)) else {
        return Err(EncodeError::TooLarge { width: *width, height: *height });
    };
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.encode(rgb, across, down, ColorType::Rgb)?;
    Ok(out)
}
