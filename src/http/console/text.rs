//! What a seller wrote, made fit to be shown: the evidence marked in place, and every character
//! that would hide, or turn the direction of writing, named instead of obeyed.

use serde::Serialize;

use super::lang::Lang;
use super::line::{Finding, sense};

/// A run of a text that is shown in one way.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Piece {
    /// What to show; for an unseen character its name, such as `U+200B`.
    text: String,
    /// Class of the mark around it: `risk`, `relief`, `even`, or empty for none.
    mark: &'static str,
    /// What the marks say, for the tool tip.
    why: String,
    /// Whether this stands for a character that cannot be seen.
    unseen: bool,
}

/// `text` in pieces, marked where the evidence lies in it. Offsets are Unicode scalar values;
/// what lies outside the text is ignored, and where findings overlap all of them are named.
pub(super) fn marked<'a>(
    text: &str,
    findings: impl Iterator<Item = &'a Finding>,
    lang: Lang,
) -> Vec<Piece> {
    let length = text.chars().count();
    let mut spans: Vec<(usize, usize, &Finding)> = findings
        .map(|f| (f.start, f.end.min(length), f))
        .filter(|(start, end, _)| start < end)
        .collect();
    spans.sort_by_key(|(start, ..)| *start);
    let mut cuts: Vec<usize> = spans.iter().flat_map(|(start, end, _)| [*start, *end]).collect();
    cuts.extend([0, length]);
    cuts.sort_unstable();
    cuts.dedup();

    let mut pieces = Pieces { out: Vec::new(), lang, before: None };
    let (mut chars, mut waiting) = (text.chars(), spans.into_iter().peekable());
    let mut here: Vec<(usize, usize, &Finding)> = Vec::new();
    for cut in cuts.windows(2) {
        let &[from, to] = cut else { continue };
        here.retain(|(_, end, _)| *end > from);
        while let Some(span) = waiting.next_if(|(start, ..)| *start <= from) {
            here.push(span);
        }
        pieces.add(chars.by_ref().take(to - from), &here);
    }
    pieces.out
}

/// `text` in pieces without any mark.
pub(super) fn plain(text: &str, lang: Lang) -> Vec<Piece> {
    marked(text, std::iter::empty(), lang)
}

/// `text` on one line for places that take no pieces: tool tips, names of form fields.
pub(super) fn flat(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        if is_unseen(c, before) {
            out.push_str(&format!("⟨{}⟩", name(c)));
        } else {
            out.push(c);
        }
        before = Some(c);
    }
    out
}

/// JSON with every character that cannot be seen written as its escape, which means the same.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c, None) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

struct Pieces {
    out: Vec<Piece>,
    lang: Lang,
    before: Option<char>,
}

impl Pieces {
    fn add(&mut self, chars: impl Iterator<Item = char>, marks: &[(usize, usize, &Finding)]) {
        let (mark, why) = if marks.is_empty() {
            ("", String::new())
        } else {
            let tips = marks.iter().map(|(_, _, f)| tip(f, self.lang));
            let weight = marks.iter().map(|(_, _, f)| f.weight).sum();
            (sense(weight), tips.collect::<Vec<_>>().join("\n"))
        };
        let mut run = String::new();
        let mut hidden: Option<(char, usize)> = None;
        for c in chars {
            let unseen = is_unseen(c, self.before);
            self.before = Some(c);
            if let Some((same, times)) = &mut hidden {
                if unseen && *same == c {
                    *times += 1;
                    continue;
                }
                let named = repeated(*same, *times);
                self.push(named, mark, &why, true);
                hidden = None;
            }
            if unseen {
                self.push(std::mem::take(&mut run), mark, &why, false);
                hidden = Some((c, 1));
            } else {
                run.push(c);
            }
        }
        if let Some((c, times)) = hidden {
            self.push(repeated(c, times), mark, &why, true);
        }
        self.push(run, mark, &why, false);
    }

    fn push(&mut self, text: String, mark: &'static str, why: &str, unseen: bool) {
        if !text.is_empty() {
            self.out.push(Piece { text, mark, why: why.to_owned(), unseen });
        }
    }
}

fn tip(finding: &Finding, lang: Lang) -> String {
    let weight = super::figures::log_odds(finding.weight, lang);
    format!("{} ({weight})", flat(lang.reason(&finding.reason)))
}

fn repeated(c: char, times: usize) -> String {
    if times == 1 { name(c) } else { format!("{}×{times}", name(c)) }
}

fn name(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Whether `c` shows nothing of its own, or changes how its neighbours are shown.
fn is_unseen(c: char, before: Option<char>) -> bool {
    match c {
        '\n' | '\t' => false,
        // Joins the halves of an emoji.
        '\u{200d}' => before.is_none_or(|b| b.is_alphanumeric() || b < '\u{2000}'),
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Part, Reason};

    fn finding(start: usize, end: usize, weight: f64) -> Finding {
        Finding {
            part: Part::Text,
            kind: "k".to_owned(),
            field: "title".to_owned(),
            start,
            end,
            text: String::new(),
            weight,
            reason: Reason { vi: format!("lý do {start}"), en: format!("reason {start}") },
        }
    }

    fn show(text: &str, findings: &[Finding]) -> String {
        let mut out = String::new();
        for p in marked(text, findings.iter(), Lang::En) {
            match p.mark {
                "" => out.push_str(&p.text),
                mark => out.push_str(&format!("[{mark}:{}]", p.text)),
            }
        }
        out
    }

    #[test]
    fn places_count_characters_and_not_bytes() {
        assert_eq!(show("Giày đẹp rep", &[finding(9, 12, 1.0)]), "Giày đẹp [risk:rep]");
        assert_eq!(show("đẹp", &[finding(0, 3, -1.0)]), "[relief:đẹp]");
    }

    #[test]
    fn overlapping_places_are_cut_and_each_is_named() {
        let both = [finding(0, 4, 2.0), finding(2, 6, -1.0), finding(4, 6, 0.5)];
        assert_eq!(show("abcdefg", &both), "[risk:ab][risk:cd][relief:ef]g");
        let pieces = marked("abcdefg", both.iter(), Lang::En);
        assert_eq!(pieces[1].why, "reason 0 (+2.00)\nreason 2 (\u{2212}1.00)");
    }

    #[test]
    fn places_outside_are_ignored() {
        let wild = [finding(9, 12, 1.0), finding(2, 2, 1.0), finding(3, 1, 1.0)];
        assert_eq!(show("abc", &wild), "abc");
        assert_eq!(show("abc", &[finding(2, usize::MAX, 1.0)]), "ab[risk:c]");
        assert_eq!(show("", &[finding(0, 1, 1.0)]), "");
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        assert_eq!(show("N\u{200b}\u{200b}ike", &[]), "NU+200B×2ike");
        assert_eq!(show("a\u{202e}b", &[finding(0, 3, 1.0)]), "[risk:a][risk:U+202E][risk:b]");
        assert_eq!(show("👨\u{200d}👩 a\u{200d}b", &[]), "👨\u{200d}👩 aU+200Db");
        assert_eq!(show("a\nb\u{7}", &[]), "a\nbU+0007");
        assert_eq!(flat("a\u{202e}b"), "a⟨U+202E⟩b");
        assert_eq!(json("{\"a\":\"\u{202e}\u{e0041}\"}"), "{\"a\":\"\\u202e\\udb40\\udc41\"}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_doubled(
            text in "[a-dđ\\PC]{0,30}",
            spans in proptest::collection::vec((0_usize..40, 0_usize..40, -2_i32..3), 0..8),
        ) {
            let findings: Vec<_> =
                spans.iter().map(|(s, e, w)| finding(*s, *e, f64::from(*w))).collect();
            let pieces = marked(&text, findings.iter(), Lang::Vi);
            let shown: String = pieces.iter().filter(|p| !p.unseen).map(|p| &*p.text).collect();
            let mut before = None;
            let seen: String = text.chars().filter(|c| {
                let unseen = is_unseen(*c, before);
                before = Some(*c);
                !unseen
            }).collect();
            prop_assert_eq!(shown, seen);
        }
    }
}
