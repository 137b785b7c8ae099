use std::collections::HashMap;

use candle_core::{Device, Tensor};

use super::*;
use crate::nn::Precision;

/// A small encoder with both kernels, both steps and a block that is not widened.
fn small() -> VisionConfig {
    let block = |kernel, step, expand, out| BlockConfig { kernel, step, expand, out };
    VisionConfig {
        side: 30,
        stem: 8,
        blocks: vec![block(3, 1, 1, 8), block(5, 2, 6, 12), block(5, 1, 3, 12), block(3, 2, 2, 40)],
        features: 50,
    }
}

fn noise(seed: u32, shape: &[usize]) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            ((state >> 8) as f32 / 8_388_608.0 - 1.0) * 0.4
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn weights(config: &VisionConfig) -> Weights {
    let mut all: HashMap<String, Tensor> = HashMap::new();
    let mut put = |name: String, shape: &[usize]| {
        let seed = u32::try_from(all.len()).unwrap() + 1;
        all.insert(format!("{name}.weight"), noise(seed, shape));
        all.insert(format!("{name}.bias"), noise(seed + 100, &shape[..1]));
    };
    put("stem".to_owned(), &[config.stem, 3, 3, 3]);
    let mut from = config.stem;
    for (at, BlockConfig { kernel, expand, out, .. }) in config.blocks.iter().enumerate() {
        let wide = from * expand;
        if *expand > 1 {
            put(format!("blocks.{at}.expand"), &[wide, from, 1, 1]);
        }
        put(format!("blocks.{at}.depthwise"), &[wide, 1, *kernel, *kernel]);
        put(format!("blocks.{at}.project"), &[*out, wide, 1, 1]);
        from = *out;
    }
    put("head".to_owned(), &[config.features, from, 1, 1]);
    Weights::new(all).unwrap()
}

fn pictures(config: &VisionConfig, count: usize) -> Vec<Vec<u8>> {
    let mut state = 9_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..count).map(|_| (0..config.side * config.side * 3).map(|_| byte()).collect()).collect()
}

/// The same by candle's own convolutions, padded as the design says.
fn by_candle(config: &VisionConfig, weights: &Weights, picture: &[u8]) -> Vec<f32> {
    let side = config.side;
    let conv = |x: &Tensor, name: &str, (kernel, step): (usize, usize), alone: bool| {
        let side = x.dims()[2];
        let padding = ((side.div_ceil(step) - 1) * step + kernel).saturating_sub(side);
        let (before, after) = (padding / 2, padding - padding / 2);
        let x = x.pad_with_zeros(2, before, after).unwrap();
        let x = x.pad_with_zeros(3, before, after).unwrap();
        let of = |part: &str| {
            let name = format!("{name}.{part}");
            weights.iter().find(|(n, _)| *n == name).unwrap().1.clone()
        };
        let groups = if alone { x.dims()[1] } else { 1 };
        let y = x.conv2d(&of("weight"), 0, step, 1, groups).unwrap();
        let bias = of("bias");
        y.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1)).unwrap()).unwrap()
    };
    let cut = |x: Tensor| x.clamp(0_f32, 6_f32).unwrap();
    let pixels: Vec<f32> = picture.iter().map(|p| (f32::from(*p) - 127.0) / 128.0).collect();
    let x = Tensor::from_vec(pixels, (1, side, side, 3), &Device::Cpu).unwrap();
    let mut x =
        cut(conv(&x.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap(), "stem", STEM, false));
    for (at, BlockConfig { kernel, step, expand, out }) in config.blocks.iter().enumerate() {
        let came = x.clone();
        if *expand > 1 {
            x = cut(conv(&x, &format!("blocks.{at}.expand"), (1, 1), false));
        }
        x = cut(conv(&x, &format!("blocks.{at}.depthwise"), (*kernel, *step), true));
        x = conv(&x, &format!("blocks.{at}.project"), (1, 1), false);
        if *step == 1 && came.dims()[1] == *out {
            x = (x + came).unwrap();
        }
    }
    let x = cut(conv(&x, "head", (1, 1), false));
    x.mean((2, 3)).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn engine(level: Level, precision: Precision) -> Vision {
    let config = small();
    let weights = weights(&config);
    Vision::new(config, &weights, Arithmetic { level, precision }).unwrap()
}

#[test]
fn it_says_what_candles_convolutions_say() {
    let config = small();
    let weights = weights(&config);
    for picture in pictures(&config, 2) {
        let want = by_candle(&config, &weights, &picture);
        assert!(want.iter().any(|x| *x > 0.1), "{want:?}");
        let got = engine(Level::best(), Precision::Full).embed(&[&picture]).unwrap();
        for (got, want) in got.iter().zip(&want) {
            assert!((got - want).abs() < 1e-5, "{got} {want}");
        }
    }
}

#[test]
fn a_vector_has_the_same_bits_in_any_company_on_any_instructions_and_threads() {
    let pictures = pictures(&small(), 5);
    let refs: Vec<&[u8]> = pictures.iter().map(Vec::as_slice).collect();
    for precision in [Precision::Full, Precision::Int8] {
        let plain = engine(Level::PLAIN, precision);
        let alone: Vec<f32> = refs.iter().flat_map(|p| plain.embed(&[p]).unwrap()).collect();
        for level in Level::here() {
            let vision = engine(level, precision);
            for threads in [1, 2, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let (all, one) = pool
                    .install(|| (vision.embed(&refs).unwrap(), vision.embed(&refs[..1]).unwrap()));
                let same = all.iter().zip(&alone).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{level} {precision:?} {threads}");
                assert_eq!(one, alone[..one.len()]);
            }
        }
    }
}

#[test]
fn eight_bits_say_nearly_the_same() {
    let picture = pictures(&small(), 1).remove(0);
    let [full, int8] = [Precision::Full, Precision::Int8]
        .map(|precision| engine(Level::best(), precision).embed(&[&picture]).unwrap());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let cosine = dot(&full, &int8) / (dot(&full, &full) * dot(&int8, &int8)).sqrt();
    assert!(cosine > 0.999, "{cosine}");
    assert!(full != int8);
}

#[test]
fn what_cannot_be_is_refused() {
    let vision = engine(Level::best(), Precision::Full);
    assert!(vision.embed(&[&[0; 10]]).is_err());
    assert!(vision.embed(&[]).unwrap().is_empty());
    let weights = weights(&small());
    for change in [
        |c: &mut VisionConfig| c.side = 0,
        |c: &mut VisionConfig| c.blocks[0].kernel = 9,
        |c: &mut VisionConfig| c.blocks[1].out = 1 << 40,
        |c: &mut VisionConfig| c.features = 51,
    ] {
        let mut config = small();
        change(&mut config);
        assert!(Vision::new(config, &weights, Arithmetic::default()).is_err());
    }
}
