use super::super::deadline::Deadline;
use super::super::{Picture, PictureError};
use super::bits::{Bits, unstuff};
use super::color;
use super::header::Header;
use super::huffman::{END, Table, extend_next};
use super::idct::{self, Block, SLOTS, Scaled};

const EOI: u8 = 0xd9;
const RST0: u8 = 0xd0;

/// Decodes to `side`/8 of the size, with `side` 1, 2 or 4; `None` where this decoder is not the
/// right one. Where there is less chroma than luma in the result, the nearest sample counts.
///
/// All sets of instructions give the same bytes, since no operation is reordered.
///
/// # Errors
/// [`PictureError::Timeout`], looked at before every row of units (8 or 16 rows of the full size).
pub(in super::super) fn scaled(
    bytes: &[u8],
    header: &Header<'_>,
    side: usize,
    deadline: &Deadline,
) -> Result<Option<Picture>, PictureError> {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
    {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { decode_avx2(bytes, header, side, deadline) };
    }
    decode(bytes, header, side, deadline)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn decode_avx2(
    bytes: &[u8],
    header: &Header<'_>,
    side: usize,
    deadline: &Deadline,
) -> Result<Option<Picture>, PictureError> {
    decode(bytes, header, side, deadline)
}

/// Something that the general decoder should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Doubt;

/// With the instructions that its caller is compiled for.
#[inline(always)]
pub(super) fn decode(
    bytes: &[u8],
    header: &Header<'_>,
    side: usize,
    deadline: &Deadline,
) -> Result<Option<Picture>, PictureError> {
    let Some(mut planes) = planes(header, side) else { return Ok(None) };
    let (h, v) = planes.first().map_or((1, 1), |luma| (luma.h, luma.v));
    let (full_width, full_height) = (usize::from(header.width), usize::from(header.height));
    let (width, height) = ((full_width * side).div_ceil(8), (full_height * side).div_ceil(8));
    let across = full_width.div_ceil(8 * h);
    let mut rgb = vec![0; 3 * width * height];
    let mut wide = [vec![0; across * h * side], vec![0; across * h * side]];
    let mut stretches = Stretches::new(bytes, header);
    let mut data = Vec::new();
    let mut bits = Bits::new(&[]);
    let mut left = 0;
    for (row, out) in rgb.chunks_mut(3 * width * v * side).enumerate() {
        deadline.check()?;
        for unit in 0..across {
            if left == 0 {
                let first = row == 0 && unit == 0;
                if (!first && bits.overrun()) || stretches.next(&mut data).is_err() {
                    return Ok(None);
                }
                bits = Bits::new(&data);
                left = stretches.units;
                planes.iter_mut().for_each(|plane| plane.dc_value = 0);
            }
            left -= 1;
            for plane in &mut planes {
                if plane.unit(&mut bits, unit).is_err() {
                    return Ok(None);
                }
            }
        }
        if bits.overrun() {
            return Ok(None);
        }
        colour(&planes, side, &mut wide, out, width);
    }
    if stretches.marker != EOI {
        return Ok(None);
    }
    Ok(Some(Picture { width: width as u32, height: height as u32, rgb }))
}

/// The coded data between restart markers.
#[derive(Debug)]
struct Stretches<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What ended the last one.
    marker: u8,
    /// Units in each.
    units: usize,
    count: u8,
}

impl<'a> Stretches<'a> {
    fn new(bytes: &'a [u8], header: &Header<'_>) -> Self {
        let units = match header.restart_interval {
            0 => usize::MAX,
            units => units,
        };
        Self { bytes, at: header.data, marker: 0, units, count: 0 }
    }

    fn next(&mut self, data: &mut Vec<u8>) -> Result<(), Doubt> {
        if self.count > 0 && self.marker != RST0 + (self.count - 1) % 8 {
            return Err(Doubt);
        }
        self.count = self.count % 8 + 1;
        (self.marker, self.at) = unstuff(self.bytes, self.at, data);
        Ok(())
    }
}

/// A component, ready to be decoded.
#[derive(Debug)]
struct Plane {
    /// Blocks across and down in a unit, and the pixels across and down that each becomes.
    h: usize,
    v: usize,
    side: usize,
    dc: Table,
    ac: Table,
    scaled: Scaled,
    dc_value: i32,
    /// The pixels of one row of units.
    rows: Vec<u8>,
    stride: usize,
}

/// The components where all is as this decoder knows it.
fn planes(header: &Header<'_>, side: usize) -> Option<Vec<Plane>> {
    let ordinary = matches!(header.kind, 0xc0 | 0xc1) && header.precision == 8 && header.whole_scan;
    let in_order = header.scan.iter().enumerate().all(|(i, scanned)| scanned.component == i);
    if !ordinary || !in_order || header.scan.len() != header.components.len() {
        return None;
    }
    let alone = header.components.len() == 1;
    match header.components.as_slice() {
        [_] => {}
        [luma, cb, cr] => {
            let chroma = (cb.h, cb.v) == (1, 1) && (cr.h, cr.v) == (1, 1);
            let named_rgb = !header.jfif && [luma.id, cb.id, cr.id] == *b"RGB";
            let rgb = header.adobe.map_or(named_rgb, |transform| transform == 0);
            if luma.h > 2 || luma.v > 2 || !chroma || rgb {
                return None;
            }
        }
        _ => return None,
    }
    let mut planes = Vec::with_capacity(3);
    let across = usize::from(header.width)
        .div_ceil(8 * if alone { 1 } else { usize::from(header.components[0].h) });
    // Chroma of half the size is as fine as the result at twice the side.
    let halved = !alone && (header.components[0].h == 2 || header.components[0].v == 2);
    for (component, scanned) in header.components.iter().zip(&header.scan) {
        // A component that is alone in its scan comes block by block, whatever its factors.
        let (h, v) =
            if alone { (1, 1) } else { (usize::from(component.h), usize::from(component.v)) };
        let is_chroma = !planes.is_empty();
        let side = if is_chroma && halved && side < 4 { 2 * side } else { side };
        let stride = across * h * side;
        planes.push(Plane {
            h,
            v,
            side,
            dc: Table::new(header.dc[scanned.dc].as_ref()?, false)?,
            ac: Table::new(header.ac[scanned.ac].as_ref()?, true)?,
            scaled: Scaled::new(header.quant[usize::from(component.quant)].as_ref()?, side),
            dc_value: 0,
            rows: vec![0; stride * v * side],
            stride,
        });
    }
    Some(planes)
}

impl Plane {
    /// The blocks of this component in one unit.
    #[inline(always)]
    fn unit(&mut self, bits: &mut Bits<'_>, unit: usize) -> Result<(), Doubt> {
        for y in 0..self.v {
            for x in 0..self.h {
                let block = self.block(bits)?;
                let at = y * self.side * self.stride + (unit * self.h + x) * self.side;
                let (scaled, rows) = (&self.scaled, &mut self.rows);
                match self.side {
                    4 => idct::four(&block, scaled, rows, at, self.stride),
                    2 => idct::two(&block, scaled, rows, at, self.stride),
                    _ => idct::one(&block, scaled, rows, at),
                }
            }
        }
        Ok(())
    }

    /// The coefficients that count of the next block.
    #[inline(always)]
    fn block(&mut self, bits: &mut Bits<'_>) -> Result<Block, Doubt> {
        let mut block = [0; SLOTS];
        bits.refill();
        let (_, difference) = coefficient(&self.dc, bits)?;
        self.dc_value = self.dc_value.wrapping_add(difference);
        block[0] = self.dc_value;
        let (mut k, mut advance) = (0, 0);
        while k < self.scaled.last {
            let value;
            (advance, value) = coefficient(&self.ac, bits)?;
            k += advance;
            let place = k as usize % idct::PLACES;
            block[self.scaled.slot[place] as usize % SLOTS] = value;
        }
        while k < 63 {
            if bits.ready() < 32 {
                bits.refill();
            }
            let far = self.ac.look_far(bits);
            let next = k + far.advance();
            // Not where codes of the next block were taken along.
            let within = if far.advance() < END { next <= 63 } else { next < 63 + END };
            if far.total() > 0 && within {
                bits.take(far.total());
                (k, advance) = (next, if far.advance() < END { 0 } else { END });
            } else {
                advance = skip(&self.ac, bits)?;
                k += advance;
            }
        }
        // Only the end of a block may go past its last place.
        if k > 63 && advance != END { Err(Doubt) } else { Ok(block) }
    }
}

/// The next code and its value: how far it moves, and what stands there.
#[inline(always)]
fn coefficient(table: &Table, bits: &mut Bits<'_>) -> Result<(u32, i32), Doubt> {
    if bits.ready() < 32 {
        bits.refill();
    }
    let entry = table.look(bits);
    let value = entry.value();
    if value != 0 {
        bits.take(entry.total());
        return Ok((entry.advance(), value));
    }
    if entry.total() == 0 {
        let (advance, value, total) = table.long(bits.peek(32)).ok_or(Doubt)?;
        bits.take(total);
        return Ok((advance, value));
    }
    let value = extend_next(bits.peek(32) << (entry.total() - entry.size()), entry.size());
    bits.take(entry.total());
    Ok((entry.advance(), value))
}

/// Goes past the next code and its value.
#[inline(always)]
fn skip(table: &Table, bits: &mut Bits<'_>) -> Result<u32, Doubt> {
    if bits.ready() < 32 {
        bits.refill();
    }
    let entry = table.look(bits);
    if entry.total() == 0 {
        let (advance, _, total) = table.long(bits.peek(32)).ok_or(Doubt)?;
        bits.take(total);
        return Ok(advance);
    }
    bits.take(entry.total());
    Ok(entry.advance())
}

/// Turns one row of units into the rows of `rgb`.
fn colour(planes: &[Plane], side: usize, wide: &mut [Vec<u8>; 2], rgb: &mut [u8], width: usize) {
    let [luma, chroma @ ..] = planes else { return };
    for (y, out) in rgb.chunks_exact_mut(3 * width).enumerate() {
        let row = |plane: &Plane, y: usize| y * plane.stride..(y + 1) * plane.stride;
        let luma_row = &luma.rows[row(luma, y)];
        let [cb, cr] = chroma else {
            for (out, y) in out.chunks_exact_mut(3).zip(luma_row) {
                out.fill(*y);
            }
            continue;
        };
        let [wide_cb, wide_cr] = wide;
        let cb_row = chroma_row(cb, luma, side, y, wide_cb);
        let cr_row = chroma_row(cr, luma, side, y, wide_cr);
        color::row(luma_row, cb_row, cr_row, out);
    }
}

/// The chroma of row `y`, as many samples as luma has; `wide` holds them where they are made.
fn chroma_row<'a>(
    plane: &'a Plane,
    luma: &Plane,
    side: usize,
    y: usize,
    wide: &'a mut [u8],
) -> &'a [u8] {
    // Samples for two of luma.
    let across = 2 * plane.side / (luma.h * side);
    let down = 2 * plane.side / (luma.v * side);
    let at = y * down / 2 * plane.stride;
    let row = &plane.rows[at..at + plane.stride];
    match (across, down) {
        (1, _) => color::double(row, wide),
        (4, _) => color::halve(row.iter().step_by(2), row.iter().skip(1).step_by(2), wide),
        (_, 4) => color::halve(row, &plane.rows[at + plane.stride..], wide),
        _ => return row,
    }
    wide
}
