use std::mem;
use std::ops::Deref;

use super::LANES;

/// Numbers that a register takes at once, none of them across the border of two cache lines.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// Memory for numbers, the first at the begin of a cache line.
#[derive(Debug, Clone, Default)]
pub(in crate::nn) struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    /// At least `len` numbers; what was there stays there.
    pub(in crate::nn) fn room(&mut self, len: usize) -> &mut [f32] {
        if self.len < len {
            self.lines.resize(len.div_ceil(LANES), Line::default());
            self.len = len;
        }
        // SAFETY: a line is LANES numbers and nothing else, and there are lines for `len` numbers.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), len) }
    }
}

const _: () = assert!(mem::size_of::<Line>() == LANES * mem::size_of::<f32>());

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a line is LANES numbers and nothing else, and there are lines for `len` numbers.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl From<&[f32]> for Aligned {
    fn from(numbers: &[f32]) -> Self {
        let mut this = Self::default();
        this.room(numbers.len()).copy_from_slice(numbers);
        this
    }
}
