use std::fmt;

use super::PictureError;

/// A kind of picture that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
}

impl Format {
    /// What the first bytes say.
    ///
    /// # Errors
    /// [`PictureError::Unsupported`] with the name of the kind where it is a known one.
    pub fn of(bytes: &[u8]) -> Result<Self, PictureError> {
        let starts = |magic: &[u8]| bytes.starts_with(magic);
        let at =
            |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|b| b.starts_with(magic));
        if starts(b"\xff\xd8\xff") {
            return Ok(Self::Jpeg);
        }
        if starts(b"\x89PNG\r\n\x1a\n") {
            return Ok(Self::Png);
        }
        if starts(b"RIFF") && at(8, b"WEBP") {
            return Ok(Self::WebP);
        }
        if starts(b"GIF87a") || starts(b"GIF89a") {
            return Ok(Self::Gif);
        }
        Err(PictureError::Unsupported(match bytes {
            [] => "an empty file",
            _ if at(4, b"ftypavi") => "AVIF",
            _ if at(4, b"ftyphei") || at(4, b"ftypmif1") || at(4, b"ftyphev") => "HEIC",
            _ if starts(b"BM") => "BMP",
            _ if starts(b"II*\0") || starts(b"MM\0*") => "TIFF",
            _ if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL ") => "JPEG XL",
            _ if starts(b"<svg") || starts(b"<?xml") => "SVG",
            _ if starts(b"<") => "a web page",
            _ if starts(b"%PDF") => "PDF",
            _ => "a file of this kind",
        }))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
        })
    }
}
