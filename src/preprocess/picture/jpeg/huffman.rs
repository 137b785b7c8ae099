//! Huffman tables that give a whole coefficient in one look.

use super::bits::Bits;
use super::header::Codes;

/// Bits that one look takes in.
pub(super) const LOOK: u32 = 11;

/// How far the end of a block moves: past its last place from anywhere.
pub(super) const END: u32 = 64;

/// What the next bits hold: bits 16.. the value where it fits into the look too (never zero), 9..16
/// how far the place in the block moves, 5..9 the bits of the value, 0..5 all bits taken.
///
/// Zero stands for codes longer than the look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry(u32);

impl Entry {
    fn new(value: i32, advance: u32, size: u32, total: u32) -> Self {
        Self(((value as u32) << 16) | (advance << 9) | (size << 5) | total)
    }

    #[inline(always)]
    pub(super) fn value(self) -> i32 {
        (self.0 as i32) >> 16
    }

    #[inline(always)]
    pub(super) fn advance(self) -> u32 {
        (self.0 >> 9) & 127
    }

    #[inline(always)]
    pub(super) fn size(self) -> u32 {
        (self.0 >> 5) & 15
    }

    #[inline(always)]
    pub(super) fn total(self) -> u32 {
        self.0 & 31
    }
}

/// All codes with their values that end within a look, for coefficients that do not count: bits 5..
/// how far they move together, 0..5 the bits. The end of a block is the last of its look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Skip(u16);

impl Skip {
    #[inline(always)]
    pub(super) fn advance(self) -> u32 {
        u32::from(self.0 >> 5)
    }

    #[inline(always)]
    pub(super) fn total(self) -> u32 {
        u32::from(self.0 & 31)
    }
}

#[derive(Debug)]
pub(super) struct Table {
    entries: Box<[Entry; 1 << LOOK]>,
    skips: Box<[Skip; 1 << LOOK]>,
    /// For each length of 1 to 16 the first code above it, moved up to 16 bits.
    above: [u32; 17],
    /// For each length what is added to a code to get its place among the symbols.
    offset: [i32; 17],
    symbols: [u8; 256],
    ac: bool,
}

/// The number that `size` bits stand for: the first half of them are negative.
#[inline(always)]
fn extend(bits: u32, size: u32) -> i32 {
    let value = bits as i32;
    if size > 0 && value < 1 << (size - 1) { value - (1 << size) + 1 } else { value }
}

impl Table {
    /// `None` when the codes are no prefix code or a symbol is none of 8-bit baseline JPEG.
    pub(super) fn new(codes: &Codes, ac: bool) -> Option<Self> {
        let mut table = Self {
            entries: Box::new([Entry::default(); 1 << LOOK]),
            skips: Box::new([Skip::default(); 1 << LOOK]),
            above: [0; 17],
            offset: [0; 17],
            symbols: [0; 256],
            ac,
        };
        table.symbols.get_mut(..codes.symbols.len())?.copy_from_slice(&codes.symbols);
        if codes.symbols.iter().any(|s| if ac { s & 15 > 10 } else { *s > 11 }) {
            return None;
        }
        let (mut code, mut index) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            table.offset[length as usize] = index as i32 - code as i32;
            for _ in 0..codes.counts[length as usize - 1] {
                if code >> length != 0 {
                    return None;
                }
                if length <= LOOK {
                    table.fill(code, length, codes.symbols[index]);
                }
                code += 1;
                index += 1;
            }
            if code > 1 << length {
                return None;
            }
            table.above[length as usize] = code << (16 - length);
            code <<= 1;
        }
        if ac {
            table.skips = Box::new(std::array::from_fn(|look| table.together(look)));
        }
        Some(table)
    }

    fn together(&self, look: usize) -> Skip {
        let (mut advance, mut total) = (0, 0);
        while advance < END {
            let entry = self.entries[(look << total) % (1 << LOOK)];
            let sum = (advance + entry.advance(), total + entry.total());
            let past = entry.advance() != END && sum.0 >= END;
            if entry.total() == 0 || sum.1 > LOOK || past {
                break;
            }
            (advance, total) = sum;
        }
        Skip((advance << 5 | total) as u16)
    }

    fn parts(&self, symbol: u8) -> (u32, u32) {
        let size = u32::from(symbol & 15);
        let advance = match (self.ac, symbol) {
            (false, _) => 0,
            (true, 0xf0) => 16,
            (true, _) if size == 0 => END,
            (true, _) => u32::from(symbol >> 4) + 1,
        };
        (advance, size)
    }

    /// Enters every look that begins with `code`.
    fn fill(&mut self, code: u32, length: u32, symbol: u8) {
        let (advance, size) = self.parts(symbol);
        let rest = LOOK - length;
        for tail in 0..1_u32 << rest {
            let value =
                if size > 0 && size <= rest { extend(tail >> (rest - size), size) } else { 0 };
            self.entries[((code << rest) | tail) as usize] =
                Entry::new(value, advance, size, length + size);
        }
    }

    #[inline(always)]
    pub(super) fn look(&self, bits: &Bits<'_>) -> Entry {
        self.entries[bits.peek(LOOK) as usize & ((1 << LOOK) - 1)]
    }

    #[inline(always)]
    pub(super) fn look_far(&self, bits: &Bits<'_>) -> Skip {
        self.skips[bits.peek(LOOK) as usize & ((1 << LOOK) - 1)]
    }

    /// The next code and its value where [`Self::look`] holds none, from the next 32 bits: how far it
    /// moves, the value, all bits to take.
    ///
    /// Takes no reader, so that the reader can stay in registers.
    #[cold]
    #[inline(never)]
    pub(super) fn long(&self, next: u32) -> Option<(u32, i32, u32)> {
        let code = next >> 16;
        let length = (1..=16_u32).find(|l| code < self.above[*l as usize])?;
        let at = (code >> (16 - length)) as i32 + self.offset[length as usize];
        let symbol = *self.symbols.get(usize::try_from(at).ok()?)?;
        let (advance, size) = self.parts(symbol);
        Some((advance, extend_next(next << length, size), length + size))
    }
}

/// The value of `size` bits, the first ones of `next`.
#[inline(always)]
pub(super) fn extend_next(next: u32, size: u32) -> i32 {
    if size == 0 { 0 } else { extend(next >> (32 - size), size) }
}
