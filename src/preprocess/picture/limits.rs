use std::time::Duration;

use super::PictureError;

/// What a picture may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureLimits {
    /// Bytes of the file.
    pub max_bytes: usize,
    /// Pixels across or down.
    pub max_side: u32,
    /// Pixels in all, counted at full size even where less is decoded.
    pub max_pixels: u64,
    /// Bytes that decoding may hold at a time, beside the file's own; estimated from the header.
    pub max_memory: u64,
    /// Time to decode.
    pub time: Duration,
}

impl Default for PictureLimits {
    /// 12 MiB, 16,384 pixels a side, 40 million pixels, 256 MiB, 5 seconds.
    fn default() -> Self {
        Self {
            max_bytes: 12 << 20,
            max_side: 16_384,
            max_pixels: 40_000_000,
            max_memory: 256 << 20,
            time: Duration::from_secs(5),
        }
    }
}

impl PictureLimits {
    pub(super) fn check_size(&self, width: u32, height: u32) -> Result<(), PictureError> {
        let side = u64::from(width.max(height));
        let pixels = u64::from(width) * u64::from(height);
        if side > u64::from(self.max_side) || pixels > self.max_pixels {
            return Err(PictureError::TooManyPixels {
                width,
                height,
                max_side: self.max_side,
                max_pixels: self.max_pixels,
            });
        }
        Ok(())
    }

    /// For `pixels` that take `each` bytes while they are decoded.
    pub(super) fn check_memory(&self, pixels: u64, each: u64) -> Result<(), PictureError> {
        let bytes = pixels.saturating_mul(each);
        if bytes > self.max_memory {
            return Err(PictureError::TooMuchMemory { bytes, limit: self.max_memory });
        }
        Ok(())
    }

    /// The largest single thing that a decoder may allocate.
    pub(super) fn memory(&self) -> usize {
        usize::try_from(self.max_memory).unwrap_or(usize::MAX)
    }
}
