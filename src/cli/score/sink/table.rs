use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::io::Write;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Row, Width,
    presets,
};

use super::{Batch, Lang, Look, Sink};
use crate::cli::output::{count, printable};
use crate::domain::{Assessment, Band, Evidence, Listing, Part, Price};
use crate::scoring::ScoredItem;

/// Characters of a title and of a seller's name that are kept.
const TITLE: usize = 120;
const NAME: usize = 24;
/// Reasons in a row, and lines that a row may take.
const REASONS: usize = 2;
const LINES: usize = 3;
/// Log-odds that fill a bar, and its length in characters.
const BAR_LOGIT: f64 = 6.0;
const BAR: usize = 24;

/// The riskiest listings with the strongest reasons.
pub(super) struct Table<W> {
    look: Look,
    out: W,
    kept: BinaryHeap<Reverse<Shown>>,
    seen: u64,
    bands: [u64; 3],
    failed: u64,
}

/// What a row needs.
struct Shown {
    order: (f64, Reverse<u64>),
    title: String,
    price: String,
    seller: String,
    assessment: Assessment,
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Shown {}

impl PartialOrd for Shown {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Shown {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.0.total_cmp(&other.order.0).then(self.order.1.cmp(&other.order.1))
    }
}

impl<W: Write> Table<W> {
    pub(super) fn new(look: Look, out: W) -> Self {
        Self { look, out, kept: BinaryHeap::new(), seen: 0, bands: [0; 3], failed: 0 }
    }

    fn add(&mut self, assessment: &Assessment, listing: Option<&Listing>) {
        self.seen += 1;
        self.bands[assessment.band as usize] += 1;
        // Of equal scores the first in the input comes first.
        let order = (assessment.score.value(), Reverse(self.seen));
        if self.look.top == 0 {
            return;
        }
        if self.kept.len() >= self.look.top {
            if self.kept.peek().is_some_and(|least| least.0.order.0 >= order.0) {
                return;
            }
            self.kept.pop();
        }
        let seller = listing.and_then(Listing::seller);
        let seller = seller.and_then(|s| s.name.as_deref().or(s.id.as_deref()));
        self.kept.push(Reverse(Shown {
            order,
            title: cut(listing.map_or("", Listing::title), TITLE),
            price: listing
                .and_then(Listing::price)
                .map(|p| money(p, self.look.lang))
                .unwrap_or_default(),
            seller: cut(seller.unwrap_or_default(), NAME),
            assessment: assessment.clone(),
        }));
    }

    fn rows(&self, rows: &[Shown]) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(self.look.width);
        table.set_truncation_indicator("…");
        if self.look.colors {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let header = match self.look.lang {
            Lang::Vi => ["ĐIỂM", "MỨC", "TIÊU ĐỀ", "GIÁ", "NGƯỜI BÁN", "LÝ DO"],
            Lang::En => ["SCORE", "BAND", "TITLE", "PRICE", "SELLER", "REASONS"],
        };
        table.set_header(header.map(|h| Cell::new(h).add_attribute(Attribute::Dim)));
        for shown in rows {
            table.add_row(self.row(shown));
        }
        // The two texts share what the short columns leave.
        for at in [0, 1, 3] {
            if let Some(column) = table.column_mut(at) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        if let Some(column) = table.column_mut(2) {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Percentage(40)));
        }
        table.trim_fmt()
    }

    fn row(&self, shown: &Shown) -> Row {
        let Shown { assessment, .. } = shown;
        let reasons: Vec<String> = strongest(&assessment.evidence)
            .into_iter()
            .map(|e| cut(&quoted(e, self.look.lang), TITLE))
            .collect();
        let color = match assessment.band {
            Band::High => Color::Red,
            Band::Review => Color::Yellow,
            Band::Low => Color::Green,
        };
        let mut row = Row::from(vec![
            Cell::new(percent(assessment)).set_alignment(CellAlignment::Right),
            Cell::new(band(assessment.band, self.look.lang)).fg(color),
            Cell::new(&shown.title),
            Cell::new(&shown.price).set_alignment(CellAlignment::Right),
            Cell::new(&shown.seller),
            Cell::new(reasons.join("\n")),
        ]);
        row.max_height(LINES);
        row
    }

    /// Every row with the bars of its parts and its findings.
    fn explained(&self, rows: &[Shown]) -> String {
        let mut text = String::new();
        let lang = self.look.lang;
        for Shown { title, price, seller, assessment, .. } in rows {
            let head = [title, price, seller].map(String::as_str);
            let head: Vec<&str> = head.into_iter().filter(|t| !t.is_empty()).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{:>6}  {}  {}",
                percent(assessment),
                band(assessment.band, lang),
                head.join("  ·  ")
            );
            let prior = match lang {
                Lang::Vi => "ban đầu",
                Lang::En => "prior",
            };
            let _ = writeln!(text, "        {prior:<9}{:>+7.2}", assessment.prior);
            for part in Part::ALL {
                if let Some(value) = assessment.parts.get(*part) {
                    let line = format!(
                        "        {:<9}{value:>+7.2}  {}",
                        part_name(*part, lang),
                        bar(value)
                    );
                    let _ = writeln!(text, "{}", line.trim_end());
                }
            }
            for evidence in &assessment.evidence {
                let quoted = cut(&evidence.text, TITLE);
                let quoted = if quoted.is_empty() { quoted } else { format!(" “{quoted}”") };
                let _ = writeln!(
                    text,
                    "        {:>+6.2}  {}{quoted}: {} ({})",
                    evidence.weight,
                    printable(&evidence.field),
                    printable(reason(evidence, lang)),
                    printable(&evidence.kind),
                );
            }
            text.push('\n');
        }
        text
    }

    fn foot(&self, shown: usize) -> String {
        let [low, review, high] = self.bands.map(count);
        let (shown, seen) = (count(shown as u64), count(self.seen));
        let failed = count(self.failed);
        match self.look.lang {
            Lang::Vi => format!(
                "Hiện {shown} trên {seen} tin, rủi ro cao trước: {high} cao, {review} cần xem, {low} thấp; \
                 {failed} lỗi.\n"
            ),
            Lang::En => format!(
                "{shown} of {seen} listings, riskiest first: {high} high, {review} review, {low} low; \
                 {failed} failed.\n"
            ),
        }
    }
}

impl<W: Write> Sink for Table<W> {
    fn write(&mut self, batch: &Batch<'_>) -> anyhow::Result<()> {
        for ScoredItem { line, read } in batch.rows {
            match &line.outcome {
                Ok(assessment) => self.add(assessment, read.as_ref().map(|(listing, _)| listing)),
                Err(_) => self.failed += 1,
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        // Reversed order: the riskiest comes first.
        let kept = std::mem::take(&mut self.kept).into_sorted_vec();
        let rows: Vec<Shown> = kept.into_iter().map(|Reverse(shown)| shown).collect();
        let mut text = match (rows.is_empty(), self.look.explain) {
            (true, _) => String::new(),
            (false, true) => self.explained(&rows),
            (false, false) => format!("{}\n\n", self.rows(&rows)),
        };
        text.push_str(&self.foot(rows.len()));
        self.out.write_all(text.as_bytes())?;
        self.out.flush()?;
        Ok(())
    }
}

/// The findings that raise the score most, those that lower it when none raises it; before sums
/// of many small ones, those that can be pointed at.
fn strongest(evidence: &[Evidence]) -> Vec<&Evidence> {
    let raises = evidence.iter().any(|e| e.weight > 0.0);
    let mut found: Vec<_> = evidence.iter().filter(|e| !raises || e.weight > 0.0).collect();
    found.sort_by_key(|e| e.text.is_empty());
    found.truncate(REASONS);
    found
}

/// The seller's words, where the finding is about words, and what they mean.
fn quoted(evidence: &Evidence, lang: Lang) -> String {
    let reason = reason(evidence, lang);
    if evidence.part == Part::Text && !evidence.text.is_empty() {
        format!("“{}” {reason}", cut(&evidence.text, NAME))
    } else {
        reason.to_owned()
    }
}

fn reason(evidence: &Evidence, lang: Lang) -> &str {
    match lang {
        Lang::Vi => &evidence.reason.vi,
        Lang::En => &evidence.reason.en,
    }
}

fn band(band: Band, lang: Lang) -> &'static str {
    match (band, lang) {
        (Band::High, Lang::Vi) => "cao",
        (Band::Review, Lang::Vi) => "cần xem",
        (Band::Low, Lang::Vi) => "thấp",
        (_, Lang::En) => band.as_str(),
    }
}

fn part_name(part: Part, lang: Lang) -> &'static str {
    match (part, lang) {
        (Part::Text, Lang::Vi) => "chữ",
        (Part::Image, Lang::Vi) => "ảnh",
        (Part::Price, Lang::Vi) => "giá",
        (Part::Seller, Lang::Vi) => "người bán",
        (Part::Codes, Lang::Vi) => "mã",
        (_, Lang::En) => part.as_str(),
    }
}

/// The score in percent, never rounded to a certainty that it is not.
fn percent(assessment: &Assessment) -> String {
    let value = (assessment.score.value() * 100.0).clamp(0.1, 99.9);
    format!("{value:.1}%")
}

/// Full blocks for what raises the score, light ones for what lowers it.
fn bar(value: f64) -> String {
    let filled = (value.abs() / BAR_LOGIT * BAR as f64).round().min(BAR as f64) as usize;
    if value < 0.0 { "░" } else { "█" }.repeat(filled)
}

/// At most `max` characters that are fit for a terminal.
fn cut(text: &str, max: usize) -> String {
    let head: String = text.chars().take(4 * max).collect();
    let head = printable(&head);
    let head = head.trim();
    if head.chars().nth(max).is_none() && text.chars().nth(4 * max).is_none() {
        return head.to_owned();
    }
    let mut short: String = head.chars().take(max - 1).collect();
    short.push('…');
    short
}

/// A price as it is written in the language.
fn money(price: &Price, lang: Lang) -> String {
    let amount = price.amount();
    if amount >= 1e15 {
        return format!("{amount:e} {}", price.currency());
    }
    let whole = count(amount.trunc() as u64);
    let cents = (amount.fract() * 100.0).round() as u64;
    let (whole, point) = match lang {
        Lang::Vi => (whole.replace(',', "."), ','),
        Lang::En => (whole, '.'),
    };
    let unit = if price.currency() == "VND" { "₫" } else { price.currency() };
    match cents {
        1..=99 => format!("{whole}{point}{cents:02} {unit}"),
        _ => format!("{whole} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Limits, Listing};

    #[test]
    fn prices_read_as_the_language_writes_them() {
        let money = |amount: &str, currency: &str, lang| {
            let json =
                format!(r#"{{"title":"a","price":{{"amount":{amount},"currency":"{currency}"}}}}"#);
            let listing = Listing::from_json(json.as_bytes(), &Limits::default()).unwrap();
            super::money(listing.price().unwrap(), lang)
        };
        assert_eq!(money("1250000", "vnd", Lang::Vi), "1.250.000 ₫");
        assert_eq!(money("1250.5", "USD", Lang::En), "1,250.50 USD");
        assert_eq!(money("1e300", "USD", Lang::En), "1e300 USD");
    }

    #[test]
    fn long_texts_are_cut_and_harmless() {
        assert_eq!(cut("giày\u{1b}[31m  ", 10), "giày[31m");
        assert_eq!(cut("0123456789", 10), "0123456789");
        assert_eq!(cut("0123456789a", 10), "012345678…");
        assert_eq!(cut(&"\u{7}".repeat(100), 10), "…");
    }

    #[test]
    fn a_bar_never_leaves_its_place() {
        assert_eq!(bar(3.0).chars().count(), 12);
        assert_eq!(bar(1e9).chars().count(), BAR);
        assert!(bar(-6.0).starts_with('░'));
    }
}
