//! The arithmetic of scoring, for each set of instructions.
//!
//! Every kernel has a plain form, and every other form gives **the same bits**: products are added
//! in the order of the inner dimension with one fused operation each, sums over a row run in
//! [`LANES`] lanes that are folded in one order, and 8-bit products are whole numbers. So a number
//! depends on its own row alone, never on the batch around it, the thread or the machine.

#![allow(unsafe_code, reason = "the processor's own instructions; each use says why it is sound")]

mod aligned;
mod depthwise;
mod float;
mod int8;
mod level;
mod math;
mod rows;

pub(super) use aligned::Aligned;
pub(super) use depthwise::{Depthwise, MapRows, Outcome, STEP, depthwise};
pub(super) use float::{Columns, Rows, multiply, panels};
pub(super) use int8::{Int8Panels, Quantised};
pub use level::{Level, NoSuchLevel};
pub(super) use math::normal;
pub(super) use rows::{Scale, add, add_cut, add_norm, add_rows, cut, gelu, scale_rows, softmax};

/// Numbers that are worked on side by side.
pub(super) const LANES: usize = 16;

/// Columns of a panel: weights stand in panels, so that those that are used together lie together.
pub(super) const PANEL: usize = 2 * LANES;

/// Rows that are multiplied together at most; with two registers a row, as many as there are.
pub(super) const TILE: usize = 12;

/// `rows` in tiles of about the same size, none above [`TILE`].
fn tiles(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = rows.div_ceil(TILE).max(1);
    (0..count).map(move |i| (i * rows / count, (i + 1) * rows / count)).filter(|(a, b)| a < b)
}

#[cfg(test)]
mod tests;
