use super::Picture;

/// How a camera was held: what must be done to see the picture upright, in EXIF's numbers 1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation(u8);

/// Entries of the first directory that are looked at.
const ENTRIES: u16 = 512;

impl Orientation {
    pub(super) const UPRIGHT: Self = Self(1);

    /// Of a TIFF block as EXIF has it; upright for anything that cannot be read.
    pub(super) fn of_exif(exif: Option<&[u8]>) -> Self {
        exif.and_then(Self::read).unwrap_or(Self::UPRIGHT)
    }

    fn read(tiff: &[u8]) -> Option<Self> {
        const ORIENTATION: u16 = 0x0112;
        const SHORT: u16 = 3;
        // Some writers leave JPEG's prefix in other formats.
        let tiff = tiff.strip_prefix(b"Exif\0\0").unwrap_or(tiff);
        let big = match tiff.get(..4)? {
            b"MM\0*" => true,
            b"II*\0" => false,
            _ => return None,
        };
        let short = |at: usize| -> Option<u16> {
            let bytes = *tiff.get(at..)?.first_chunk()?;
            Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
        };
        let offset = *tiff.get(4..)?.first_chunk()?;
        let offset = if big { u32::from_be_bytes(offset) } else { u32::from_le_bytes(offset) };
        let offset = usize::try_from(offset).ok()?;
        let entries = short(offset)?.min(ENTRIES);
        (0..usize::from(entries)).find_map(|i| {
            let at = offset.checked_add(2 + 12 * i)?;
            if short(at)? != ORIENTATION || short(at.checked_add(2)?)? != SHORT {
                return None;
            }
            let value = u8::try_from(short(at.checked_add(8)?)?).ok()?;
            (1..=8).contains(&value).then_some(Self(value))
        })
    }

    /// Whether width and height change places.
    pub(super) fn swaps(self) -> bool {
        self.0 >= 5
    }

    /// Turns and mirrors.
    pub(super) fn apply(self, picture: Picture) -> Picture {
        if self == Self::UPRIGHT {
            return picture;
        }
        let (from_width, from_height) = (picture.width as usize, picture.height as usize);
        let (width, height) =
            if self.swaps() { (from_height, from_width) } else { (from_width, from_height) };
        let mut rgb = Vec::with_capacity(picture.rgb.len());
        for y in 0..height {
            for x in 0..width {
                let (right, bottom) = (width - 1 - x, height - 1 - y);
                let (from_x, from_y) = match self.0 {
                    2 => (right, y),
                    3 => (right, bottom),
                    4 => (x, bottom),
                    5 => (y, x),
                    6 => (y, right),
                    7 => (bottom, right),
                    8 => (bottom, x),
                    _ => (x, y),
                };
                let at = 3 * (from_y * from_width + from_x);
                rgb.extend_from_slice(&picture.rgb[at..at + 3]);
            }
        }
        Picture { width: width as u32, height: height as u32, rgb }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An EXIF block with nothing but an orientation.
    pub(in super::super) fn exif(big: bool, value: u16) -> Vec<u8> {
        let short = |x: u16| if big { x.to_be_bytes() } else { x.to_le_bytes() };
        let long = |x: u32| if big { x.to_be_bytes() } else { x.to_le_bytes() };
        let mut out = if big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        out.extend(long(8));
        out.extend(short(1));
        out.extend(short(0x0112));
        out.extend(short(3));
        out.extend(long(1));
        out.extend(short(value));
        out.extend(short(0));
        out.extend(long(0));
        out
    }

    #[test]
    fn all_eight_are_undone() {
        // As the EXIF standard draws them: where the stored rows and columns belong.
        let stored = Picture { width: 2, height: 3, rgb: (0..6).flat_map(|i| [i, i, i]).collect() };
        let want: [(u32, [u8; 6]); 8] = [
            (2, [0, 1, 2, 3, 4, 5]),
            (2, [1, 0, 3, 2, 5, 4]),
            (2, [5, 4, 3, 2, 1, 0]),
            (2, [4, 5, 2, 3, 0, 1]),
            (3, [0, 2, 4, 1, 3, 5]),
            (3, [4, 2, 0, 5, 3, 1]),
            (3, [5, 3, 1, 4, 2, 0]),
            (3, [1, 3, 5, 0, 2, 4]),
        ];
        for (i, (width, pixels)) in want.into_iter().enumerate() {
            for big in [false, true] {
                let orientation = Orientation::of_exif(Some(&exif(big, i as u16 + 1)));
                let got = orientation.apply(stored.clone());
                let red: Vec<u8> = got.rgb.iter().copied().step_by(3).collect();
                assert_eq!((got.width, got.height), (width, 6 / width), "{}", i + 1);
                assert_eq!(red, pixels, "{}", i + 1);
            }
        }
    }

    #[test]
    fn garbage_is_upright() {
        let whole = exif(false, 6);
        for cut in 0..20 {
            assert_eq!(Orientation::of_exif(Some(&whole[..cut])), Orientation::UPRIGHT);
        }
        for value in [0, 9, 255, 256, 65_535] {
            assert_eq!(Orientation::of_exif(Some(&exif(true, value))), Orientation::UPRIGHT);
        }
        let mut far = whole;
        far[4..8].fill(0xff);
        assert_eq!(Orientation::of_exif(Some(&far)), Orientation::UPRIGHT);
    }
}
