//! The segments of a JPEG before its first scan, and where its data ends.

/// Entries of a Huffman table as a file gives them.
#[derive(Debug, Clone)]
pub(super) struct Codes {
    /// How many codes there are of each length, 1 to 16.
    pub(super) counts: [u8; 16],
    pub(super) symbols: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) id: u8,
    pub(super) h: u8,
    pub(super) v: u8,
    pub(super) quant: u8,
}

/// A component of the scan: place in the frame and its tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanned {
    pub(super) component: usize,
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// What the first scan needs.
#[derive(Debug, Default)]
pub(in super::super) struct Header<'a> {
    /// The frame's marker: 0xC0 baseline, 0xC1 extended, 0xC2 progressive.
    pub(super) kind: u8,
    pub(super) precision: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) components: Vec<Component>,
    /// By number, in zigzag order.
    pub(super) quant: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Codes>; 4],
    pub(super) ac: [Option<Codes>; 4],
    pub(super) restart_interval: usize,
    pub(super) scan: Vec<Scanned>,
    /// Whether the first scan holds all coefficients at full precision.
    pub(super) whole_scan: bool,
    /// The colour transform that an Adobe segment names.
    pub(super) adobe: Option<u8>,
    pub(super) jfif: bool,
    pub(super) exif: Option<&'a [u8]>,
    /// Offset of the first scan's data.
    pub(super) data: usize,
}

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// The payload of the segment whose length stands at `at`, and where the next one begins.
fn segment(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let length = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let end = at.checked_add(length)?;
    Some((bytes.get(at + 2..end)?, end))
}

/// The next marker at or after `at`, and what follows it.
fn marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut at = at;
    loop {
        let ff = at + find_ff(bytes.get(at..)?)?;
        match *bytes.get(ff + 1)? {
            // Stuffing, fill bytes and restarts are no segments.
            0xff => at = ff + 1,
            0 | 1 | 0xd0..=0xd7 => at = ff + 2,
            marker => return Some((marker, ff + 2)),
        }
    }
}

/// Where the first 0xFF is.
pub(super) fn find_ff(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let mut words = bytes.chunks_exact(8);
    let mut at = 0;
    for word in words.by_ref() {
        let word = word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        // A byte of 0xFF is the only one whose complement is zero.
        let not = !word;
        let found = not.wrapping_sub(LOW) & word & (LOW << 7);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    words.remainder().iter().position(|b| *b == 0xff).map(|i| at + i)
}

/// Reads up to the first scan.
pub(in super::super) fn read(bytes: &[u8]) -> Result<Header<'_>, &'static str> {
    const SHORT: &str = "ends before its first scan";
    if bytes.get(..2) != Some(&[0xff, SOI]) {
        return Err("does not begin with SOI");
    }
    let mut header = Header::default();
    let mut at = 2;
    loop {
        let (found, after) = marker(bytes, at).ok_or(SHORT)?;
        if found == EOI {
            return Err("holds no scan");
        }
        if found == SOI {
            return Err("a second SOI");
        }
        let (payload, end) = segment(bytes, after).ok_or(SHORT)?;
        at = end;
        match found {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                frame(&mut header, found, payload)?;
            }
            0xc4 => huffman(&mut header, payload).ok_or("a bad Huffman table")?,
            0xdb => quantisation(&mut header, payload).ok_or("a bad quantisation table")?,
            0xdd => {
                let interval = payload.first_chunk().ok_or("a short restart interval")?;
                header.restart_interval = usize::from(u16::from_be_bytes(*interval));
            }
            0xe0 => header.jfif |= payload.starts_with(b"JFIF\0"),
            0xe1 => {
                if let Some(exif) = payload.strip_prefix(b"Exif\0\0") {
                    header.exif.get_or_insert(exif);
                }
            }
            0xee if payload.starts_with(b"Adobe") => header.adobe = payload.get(11).copied(),
            SOS => {
                scan(&mut header, payload).ok_or("a bad scan header")?;
                header.data = end;
                return Ok(header);
            }
            _ => {}
        }
    }
}

fn frame(header: &mut Header<'_>, kind: u8, payload: &[u8]) -> Result<(), &'static str> {
    const BAD: &str = "a bad frame header";
    if header.kind != 0 {
        return Err("two frame headers");
    }
    let [precision, h1, h0, w1, w0, count, components @ ..] = payload else { return Err(BAD) };
    header.kind = kind;
    header.precision = *precision;
    header.height = u16::from_be_bytes([*h1, *h0]);
    header.width = u16::from_be_bytes([*w1, *w0]);
    if components.len() != 3 * usize::from(*count) || !(1..=4).contains(count) {
        return Err(BAD);
    }
    for component in components.chunks_exact(3) {
        let [id, hv, quant] = component else { return Err(BAD) };
        let (h, v) = (hv >> 4, hv & 15);
        if !(1..=4).contains(&h) || !(1..=4).contains(&v) || *quant > 3 {
            return Err(BAD);
        }
        header.components.push(Component { id: *id, h, v, quant: *quant });
    }
    if header.width == 0 || header.height == 0 {
        return Err("no width or no height");
    }
    Ok(())
}

fn huffman(header: &mut Header<'_>, mut payload: &[u8]) -> Option<()> {
    while let Some((class, rest)) = payload.split_first() {
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let total = counts.iter().map(|n| usize::from(*n)).sum::<usize>();
        if total > 256 || class & 15 > 3 || class >> 4 > 1 {
            return None;
        }
        let (symbols, rest) = rest.split_at_checked(total)?;
        let tables = if class >> 4 == 0 { &mut header.dc } else { &mut header.ac };
        tables[usize::from(class & 3)] = Some(Codes { counts: *counts, symbols: symbols.to_vec() });
        payload = rest;
    }
    Some(())
}

fn quantisation(header: &mut Header<'_>, mut payload: &[u8]) -> Option<()> {
    while let Some((class, rest)) = payload.split_first() {
        let width = match class >> 4 {
            0 => 1,
            1 => 2,
            _ => return None,
        };
        let (values, rest) = rest.split_at_checked(64 * width)?;
        let mut table = [0; 64];
        for (to, from) in table.iter_mut().zip(values.chunks_exact(width)) {
            *to = from.iter().fold(0, |sum, byte| (sum << 8) | u16::from(*byte));
        }
        *header.quant.get_mut(usize::from(class & 15))? = Some(table);
        payload = rest;
    }
    Some(())
}

fn scan(header: &mut Header<'_>, payload: &[u8]) -> Option<()> {
    let (count, rest) = payload.split_first()?;
    let (components, tail) = rest.split_at_checked(2 * usize::from(*count))?;
    for pair in components.chunks_exact(2) {
        let component = header.components.iter().position(|c| c.id == pair[0])?;
        let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
        if dc > 3 || ac > 3 {
            return None;
        }
        header.scan.push(Scanned { component, dc, ac });
    }
    header.whole_scan = tail == [0, 63, 0];
    (header.kind != 0).then_some(())
}

/// Whether an end marker follows the scans that begin at `at`: a file that was cut has none.
pub(in super::super) fn has_end(bytes: &[u8], mut at: usize) -> bool {
    while let Some((found, after)) = marker(bytes, at) {
        if found == EOI {
            return true;
        }
        let Some((_, end)) = segment(bytes, after) else { return false };
        at = end;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ff_is_found_wherever_it_stands() {
        for length in 0..40 {
            assert_eq!(find_ff(&vec![0xfe; length]), None);
            for at in 0..length {
                for around in [0x00, 0x7f, 0x80, 0xfe] {
                    let mut bytes = vec![around; length];
                    bytes[at] = 0xff;
                    assert_eq!(find_ff(&bytes), Some(at), "{length} {at} {around}");
                }
            }
        }
    }
}
