//! The report's drawings, as inline SVG. Only numbers and fixed words go in, so nothing needs
//! escaping; colours come from the page's style sheet by class.

use std::fmt::Write;

use super::metrics::{Bin, Block};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 40.0;

/// Steps closer than this (in the unit square) are drawn as one.
const FINEST: f64 = 0.002;

/// A square of 0..1 by 0..1 with ticks and titles.
struct Plot {
    svg: String,
}

impl Plot {
    fn new(label: &str, x_title: &str, y_title: &str, y_ticks: &[(f64, String)]) -> Self {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\" class=\"plot\">"
        );
        for (at, text) in y_ticks {
            let y = Self::y(*at);
            let right = WIDTH - RIGHT;
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 6.0,
                y + 4.0
            );
        }
        for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let (x, base) = (Self::x(tick), HEIGHT - BOTTOM);
            let _ = write!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>",
                base + 16.0
            );
        }
        let (x, y) = (Self::x(0.5), HEIGHT - 6.0);
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{x_title}</text>\
             <text transform=\"translate(11 {:.1}) rotate(-90)\" text-anchor=\"middle\">{y_title}</text>",
            Self::y(0.5)
        );
        Self { svg }
    }

    fn unit(label: &str, x_title: &str, y_title: &str) -> Self {
        let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|t: f64| (t, t.to_string()));
        Self::new(label, x_title, y_title, &ticks)
    }

    fn x(x: f64) -> f64 {
        LEFT + x * (WIDTH - LEFT - RIGHT)
    }

    fn y(y: f64) -> f64 {
        TOP + (1.0 - y) * (HEIGHT - TOP - BOTTOM)
    }

    fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "{:.1},{:.1} ", Self::x(*x), Self::y(*y));
        }
        let _ = write!(self.svg, "<polyline class=\"{class}\" points=\"{}\"/>", path.trim_end());
    }

    fn dot(&mut self, class: &str, (x, y): (f64, f64)) {
        let (x, y) = (Self::x(x), Self::y(y));
        let _ =
            write!(self.svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>");
    }

    /// A column over `from..to` from `low` to `high`.
    fn column(&mut self, class: &str, (from, to): (f64, f64), (low, high): (f64, f64)) {
        let (x, width) = (Self::x(from), Self::x(to) - Self::x(from));
        let (y, height) = (Self::y(high), Self::y(low) - Self::y(high));
        let _ = write!(
            self.svg,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        );
    }

    fn close(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// Precision over recall; the model is drawn last, on top.
pub(super) fn precision_recall(model: &[Block], against: Option<&[Block]>) -> String {
    let mut plot = Plot::unit("Precision by recall", "recall", "precision");
    for (class, blocks) in against.map(|b| ("other", b)).into_iter().chain([("model", model)]) {
        plot.line(class, &precision_recall_points(blocks));
    }
    plot.close()
}

fn precision_recall_points(blocks: &[Block]) -> Vec<(f64, f64)> {
    let positives: f64 = blocks.iter().map(|b| b.positives).sum();
    if positives <= 0.0 {
        return Vec::new();
    }
    let (mut found, mut called) = (0.0, 0.0);
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (i, b) in blocks.iter().enumerate() {
        found += b.positives;
        called += b.mass();
        let at = (found / positives, found / called);
        let far =
            |last: &(f64, f64)| (at.0 - last.0).abs() > FINEST || (at.1 - last.1).abs() > FINEST;
        if i + 1 == blocks.len() || points.last().is_none_or(far) {
            points.push(at);
        }
    }
    if let Some((_, precision)) = points.first().copied() {
        points.insert(0, (0.0, precision));
    }
    points
}

/// Observed share over mean score, bin by bin.
pub(super) fn reliability(model: &[Bin], against: Option<&[Bin]>) -> String {
    let mut plot = Plot::unit("Reliability", "score", "share counterfeit");
    plot.line("ideal", &[(0.0, 0.0), (1.0, 1.0)]);
    for (class, bins) in against.map(|b| ("other", b)).into_iter().chain([("model", model)]) {
        let points: Vec<_> = bins.iter().map(|b| (b.predicted, b.observed)).collect();
        plot.line(class, &points);
        for point in points {
            plot.dot(class, point);
        }
    }
    plot.close()
}

/// Columns of the histogram.
const COLUMNS: usize = 25;

/// How many rows of each label have a score in each twenty-fifth.
pub(super) fn histogram(scores: &[f64], labels: &[bool]) -> String {
    let mut counts = [[0.0_f64; 2]; COLUMNS];
    for (score, label) in scores.iter().zip(labels) {
        let column = ((score * COLUMNS as f64) as usize).min(COLUMNS - 1);
        counts[column][usize::from(*label)] += 1.0;
    }
    let most = counts.iter().map(|c| c[0] + c[1]).fold(1.0, f64::max);
    let ticks = [0.0, 0.5, 1.0].map(|t| (t, format!("{:.0}", t * most)));
    let mut plot = Plot::new("Rows by score", "score", "rows", &ticks);
    for (i, [negative, positive]) in counts.into_iter().enumerate() {
        let border = |i: usize| i as f64 / COLUMNS as f64;
        let columns = (border(i) + 0.003, border(i + 1) - 0.003);
        let (low, high) = (positive / most, (positive + negative) / most);
        if positive > 0.0 {
            plot.column("fake", columns, (0.0, low));
        }
        if negative > 0.0 {
            plot.column("genuine", columns, (low, high));
        }
    }
    plot.close()
}

/// An interval on a line from `from` to `to`, for a cell of a table.
pub(super) fn whisker(value: f64, bounds: Option<(f64, f64)>, (from, to): (f64, f64)) -> String {
    let at = |v: f64| 2.0 + 96.0 * ((v - from) / (to - from)).clamp(0.0, 1.0);
    let mut svg = "<svg viewBox=\"0 0 100 12\" class=\"whisker\" aria-hidden=\"true\">\
         <line class=\"grid\" x1=\"2\" x2=\"98\" y1=\"6\" y2=\"6\"/>"
        .to_owned();
    if let Some((low, high)) = bounds {
        let (low, high) = (at(low), at(high));
        let _ = write!(
            svg,
            "<line class=\"model\" x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"6\" y2=\"6\"/>"
        );
    }
    let _ = write!(svg, "<circle class=\"model\" cx=\"{:.1}\" cy=\"6\" r=\"3\"/></svg>", at(value));
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_run_from_no_recall_to_all() {
        let block = |score, positives, negatives| Block { score, positives, negatives };
        let blocks = [block(0.9, 1.0, 0.0), block(0.5, 1.0, 1.0), block(0.1, 0.0, 1.0)];
        let points = precision_recall_points(&blocks);
        assert_eq!(points, [(0.0, 1.0), (0.5, 1.0), (1.0, 2.0 / 3.0), (1.0, 0.5)]);
        assert!(precision_recall_points(&[block(0.5, 0.0, 3.0)]).is_empty());
    }

    #[test]
    fn drawings_stay_in_their_frame() {
        let svg = histogram(&[0.0, 1.0, 0.5, 0.5], &[true, false, true, false]);
        assert_eq!(svg.matches("class=\"fake\"").count(), 2);
        assert_eq!(svg.matches("class=\"genuine\"").count(), 2);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN"));
        assert!(whisker(0.2, Some((0.1, 0.9)), (0.5, 1.0)).contains("cx=\"2.0\""));
    }
}
