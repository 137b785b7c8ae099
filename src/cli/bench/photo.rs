use anyhow::Context as _;

use crate::preprocess::picture::{Picture, encode_jpeg};

const SIDE: u32 = 1200;
const QUALITY: u8 = 85;
const DISCS: usize = 60;
/// Of the noise of each colour of each pixel.
const SIGMA: f32 = 5.0;

/// A JPEG of 1200 x 1200 pixels with smooth areas, edges and noise, so that its size is that of an
/// ordinary photograph.
pub(super) fn photo() -> anyhow::Result<Vec<u8>> {
    let mut random = Random(7);
    let mut rgb = Vec::with_capacity(3 * (SIDE * SIDE) as usize);
    let discs: Vec<[i64; 6]> = (0..DISCS)
        .map(|_| {
            let side = i64::from(SIDE);
            let [x, y, radius] = [random.below(side), random.below(side), 15 + random.below(145)];
            [x, y, radius * radius, random.below(255), random.below(255), random.below(255)]
        })
        .collect();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (across, down) = (i64::from(x), i64::from(y));
            let disc = discs
                .iter()
                .rfind(|[cx, cy, square, ..]| (across - cx).pow(2) + (down - cy).pow(2) < *square);
            for k in 0..3 {
                let level = match disc {
                    Some(disc) => disc[3 + k] as f32,
                    None => {
                        let (x, y, k) = (x as f32, y as f32, k as f32);
                        128.0 + 90.0 * (x / 97.0 + k).sin() * (y / 71.0 - k).cos()
                    }
                };
                rgb.push((level + SIGMA * random.normal()).clamp(0.0, 255.0) as u8);
            }
        }
    }
    encode_jpeg(&Picture { width: SIDE, height: SIDE, rgb }, QUALITY)
        .context("can't draw a picture")
}

/// A plain generator: the same picture everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, most: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % most
    }

    /// Near enough to a normal number: twelve even ones together.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.below(1 << 16) as f32 / 65_536.0).sum::<f32>() - 6.0
    }
}
