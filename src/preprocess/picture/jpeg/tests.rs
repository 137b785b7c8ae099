use std::time::Duration;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::*;

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(60))
}

/// Waves with a bright disc: smooth areas, an edge, all colours.
fn picture(width: u16, height: u16) -> Vec<u8> {
    let mut rgb = Vec::new();
    for y in 0..i32::from(height) {
        for x in 0..i32::from(width) {
            let disc = (x - 40).pow(2) + (y - 30).pow(2) < 400;
            for k in 0..3 {
                let (x, y, k) = (x as f32, y as f32, k as f32);
                let wave = 128.0 + 90.0 * (x / 37.0 + k).sin() * (y / 31.0 - k).cos();
                rgb.push(if disc { 200 } else { wave as u8 });
            }
        }
    }
    rgb
}

fn encoded(width: u16, height: u16, set: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 90);
    set(&mut encoder);
    encoder.encode(&picture(width, height), width, height, ColorType::Rgb).unwrap();
    out
}

fn full(bytes: &[u8]) -> Picture {
    let header = header::read(bytes).unwrap();
    whole::decode(bytes, &header, &PictureLimits::default(), &deadline()).unwrap()
}

fn part(bytes: &[u8], side: usize) -> Option<Picture> {
    scaled::scaled(bytes, &header::read(bytes).unwrap(), side, &deadline()).unwrap()
}

/// Means of squares of `by` pixels a side; those at the edges are smaller.
fn shrunk(picture: &Picture, by: usize) -> Picture {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let (across, down) = (width.div_ceil(by), height.div_ceil(by));
    let mut rgb = Vec::new();
    for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
        for channel in 0..3 {
            let rows = y * by..((y + 1) * by).min(height);
            let columns = x * by..((x + 1) * by).min(width);
            let count = rows.len() * columns.len();
            let sum: usize = rows
                .flat_map(|y| columns.clone().map(move |x| 3 * (y * width + x) + channel))
                .map(|at| usize::from(picture.rgb[at]))
                .sum();
            rgb.push(((sum + count / 2) / count) as u8);
        }
    }
    Picture { width: across as u32, height: down as u32, rgb }
}

/// Mean and largest difference.
fn difference(a: &Picture, b: &Picture) -> (f64, u8) {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let each = || a.rgb.iter().zip(&b.rgb).map(|(a, b)| a.abs_diff(*b));
    let sum: f64 = each().map(f64::from).sum();
    (sum / a.rgb.len() as f64, each().max().unwrap_or(0))
}

const SIZES: [(u16, u16); 7] =
    [(1, 1), (8, 8), (17, 9), (64, 48), (100, 75), (333, 201), (16, 400)];

#[test]
fn a_part_of_the_size_is_the_whole_shrunk() {
    use SamplingFactor::{F_1_1, F_1_2, F_2_1, F_2_2};
    for (width, height) in SIZES {
        for sampling in [F_1_1, F_2_1, F_1_2, F_2_2] {
            for restart in [0, 1, 7] {
                let bytes = encoded(width, height, |encoder| {
                    encoder.set_sampling_factor(sampling);
                    encoder.set_restart_interval(restart);
                });
                let full = full(&bytes);
                for side in [4, 2, 1] {
                    let part = part(&bytes, side).expect("an ordinary picture");
                    let (mean, most) = difference(&part, &shrunk(&full, 8 / side));
                    let case = format!("{width}x{height} {sampling:?} {restart} {side}");
                    assert!(mean < 2.0 && most < 40, "{case}: {mean} {most}");
                }
            }
        }
    }
}

#[test]
fn grey_is_the_whole_shrunk() {
    for (width, height) in SIZES {
        let grey: Vec<u8> = picture(width, height).into_iter().step_by(3).collect();
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 90);
        // Tables of the picture's own, with longer codes than the usual ones.
        encoder.set_optimized_huffman_tables(width % 2 == 1);
        encoder.encode(&grey, width, height, ColorType::Luma).unwrap();
        let full = full(&bytes);
        assert!(full.rgb.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]));
        for side in [4, 2, 1] {
            let (mean, most) = difference(&part(&bytes, side).unwrap(), &shrunk(&full, 8 / side));
            assert!(mean < 1.0 && most < 30, "{width}x{height} {side}: {mean} {most}");
        }
    }
}

#[test]
fn one_colour_stays_exact_at_any_part() {
    let rgb = [30, 60, 90].repeat(40 * 40);
    let bytes = encode(&Picture { width: 40, height: 40, rgb }, 100).unwrap();
    for side in [4, 2, 1] {
        let part = part(&bytes, side).unwrap();
        assert_eq!(part.width as usize, 40 * side / 8);
        assert!(
            part.rgb
                .chunks_exact(3)
                .all(|p| { p.iter().zip([30, 60, 90]).all(|(got, want)| got.abs_diff(want) <= 2) })
        );
    }
}

#[test]
fn every_set_of_instructions_gives_the_same_bytes() {
    let bytes = encoded(333, 201, |encoder| encoder.set_sampling_factor(SamplingFactor::F_2_2));
    let header = header::read(&bytes).unwrap();
    for side in [4, 2, 1] {
        let plain = scaled::decode(&bytes, &header, side, &deadline()).unwrap();
        assert!(part(&bytes, side) == plain);
    }
}

#[test]
fn what_is_out_of_the_ordinary_goes_to_the_general_decoder() {
    let progressive = encoded(100, 75, |encoder| encoder.set_progressive(true));
    let wide_chroma =
        encoded(100, 75, |encoder| encoder.set_sampling_factor(SamplingFactor::F_4_1));
    // The encoder writes a scan for each colour then.
    let apart = encoded(100, 75, |encoder| encoder.set_optimized_huffman_tables(true));
    for bytes in [progressive, wide_chroma, apart] {
        assert_eq!(part(&bytes, 4), None);
        let want = Want::AtLeast { width: 10, height: 10 };
        let (got, _) = decode(&bytes, &PictureLimits::default(), want, &deadline()).unwrap();
        assert_eq!((got.width, got.height), (100, 75));
        let original = Picture { width: 100, height: 75, rgb: picture(100, 75) };
        let (mean, _) = difference(&got, &original);
        assert!(mean < 4.0, "{mean}");
    }
}

#[test]
fn cmyk_and_ycck_are_turned_into_colours() {
    let inks: Vec<u8> = [[255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255]]
        .into_iter()
        .flat_map(|ink| ink.repeat(16 * 16))
        .collect();
    for kind in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 95);
        encoder.set_sampling_factor(SamplingFactor::F_1_1);
        encoder.encode(&inks, 16, 64, kind).unwrap();
        let full = full(&bytes);
        let at = |y: usize| &full.rgb[3 * (16 * y + 8)..][..3];
        let near =
            |got: &[u8], want: [u8; 3]| got.iter().zip(want).all(|(g, w)| g.abs_diff(w) < 12);
        let wants = [[0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0]];
        for (i, want) in wants.into_iter().enumerate() {
            assert!(near(at(16 * i + 8), want), "{kind:?} {i}: {:?}", at(16 * i + 8));
        }
    }
}

#[test]
fn both_decoders_stop_when_the_time_is_over() {
    let over = Deadline::new(Duration::ZERO);
    let bytes = encoded(333, 201, |_| {});
    let header = header::read(&bytes).unwrap();
    let part = scaled::scaled(&bytes, &header, 4, &over);
    assert!(matches!(part, Err(PictureError::Timeout(_))));
    let whole = whole::decode(&bytes, &header, &PictureLimits::default(), &over);
    assert!(matches!(whole, Err(PictureError::Timeout(_))));
}

#[test]
fn restarts_out_of_turn_are_doubtful() {
    let bytes = encoded(100, 75, |encoder| encoder.set_restart_interval(4));
    let first =
        bytes.windows(2).rposition(|pair| pair[0] == 0xff && (0xd0..=0xd7).contains(&pair[1]));
    let mut wrong = bytes;
    wrong[first.unwrap() + 1] ^= 1;
    assert_eq!(part(&wrong, 4), None);
}

#[test]
fn a_table_of_impossible_codes_is_refused() {
    let codes = |counts: [u8; 16]| {
        let total = counts.iter().map(|n| usize::from(*n)).sum();
        header::Codes { counts, symbols: vec![1; total] }
    };
    let counts = |pairs: &[(usize, u8)]| {
        let mut counts = [0; 16];
        pairs.iter().for_each(|(length, n)| counts[length - 1] = *n);
        counts
    };
    assert!(huffman::Table::new(&codes(counts(&[(1, 3)])), true).is_none());
    assert!(huffman::Table::new(&codes(counts(&[(1, 2), (2, 1)])), true).is_none());
    assert!(huffman::Table::new(&codes(counts(&[(2, 4), (16, 1)])), true).is_none());
    assert!(huffman::Table::new(&codes(counts(&[(1, 1), (2, 1), (16, 1)])), true).is_some());
}

#[test]
fn the_part_is_the_smallest_that_is_enough() {
    let upright = Orientation::UPRIGHT;
    let want = |width, height| Want::AtLeast { width, height };
    assert_eq!(side_for(Want::Full, (1200, 1200), upright), 8);
    assert_eq!(side_for(want(448, 448), (1200, 1200), upright), 4);
    assert_eq!(side_for(want(600, 600), (1200, 1200), upright), 4);
    assert_eq!(side_for(want(601, 1), (1200, 1200), upright), 8);
    assert_eq!(side_for(want(150, 150), (1200, 1200), upright), 1);
    assert_eq!(side_for(want(448, 448), (500, 500), upright), 8);
    let turned = Orientation::of_exif(Some(&super::super::exif::tests::exif(true, 6)));
    assert_eq!(side_for(want(100, 400), (1600, 400), turned), 2);
    assert_eq!(side_for(want(400, 100), (1600, 400), turned), 8);
}
