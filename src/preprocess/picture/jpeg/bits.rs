//! The bits of one stretch of entropy-coded data.

use super::header::find_ff;

/// Zero bytes after the data, so that a refill near the end is a plain one.
const PAD: usize = 16;

/// Copies the coded data at `at` into `out` without stuffing; the marker that ended it (0 when the
/// file ends) and the offset after that.
pub(super) fn unstuff(bytes: &[u8], at: usize, out: &mut Vec<u8>) -> (u8, usize) {
    out.clear();
    let mut at = at;
    let marker = loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let plain = find_ff(rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        at += plain;
        match bytes.get(at + 1) {
            Some(0) => {
                out.push(0xff);
                at += 2;
            }
            Some(0xff) => at += 1,
            Some(marker) => {
                at += 2;
                break *marker;
            }
            None => break 0,
        }
    };
    out.extend_from_slice(&[0; PAD]);
    (marker, at)
}

/// Reads from the most significant bit on. Past the end come zeros; [`Bits::overrun`] tells.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    acc: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// `data` as [`unstuff`] leaves it.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, acc: 0, count: 0 }
    }

    /// Makes at least 56 bits ready.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let word = self.data.get(self.at..).and_then(<[u8]>::first_chunk).copied();
        self.acc |= u64::from_be_bytes(word.unwrap_or_default()) >> self.count;
        self.at += ((63 - self.count) >> 3) as usize;
        self.count |= 56;
    }

    #[inline(always)]
    pub(super) fn ready(&self) -> u32 {
        self.count
    }

    /// The next `n` bits, 1 to 32.
    #[inline(always)]
    pub(super) fn peek(&self, n: u32) -> u32 {
        (self.acc >> (64 - n)) as u32
    }

    #[inline(always)]
    pub(super) fn take(&mut self, n: u32) {
        self.acc <<= n;
        self.count = self.count.wrapping_sub(n);
    }

    /// Whether more bits were taken than there were.
    pub(super) fn overrun(&self) -> bool {
        let taken = 8 * self.at - self.count as usize;
        taken > 8 * self.data.len().saturating_sub(PAD)
    }
}
