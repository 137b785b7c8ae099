#![no_main]

use libfuzzer_sys::fuzz_target;
use thatgia::preprocess::picture::{PictureError, PictureLimits, Want, decode, squash};

fuzz_target!(|bytes: &[u8]| {
    let limits = PictureLimits { max_pixels: 1 << 20, max_memory: 16 << 20, ..PictureLimits::default() };
    for want in [Want::Full, Want::AtLeast { width: 16, height: 16 }, Want::AtLeast { width: 1, height: 1 }] {
        match decode(bytes, &limits, want) {
            Ok(picture) => {
                assert_eq!(picture.rgb.len() as u64, 3 * u64::from(picture.width) * u64::from(picture.height));
                squash(&picture).expect("a decoded picture can be resized");
            }
            Err(PictureError::Corrupt { reason, .. }) => assert_ne!(reason, "the decoder gave up"),
            Err(_) => {}
        }
    }
});
