use std::io::{BufRead, Cursor, Error, Read, Result, Seek, SeekFrom};
use std::time::{Duration, Instant};

use super::PictureError;

/// When a picture must be finished.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    start: Instant,
    limit: Duration,
}

impl Deadline {
    pub(super) fn new(limit: Duration) -> Self {
        Self { start: Instant::now(), limit }
    }

    pub(super) fn passed(&self) -> bool {
        self.start.elapsed() >= self.limit
    }

    pub(super) fn check(&self) -> std::result::Result<(), PictureError> {
        if self.passed() { Err(PictureError::Timeout(self.limit)) } else { Ok(()) }
    }
}

/// Reads that happen between two looks at the clock.
const READS: u32 = 64;

/// Bytes that can no longer be read when the time is over: so a decoder that offers no steps stops
/// at its next read.
#[derive(Debug)]
pub(super) struct Timed<'a> {
    bytes: Cursor<&'a [u8]>,
    deadline: Deadline,
    reads: u32,
    over: bool,
}

impl<'a> Timed<'a> {
    pub(super) fn new(bytes: &'a [u8], deadline: Deadline) -> Self {
        Self { bytes: Cursor::new(bytes), deadline, reads: 0, over: false }
    }

    fn tick(&mut self) -> Result<()> {
        self.reads = self.reads.wrapping_add(1);
        if self.reads.is_multiple_of(READS) {
            self.over = self.deadline.passed();
        }
        if self.over { Err(Error::other("time is over")) } else { Ok(()) }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        self.tick()?;
        self.bytes.read(out)
    }
}

impl BufRead for Timed<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        self.tick()?;
        // Short pieces, so that the clock is looked at within a large picture too.
        self.bytes.fill_buf().map(|rest| &rest[..rest.len().min(4096)])
    }

    fn consume(&mut self, bytes: usize) {
        self.bytes.consume(bytes);
    }
}

impl Seek for Timed<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.tick()?;
        self.bytes.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_when_the_time_is_over() {
        let mut timed = Timed::new(&[7; 1000], Deadline::new(Duration::ZERO));
        let mut byte = [0];
        let read = (0..1000).take_while(|_| timed.read(&mut byte).is_ok()).count();
        assert!(read < READS as usize, "{read}");
        assert!(timed.fill_buf().is_err() && timed.seek(SeekFrom::Start(0)).is_err());
        let mut timed = Timed::new(&[7; 1000], Deadline::new(Duration::from_secs(600)));
        assert_eq!((0..1000).take_while(|_| timed.read(&mut byte).is_ok()).count(), 1000);
    }
}
