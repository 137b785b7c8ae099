use candle_core::{Device, Tensor};
use proptest::prelude::*;

use super::*;
use crate::nn::encoder::testing::{SMALL, golden, random};
use crate::nn::ops::gradient::noise;
use crate::nn::{Beside, Dropout, Encoder, Heads, HeadsConfig, Packed};

fn weights() -> Weights {
    Weights::new(random(&SMALL)).unwrap()
}

fn engine(level: Level, precision: Precision) -> Engine {
    Engine::new(SMALL, &weights(), Arithmetic { level, precision }).unwrap()
}

const TEXTS: [&[u32]; 4] = [&[0, 5, 7, 2], &[], &[0, 10, 2], &[3]];

#[test]
fn it_says_what_the_encoder_says() {
    let encoder = Encoder::new(SMALL, &weights()).unwrap();
    let want = encoder.embed(&Packed::new(TEXTS), &mut Dropout::off()).unwrap();
    let want = want.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (precision, near) in [(Precision::Full, 1e-5), (Precision::Int8, 0.05)] {
        let got = engine(Level::best(), precision).embed(&TEXTS).unwrap();
        for (got, want) in got.iter().zip(&want) {
            assert!((got - want).abs() < near, "{got} {want}");
        }
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    for precision in [Precision::Full, Precision::Int8] {
        let plain = engine(Level::PLAIN, precision).embed(&TEXTS).unwrap();
        for level in Level::here() {
            assert_eq!(engine(level, precision).embed(&TEXTS).unwrap(), plain, "{level}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_text_has_the_same_bits_in_any_company_and_on_any_threads(
        texts in prop::collection::vec(prop::collection::vec(0_u32..11, 0..=6), 1..200),
        at in any::<prop::sample::Index>(),
        threads in 1_usize..4,
    ) {
        let engine = engine(Level::best(), Precision::Int8);
        let all: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let at = at.index(all.len());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let together = pool.install(|| engine.embed(&all)).unwrap();
        let alone = engine.embed(&all[at..=at]).unwrap();
        prop_assert_eq!(&together[at * SMALL.hidden..(at + 1) * SMALL.hidden], &alone[..]);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let engine = engine(Level::best(), Precision::Full);
    assert!(engine.embed(&[&[1; 7]]).unwrap_err().to_string().contains("6 at most"));
    assert!(engine.embed(&[&[11]]).unwrap_err().to_string().contains("vocabulary"));
    let arithmetic = Arithmetic::default();
    assert!(Engine::new(EncoderConfig { layers: 3, ..SMALL }, &weights(), arithmetic).is_err());
    assert!(Engine::new(EncoderConfig { heads: 3, ..SMALL }, &weights(), arithmetic).is_err());
}

#[test]
fn the_readout_says_what_the_heads_say() {
    let config = HeadsConfig { hidden: 5, signs: 3, flags: 2, hinges: 4, classes: 3 };
    let tensors = Heads::shapes(&config).into_iter().enumerate();
    let tensors =
        tensors.map(|(seed, (name, shape))| (name.to_owned(), noise(seed as u64, &shape, 0.8)));
    let weights = Weights::new(tensors).unwrap();
    let (vectors, flags) = (noise(50, &[2, 5], 1.0), noise(52, &[2, 2], 1.0));
    let hinges = noise(53, &[2, 4], 1.0).abs().unwrap();
    let beside = Beside {
        signs: Tensor::zeros((2, 3), candle_core::DType::F32, &Device::Cpu).unwrap(),
        flags: flags.clone(),
        hinges: hinges.clone(),
    };
    let heads = Heads::new(&config, &weights).unwrap();
    let want = heads.forward(&vectors, &beside).unwrap();
    let rows = |t: &Tensor| t.to_vec2::<f32>().unwrap();
    let (text, price) = (want.text.to_vec1::<f32>().unwrap(), want.price.to_vec1::<f32>().unwrap());
    for level in Level::here() {
        let readout = Readout::new(&config, &weights, level).unwrap();
        for at in 0..2 {
            let view = PriceView { flags: &rows(&flags)[at], hinges: &rows(&hinges)[at] };
            let got = readout.read(&rows(&vectors)[at], view);
            assert!((got.text - text[at]).abs() < 1e-5 && (got.price - price[at]).abs() < 1e-5);
            for (got, want) in got.classes.iter().zip(&rows(&want.class)[at]) {
                assert!((got - want).abs() < 1e-5);
            }
            assert!((readout.text(&rows(&vectors)[at])[0] - got.text).abs() < 1e-12);
        }
        assert_eq!(readout.signs().len(), 3);
    }
}

#[test]
fn the_golden_outputs_are_met() {
    let Some(golden) = golden() else { return };
    let texts: Vec<&[u32]> = golden.cases.iter().map(|case| case.ids.as_slice()).collect();
    for (precision, near, nearest) in
        [(Precision::Full, 1e-5, 0.999_999), (Precision::Int8, 0.01, 0.999)]
    {
        let arithmetic = Arithmetic { level: Level::best(), precision };
        let engine = Engine::new(golden.config, &golden.weights, arithmetic).unwrap();
        let got = engine.embed(&texts).unwrap();
        for (case, got) in golden.cases.iter().zip(got.chunks_exact(golden.config.hidden)) {
            let length = got.iter().map(|x| x * x).sum::<f32>().sqrt();
            let pairs = got.iter().map(|x| x / length).zip(&case.embedding);
            let cosine: f32 = pairs.clone().map(|(got, want)| got * want).sum();
            assert!(cosine > nearest, "{precision:?}: {cosine}");
            for (got, want) in pairs {
                assert!((got - want).abs() < near, "{precision:?}: {got}, {want}");
            }
        }
    }
}
