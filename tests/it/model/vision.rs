use std::path::Path;

use thatgia::nn::{Arithmetic, Level, Precision, Vision};
use thatgia::registry::{image_encoder_dir, pretrained_vision};

/// What a reference in 64-bit numbers says of a picture, over the weights before folding.
struct Golden {
    /// Number and value of some features; all others of the first 16 are 0.
    first: &'static [(usize, f64)],
    length: f64,
    sum: f64,
}

const GOLDEN: [Golden; 5] = [
    Golden { first: &[(7, 0.002_352_2), (9, 0.013_822_2)], length: 13.201_942_1, sum: 93.985_65 },
    Golden {
        first: &[
            (7, 1.199_546_4),
            (12, 0.143_704),
            (13, 0.025_459_1),
            (14, 0.005_764_2),
            (15, 0.155_193_5),
        ],
        length: 23.109_571,
        sum: 258.989_495,
    },
    Golden {
        first: &[
            (3, 0.047_417_2),
            (6, 0.004_795),
            (7, 0.490_666_4),
            (9, 0.027_062),
            (13, 0.873_733_3),
        ],
        length: 18.258_462_2,
        sum: 209.825_266,
    },
    Golden { first: &[(2, 0.092_981_9)], length: 9.831_425_7, sum: 67.024_52 },
    Golden { first: &[(2, 3.235_519_2)], length: 15.842_302, sum: 174.174_552 },
];

const SIDE: usize = 224;

/// The pictures, as whole numbers give them.
fn picture(number: usize) -> Vec<u8> {
    let colours = |x: usize, y: usize| match number {
        0 => [x * 255 / 223, y * 255 / 223, (x + y) * 255 / 446],
        1 => [(3 * x + 5 * y) % 256, (7 * x + 11 * y + 64) % 256, x * y % 256],
        2 => [x ^ y, (x * x + y * y) / 64 % 256, 255 - (x & y)],
        3 => {
            let v = (x / 16 + y / 16) % 2 * 200 + 20;
            [v, 255 - v, 2 * x % 256]
        }
        _ => match x.abs_diff(112).pow(2) + y.abs_diff(112).pow(2) {
            0..6400 => [220, 40, 40],
            6400..8100 => [20, 20, 20],
            _ => [245, 245, 240],
        },
    };
    let places = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    places.flat_map(|(x, y)| colours(x, y)).map(|c| u8::try_from(c).unwrap()).collect()
}

fn vision(precision: Precision) -> Vision {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let arithmetic = Arithmetic { level: Level::best(), precision };
    pretrained_vision(&image_encoder_dir(&models), arithmetic).unwrap()
}

#[test]
fn features_are_those_of_the_reference() {
    let vision = vision(Precision::Full);
    for (number, golden) in GOLDEN.iter().enumerate() {
        let features = vision.embed(&[&picture(number)]).unwrap();
        let sum: f64 = features.iter().map(|x| f64::from(*x)).sum();
        let length = features.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        assert!((sum - golden.sum).abs() < 1e-3, "{number}: {sum}");
        assert!((length - golden.length).abs() < 1e-5, "{number}: {length}");
        for (at, got) in features.iter().take(16).enumerate() {
            let want = golden.first.iter().find(|(i, _)| *i == at).map_or(0.0, |(_, v)| *v);
            assert!((f64::from(*got) - want).abs() < 1e-5, "{number} {at}: {got}, want {want}");
        }
    }
}

#[test]
fn eight_bits_turn_no_feature_vector_far() {
    let (full, int8) = (vision(Precision::Full), vision(Precision::Int8));
    for number in 0..GOLDEN.len() {
        let picture = picture(number);
        let (a, b) = (full.embed(&[&picture]).unwrap(), int8.embed(&[&picture]).unwrap());
        let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let cosine = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
        assert!(cosine > 0.99, "{number}: {cosine}");
    }
}
