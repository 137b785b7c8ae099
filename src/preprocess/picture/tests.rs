use std::time::Duration;

use proptest::prelude::*;

use super::exif::tests::exif;
use super::*;
use crate::domain::ErrorCode;

const WANTS: [Want; 2] = [Want::Full, Want::AtLeast { width: 20, height: 20 }];

fn limits() -> PictureLimits {
    // A slow machine must not fail a test.
    PictureLimits { time: Duration::from_secs(60), ..PictureLimits::default() }
}

fn full(bytes: &[u8]) -> Result<Picture, PictureError> {
    decode(bytes, &limits(), Want::Full)
}

fn gradient(width: u32, height: u32) -> Picture {
    let rgb =
        (0..height).flat_map(|y| (0..width).flat_map(move |x| [2 * x as u8, 2 * y as u8, 100]));
    Picture { width, height, rgb: rgb.collect() }
}

fn as_jpeg(width: u32, height: u32) -> Vec<u8> {
    encode_jpeg(&gradient(width, height), 90).unwrap()
}

/// With the samples and the palette given.
fn as_png(
    width: u32,
    height: u32,
    set: impl FnOnce(&mut ::png::Encoder<'_, &mut Vec<u8>>),
    data: &[u8],
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut out, width, height);
    set(&mut encoder);
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    out
}

fn rgb_png(picture: &Picture) -> Vec<u8> {
    as_png(picture.width, picture.height, |e| e.set_color(::png::ColorType::Rgb), &picture.rgb)
}

fn as_webp(picture: &Picture, exif: Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut out);
    exif.into_iter().for_each(|exif| encoder.set_exif_metadata(exif));
    let Picture { width, height, rgb } = picture;
    encoder.encode(rgb, *width, *height, image_webp::ColorType::Rgb8).unwrap();
    out
}

/// Two frames: a red one with a hole at (2, 1) on a larger screen, then a blue one.
fn as_gif() -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder =
        ::gif::Encoder::new(&mut out, 8, 6, &[255, 0, 0, 0, 0, 255, 9, 9, 9]).unwrap();
    let mut places = vec![0; 12];
    places[6] = 2;
    let mut frame = ::gif::Frame::from_indexed_pixels(4, 3, places, Some(2));
    (frame.left, frame.top) = (1, 2);
    encoder.write_frame(&frame).unwrap();
    encoder.write_frame(&::gif::Frame::from_indexed_pixels(8, 6, vec![1; 48], None)).unwrap();
    drop(encoder);
    out
}

/// A lossy WebP of one pixel.
const LOSSY: &[u8] = b"RIFF\x22\0\0\0WEBPVP8 \x16\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x01\0\x0e\xc0\xfe\x25\xa4\0\x03\x70\0\0\0\0";

fn samples() -> Vec<(Format, Vec<u8>)> {
    vec![
        (Format::Jpeg, as_jpeg(90, 70)),
        (Format::Png, rgb_png(&gradient(90, 70))),
        (Format::WebP, as_webp(&gradient(90, 70), None)),
        (Format::Gif, as_gif()),
    ]
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let at = 3 * (y * picture.width + x) as usize;
    picture.rgb[at..at + 3].try_into().unwrap()
}

#[test]
fn lossless_kinds_come_back_as_they_were() {
    let picture = gradient(90, 70);
    assert!(full(&rgb_png(&picture)).unwrap() == picture);
    assert!(full(&as_webp(&picture, None)).unwrap() == picture);
    assert_eq!(full(LOSSY).unwrap().rgb.len(), 3);
}

#[test]
fn every_kind_of_png_is_read() {
    use ::png::{BitDepth, ColorType};
    let kind = |color, depth, data: &[u8]| {
        let bytes = as_png(
            2,
            1,
            |e| {
                e.set_color(color);
                e.set_depth(depth);
                if color == ColorType::Indexed {
                    e.set_palette(vec![1, 2, 3, 4, 5, 6]);
                    e.set_trns(vec![255, 0]);
                }
            },
            data,
        );
        full(&bytes).unwrap().rgb
    };
    let white = [255; 3];
    assert_eq!(kind(ColorType::Grayscale, BitDepth::Eight, &[7, 8]), [7, 7, 7, 8, 8, 8]);
    assert_eq!(kind(ColorType::Grayscale, BitDepth::One, &[0b0100_0000]), [[0; 3], white].concat());
    assert_eq!(kind(ColorType::Grayscale, BitDepth::Sixteen, &[7, 99, 8, 99]), [7, 7, 7, 8, 8, 8]);
    assert_eq!(
        kind(ColorType::GrayscaleAlpha, BitDepth::Eight, &[0, 0, 0, 255]),
        [white, [0; 3]].concat()
    );
    assert_eq!(
        kind(ColorType::Rgba, BitDepth::Eight, &[9, 8, 7, 255, 0, 0, 0, 128]),
        [9, 8, 7, 127, 127, 127]
    );
    assert_eq!(
        kind(ColorType::Indexed, BitDepth::One, &[0b0100_0000]),
        [[1, 2, 3], white].concat()
    );
    let sixteen = [1, 0, 2, 0, 3, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(kind(ColorType::Rgba, BitDepth::Sixteen, &sixteen), [[1, 2, 3], white].concat());
}

/// Five pixels a side of grey `10 x + y`, written in seven passes.
#[test]
fn interlaced_png_is_put_together() {
    const PASSES: [(usize, usize, usize, usize); 7] = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let mut raw = Vec::new();
    for (left, top, across, down) in PASSES {
        for y in (top..5).step_by(down) {
            let row: Vec<u8> = (left..5).step_by(across).map(|x| (10 * x + y) as u8).collect();
            if !row.is_empty() {
                raw.push(0);
                raw.extend(row);
            }
        }
    }
    let header = [0, 0, 0, 5, 0, 0, 0, 5, 8, 0, 0, 0, 1];
    let bytes = png_of(&[(b"IHDR", &header), (b"IDAT", &deflated(&raw)), (b"IEND", &[])]);
    let got = full(&bytes).unwrap();
    for (x, y) in (0..5).flat_map(|x| (0..5).map(move |y| (x, y))) {
        assert_eq!(pixel(&got, x, y), [(10 * x + y) as u8; 3]);
    }
}

fn deflated(raw: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(raw).unwrap();
    out.finish().unwrap()
}

fn png_of(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        let mut crc = flate2::Crc::new();
        crc.update(*kind);
        crc.update(data);
        out.extend((data.len() as u32).to_be_bytes());
        out.extend_from_slice(*kind);
        out.extend_from_slice(data);
        out.extend(crc.sum().to_be_bytes());
    }
    out
}

#[test]
fn of_a_gif_the_first_frame_is_seen_on_white() {
    let got = full(&as_gif()).unwrap();
    assert_eq!((got.width, got.height), (8, 6));
    assert_eq!(pixel(&got, 1, 2), [255, 0, 0]);
    assert_eq!(pixel(&got, 4, 4), [255, 0, 0]);
    assert_eq!(pixel(&got, 3, 3), [255; 3]);
    assert_eq!(pixel(&got, 0, 0), [255; 3]);
    assert_eq!(pixel(&got, 5, 2), [255; 3]);
}

#[test]
fn pictures_are_turned_as_exif_says() {
    let segment = |value| {
        let exif = [b"Exif\0\0", exif(value % 2 == 0, value).as_slice()].concat();
        [&[0xff, 0xe1, 0, exif.len() as u8 + 2], exif.as_slice()].concat()
    };
    // Corners of the gradient: dark where both axes begin.
    let dark = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0), (1, 0), (1, 1), (0, 1)];
    for value in 1..=8_u16 {
        let jpeg = as_jpeg(120, 60);
        let jpeg = [&jpeg[..2], &segment(value), &jpeg[2..]].concat();
        let webp = as_webp(&gradient(120, 60), Some(exif(true, value)));
        for (bytes, want) in [(&jpeg, WANTS[0]), (&jpeg, WANTS[1]), (&webp, WANTS[0])] {
            let got = decode(bytes, &limits(), want).unwrap();
            assert_eq!(got.width > got.height, value < 5, "{value}");
            let (x, y) = dark[usize::from(value) - 1];
            let corner = pixel(&got, x * (got.width - 1), y * (got.height - 1));
            assert!(corner[0] < 30 && corner[1] < 30, "{value}: {corner:?}");
        }
    }
}

#[test]
fn damaged_exif_is_passed_over() {
    for exif in [&b""[..], b"MM", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff\x01\x12"] {
        let payload = [b"Exif\0\0", exif].concat();
        let segment = [&[0xff, 0xe1, 0, payload.len() as u8 + 2], payload.as_slice()].concat();
        let jpeg = as_jpeg(40, 30);
        let got = full(&[&jpeg[..2], &segment, &jpeg[2..]].concat()).unwrap();
        assert_eq!((got.width, got.height), (40, 30));
    }
}

#[test]
fn the_content_decides_and_what_follows_is_ignored() {
    for (format, bytes) in samples() {
        assert_eq!(Format::of(&bytes), Ok(format));
        let picture = full(&bytes).unwrap();
        let zip = [bytes.as_slice(), b"PK\x03\x04\x14\0\0\0\x08\0evil.exe", &[0xff; 300]].concat();
        assert!(full(&zip).unwrap() == picture, "{format}");
    }
    for (bytes, name) in [
        (&b""[..], "an empty file"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<!doctype html>", "a web page"),
        (b"PK\x03\x04", "a file of this kind"),
    ] {
        let error = full(bytes).unwrap_err();
        assert_eq!(error, PictureError::Unsupported(name));
        assert_eq!(error.at("images[0]").code, ErrorCode::ImageUnsupported);
    }
}

/// Files of a few bytes that claim to be 65,000 pixels a side, or as many as their kind can.
fn huge() -> Vec<Vec<u8>> {
    let mut jpeg = as_jpeg(16, 16);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xfd, 0xe8, 0xfd, 0xe8]);
    let mut progressive = jpeg.clone();
    progressive[frame + 1] = 0xc2;
    let side = 65_000_u32.to_be_bytes();
    let header = [&side[..], &side, &[8, 6, 0, 0, 0]].concat();
    let png = png_of(&[(b"IHDR", &header), (b"IDAT", &deflated(&[0; 10_000])), (b"IEND", &[])]);
    let mut gif = as_gif();
    gif[6..10].copy_from_slice(&[0xe8, 0xfd, 0xe8, 0xfd]);
    let mut lossy = LOSSY.to_vec();
    lossy[26..30].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    let mut lossless = as_webp(&gradient(16, 16), None);
    lossless[21..25].copy_from_slice(&[0xff, 0xff, 0xff, 0x0f]);
    // A small canvas with a huge frame in it.
    let canvas = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let body = [b"WEBPVP8X\x0a\0\0\0", &canvas[..], &lossy[12..]].concat();
    let inner = [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat();
    vec![jpeg, progressive, png, gif, lossy, lossless, inner]
}

#[test]
fn huge_claims_are_refused_by_their_header() {
    for bytes in huge() {
        for want in WANTS {
            let error = decode(&bytes, &limits(), want).unwrap_err();
            assert!(matches!(error, PictureError::TooManyPixels { .. }), "{error}");
            assert_eq!(error.code(), ErrorCode::ImageTooLarge);
        }
    }
}

#[test]
fn a_huge_frame_on_a_small_gif_screen_is_refused() {
    let mut gif = as_gif();
    let frame = gif.windows(5).position(|w| w == [0x2c, 1, 0, 2, 0]).unwrap();
    gif[frame + 5..frame + 9].fill(0xff);
    assert!(matches!(full(&gif), Err(PictureError::TooManyPixels { .. })));
}

#[test]
fn every_limit_is_kept() {
    for (format, bytes) in samples() {
        let picture = full(&bytes).unwrap();
        let pixels = u64::from(picture.width) * u64::from(picture.height);
        let refused =
            |limits: PictureLimits| decode(&bytes, &limits, Want::Full).unwrap_err().code();
        let exact = PictureLimits {
            max_bytes: bytes.len(),
            max_side: picture.width,
            max_pixels: pixels,
            ..limits()
        };
        assert!(decode(&bytes, &exact, Want::Full).is_ok(), "{format}");
        let large = ErrorCode::ImageTooLarge;
        assert_eq!(refused(PictureLimits { max_bytes: bytes.len() - 1, ..exact }), large);
        assert_eq!(refused(PictureLimits { max_side: picture.width - 1, ..exact }), large);
        assert_eq!(refused(PictureLimits { max_pixels: pixels - 1, ..exact }), large);
        assert_eq!(refused(PictureLimits { max_memory: 2 * pixels, ..exact }), large);
        assert_eq!(
            refused(PictureLimits { time: Duration::ZERO, ..exact }),
            ErrorCode::ImageTimeout
        );
        let part = PictureLimits { time: Duration::ZERO, ..exact };
        assert!(matches!(decode(&bytes, &part, WANTS[1]), Err(PictureError::Timeout(_))));
    }
}

#[test]
fn a_file_that_was_cut_is_refused() {
    for (format, bytes) in samples() {
        // The last bytes of a PNG or a GIF hold no pixels.
        let needed = match format {
            Format::Jpeg => bytes.len() - 1,
            Format::WebP => bytes.len() - 8,
            Format::Png => bytes.len() - 20,
            Format::Gif => bytes.len() - 60,
        };
        for cut in (0..bytes.len()).step_by(64).chain([needed]) {
            for want in WANTS {
                let got = decode(&bytes[..cut], &limits(), want);
                if cut <= needed {
                    assert!(got.is_err(), "{format} {cut} of {}", bytes.len());
                }
            }
        }
    }
}

#[test]
fn a_png_that_unpacks_to_more_than_it_shows_costs_no_more() {
    // 20 MB of zeros in 20 kB, for 16 pixels; a text and a profile of the same kind.
    let bomb = deflated(&vec![0; 20_000_000]);
    let header = [0, 0, 0, 4, 0, 0, 0, 4, 8, 2, 0, 0, 0];
    let text = [b"key\0\0", bomb.as_slice()].concat();
    let bytes = png_of(&[
        (b"IHDR", &header),
        (b"zTXt", &text),
        (b"iCCP", &text),
        (b"IDAT", &bomb),
        (b"IEND", &[]),
    ]);
    let tight = PictureLimits { max_memory: 1 << 20, ..limits() };
    assert_eq!(decode(&bytes, &tight, Want::Full).unwrap().rgb, [0; 48]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changed_bytes_never_panic(
        which in 0..5_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        part in any::<bool>(),
    ) {
        let mut bytes = match which {
            4 => LOSSY.to_vec(),
            which => samples().swap_remove(which).1,
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let small = PictureLimits { max_pixels: 1 << 20, ..limits() };
        let want = WANTS[usize::from(part)];
        if let Ok(got) = decode(&bytes, &small, want) {
            prop_assert_eq!(got.rgb.len() as u64, 3 * u64::from(got.width) * u64::from(got.height));
            prop_assert!(u64::from(got.width) * u64::from(got.height) <= small.max_pixels);
        } else if let Err(PictureError::Corrupt { reason, .. }) = decode(&bytes, &small, want) {
            prop_assert_ne!(reason, "the decoder gave up");
        }
    }
}
