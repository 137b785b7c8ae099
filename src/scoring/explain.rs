//! Why a score is what it is: evidence whose weights add up to each part.

use std::sync::{Arc, LazyLock};

use super::contract::{Detail, Subject};
use super::occlusion::Stretch;
use crate::domain::{Band, Evidence, Field, LegalClass, Listing, Part, Parts, Reason, vnd, vnd_en};
use crate::preprocess::text::{Place, slice};
use crate::signals::{
    Context, Disguise, FieldText, Knowledge, PriceSignal, Reading, Sign, SignKind, Source, Variant,
    Weighed, code_clues,
};

/// Single words shown in a brief explanation.
const BRIEF_WORDS: usize = 5;
/// The least share in log-odds for which a single word is shown in a brief explanation.
const BRIEF_LEAST: f64 = 0.05;

/// A kind of evidence that no lexicon names.
struct Kind {
    id: Arc<str>,
    reason: Arc<Reason>,
}

impl Kind {
    fn new(id: &str, vi: &str, en: &str) -> Self {
        let reason = Reason { vi: vi.to_owned(), en: en.to_owned() };
        Self { id: id.into(), reason: Arc::new(reason) }
    }
}

static DISGUISES: LazyLock<[Kind; 6]> = LazyLock::new(|| {
    Disguise::ALL.map(|disguise| match disguise {
        Disguise::BrokenBrand => Kind::new(
            "broken_brand",
            "Tên nhãn hiệu bị tách rời để né bộ lọc",
            "A brand's name is broken up to get past filters",
        ),
        Disguise::LeetBrand => Kind::new(
            "leet_brand",
            "Tên nhãn hiệu có chữ số hoặc ký hiệu thay cho chữ cái",
            "Digits or signs stand for letters in a brand's name",
        ),
        Disguise::LookalikeBrand => Kind::new(
            "lookalike_brand",
            "Tên nhãn hiệu viết bằng chữ cái trông giống của bảng chữ khác",
            "A brand's name is written with look-alike letters",
        ),
        Disguise::HiddenBrand => Kind::new(
            "hidden_brand",
            "Tên nhãn hiệu có chèn ký tự vô hình",
            "Invisible characters are put into a brand's name",
        ),
        Disguise::RespelledBrand => Kind::new(
            "respelled_brand",
            "Tên nhãn hiệu bị viết chệch đi",
            "A brand's name is spelled in an invented way",
        ),
        Disguise::Word => Kind::new(
            "disguised_word",
            "Từ ngữ nhạy cảm bị viết chệch để né bộ lọc",
            "A tell-tale word is disguised to get past filters",
        ),
    })
});

static WORDING_RISK: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new("wording", "Từ thường gặp ở tin bán hàng giả", "A word common in offers of fakes")
});
static WORDING_RELIEF: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new("wording", "Từ thường gặp ở tin bán hàng thật", "A word common in honest offers")
});
static CONTEXT_RISK: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new("context", "Đoạn này làm tăng nghi ngờ", "This passage raises suspicion")
});
static CONTEXT_RELIEF: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new("context", "Đoạn này làm giảm nghi ngờ", "This passage lowers suspicion")
});
static REST: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "other_wording",
        "Phần còn lại của bài viết và tác động chung của các đoạn",
        "All other wording, and what the passages do together",
    )
});

/// Collects the evidence of one listing while it is scored.
pub(super) struct Explanation<'a> {
    listing: &'a Listing,
    context: &'a Context,
    reading: &'a Reading,
    knowledge: &'a Knowledge,
    detail: Detail,
    evidence: Vec<Evidence>,
    /// Weight, field and word of the single words worth showing.
    words: Vec<(f64, usize, usize)>,
    classes: Vec<(LegalClass, f64)>,
    /// What a classifier says, where there is one.
    said: Vec<(LegalClass, f32)>,
    grey: bool,
    /// Where each character of a field begins, in bytes; made when a full explanation asks.
    offsets: Vec<Option<Vec<usize>>>,
}

impl<'a> Explanation<'a> {
    pub(super) fn new(
        subject: Subject<'a>,
        reading: &'a Reading,
        knowledge: &'a Knowledge,
        detail: Detail,
    ) -> Self {
        let (evidence, words) = (Vec::with_capacity(8), Vec::new());
        let (classes, said) = (Vec::new(), Vec::new());
        let offsets = vec![None; reading.fields.len()];
        let Subject { listing, context } = subject;
        Self {
            listing,
            context,
            reading,
            knowledge,
            detail,
            evidence,
            words,
            classes,
            said,
            grey: false,
            offsets,
        }
    }

    /// Puts what a classifier says in place of what the concepts say: unnormalised
    /// log-probabilities in the order of [`LegalClass::ALL`].
    pub(super) fn say_classes(&mut self, said: &[f32]) {
        self.said = LegalClass::ALL.iter().copied().zip(said.iter().copied()).collect();
    }

    /// A concept or a disguise.
    pub(super) fn sign(&mut self, sign: &Sign, weight: f64) {
        let (kind, reason) = match sign.what {
            SignKind::Concept(index, variant) => {
                let concept = &self.knowledge.lexicon().concepts()[usize::from(index)];
                if variant == Variant::Plain {
                    if let Some(class) = concept.legal_class {
                        self.class(class, weight);
                    }
                    self.grey |= &*concept.id == "grey_import";
                }
                concept.label(variant)
            }
            SignKind::Disguise(disguise, _) => {
                let kind = &DISGUISES[disguise as usize];
                (kind.id.clone(), kind.reason.clone())
            }
        };
        self.at(sign.field, sign.place, kind, reason, weight);
    }

    fn class(&mut self, class: LegalClass, weight: f64) {
        match self.classes.iter_mut().find(|(c, _)| *c == class) {
            Some((_, sum)) => *sum += weight,
            None => self.classes.push((class, weight)),
        }
    }

    /// What a stretch of text does to the encoder's opinion.
    pub(super) fn stretch(&mut self, stretch: &Stretch, weight: f64) {
        let words = self.reading.fields[stretch.field].text.words();
        let place = words[stretch.words.0].place.to(words[stretch.words.1 - 1].place);
        let kind = if weight > 0.0 { &*CONTEXT_RISK } else { &*CONTEXT_RELIEF };
        if self.detail == Detail::Full || weight.abs() > BRIEF_LEAST {
            self.at(stretch.field, place, kind.id.clone(), kind.reason.clone(), weight);
        }
    }

    /// The single words of a field, each with its share.
    pub(super) fn words(&mut self, field: usize, weights: &[f64]) {
        let least = if self.detail == Detail::Full { 0.0 } else { BRIEF_LEAST };
        let found = weights.iter().enumerate().filter(|(_, w)| w.abs() > least);
        self.words.extend(found.map(|(i, w)| (*w, field, i)));
        if self.detail != Detail::Full && self.words.len() > BRIEF_WORDS {
            self.words.select_nth_unstable_by(BRIEF_WORDS, |a, b| {
                b.0.abs().total_cmp(&a.0.abs()).then((a.1, a.2).cmp(&(b.1, b.2)))
            });
            self.words.truncate(BRIEF_WORDS);
        }
    }

    /// What is left of the text part when everything shown has been taken away.
    pub(super) fn rest_of_text(&mut self, text: f64) {
        let mut words = std::mem::take(&mut self.words);
        words.sort_unstable_by_key(|(_, field, word)| (*field, *word));
        for (weight, field, word) in words {
            let place = self.reading.fields[field].text.words()[word].place;
            let kind = if weight > 0.0 { &*WORDING_RISK } else { &*WORDING_RELIEF };
            self.at(field, place, kind.id.clone(), kind.reason.clone(), weight);
        }
        let shown: f64 = self.evidence.iter().map(|e| e.weight).sum();
        self.whole(Part::Text, Field::Borrowed("title"), &REST.id, &REST.reason, text - shown);
    }

    pub(super) fn price(&mut self, signal: &PriceSignal, part: f64) {
        let brand = self.knowledge.brands().name(signal.brand);
        let (kind_en, kind_vi) = self.knowledge.brands().kind_names(signal.kind);
        let (price, reference) = (signal.price, signal.reference);
        let percent = (100.0 * signal.ratio()).round();
        let (used_vi, used_en) =
            if signal.used { ("đã dùng", "used") } else { ("mới", "new") };
        let reason = Reason {
            vi: format!(
                "Giá {price} đ bằng {percent} % mức thấp thường gặp của {kind_vi} {brand} {used_vi}: \
                 khoảng {reference} đ, ước tính",
                price = vnd(price),
                reference = vnd(reference),
            ),
            en: format!(
                "{price} VND is {percent} % of the usual low price of {used_en} {brand} {kind_en}: \
                 about {reference} VND, estimated",
                price = vnd_en(price),
                reference = vnd_en(reference),
            ),
        };
        let kind = if part > 0.0 { "price_below_reference" } else { "price_plausible" };
        let text = self.listing.price().map(|p| format!("{} {}", p.amount(), p.currency()));
        self.evidence.push(Evidence {
            part: Part::Price,
            kind: kind.into(),
            field: "price".into(),
            start: 0,
            end: 0,
            text: text.unwrap_or_default(),
            weight: part,
            reason: Arc::new(reason),
        });
    }

    /// A price for which the goods' words say what is usual, not a table.
    pub(super) fn price_level(&mut self, amount: f64, part: f64) {
        let (kind, vi, en) = if part > 0.0 {
            ("price_low_for_goods", "thấp", "low")
        } else {
            ("price_plausible", "không có gì lạ", "nothing unusual")
        };
        let reason = Reason {
            vi: format!("Giá {} đ {vi} so với hàng được mô tả", vnd(amount)),
            en: format!("{} VND is {en} for the goods described", vnd_en(amount)),
        };
        self.whole(Part::Price, "price".into(), &kind.into(), &Arc::new(reason), part);
    }

    /// What was found beyond wording and price, weighed into its parts.
    pub(super) fn clues(&mut self, parts: &mut Parts) {
        let codes = code_clues(self.listing, &self.reading.codes);
        let known = self.context.clues(self.listing, self.knowledge);
        for Weighed { clue, kind, weight, reason } in
            self.knowledge.fusion().weigh(codes.into_iter().chain(known))
        {
            parts.add(clue.part, weight);
            self.evidence.push(Evidence {
                part: clue.part,
                kind,
                field: clue.field,
                start: clue.start,
                end: clue.start + clue.text.chars().count(),
                text: clue.text,
                weight,
                reason,
            });
        }
    }

    /// The class the listing would fall under: what the classifier says, or where there is none,
    /// what the strongest findings speak for. A listing with nothing to see is no counterfeit.
    pub(super) fn legal_class(&self, band: Band) -> LegalClass {
        let open =
            self.said.iter().filter(|(class, _)| class.is_counterfeit() == (band != Band::Low));
        if let Some((class, _)) = open.max_by(|a, b| a.1.total_cmp(&b.1)) {
            return *class;
        }
        if band == Band::Low {
            return if self.grey { LegalClass::OriginUnclear } else { LegalClass::None };
        }
        let strongest = self.classes.iter().filter(|(_, weight)| *weight > 0.0);
        strongest
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(LegalClass::CounterfeitMark, |(class, _)| *class)
    }

    /// The evidence, strongest first; what was cut from the text part stands in its rest.
    pub(super) fn finish(mut self, parts: &Parts) -> Vec<Evidence> {
        let of_text = |e: &&Evidence| e.part == Part::Text;
        let shown: f64 = self.evidence.iter().filter(of_text).map(|e| e.weight).sum();
        let cut = parts.text.unwrap_or(0.0) - shown;
        if let Some(rest) = self.evidence.iter_mut().find(|e| e.kind == REST.id) {
            rest.weight += cut;
        }
        self.evidence.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        self.evidence
    }

    fn at(&mut self, field: usize, place: Place, kind: Arc<str>, reason: Arc<Reason>, weight: f64) {
        let text = self.quote(field, place);
        let field = &self.reading.fields[field];
        self.evidence.push(Evidence {
            part: Part::Text,
            kind,
            field: field.field.clone(),
            start: place.start as usize,
            end: place.end as usize,
            text,
            weight,
            reason,
        });
    }

    /// The seller's words at a place. A full explanation quotes every word, so it looks places up
    /// instead of counting to each.
    fn quote(&mut self, field: usize, place: Place) -> String {
        let FieldText { source, field: name, .. } = &self.reading.fields[field];
        let text = original(self.listing, *source, name);
        if self.detail != Detail::Full {
            return slice(text, place).to_owned();
        }
        let offsets = self.offsets[field].get_or_insert_with(|| {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
        });
        let at = |i: u32| offsets.get(i as usize).copied().unwrap_or(text.len());
        text[at(place.start)..at(place.end)].to_owned()
    }

    fn whole(
        &mut self,
        part: Part,
        field: Field,
        kind: &Arc<str>,
        reason: &Arc<Reason>,
        weight: f64,
    ) {
        self.evidence.push(Evidence {
            part,
            kind: kind.clone(),
            field,
            start: 0,
            end: 0,
            text: String::new(),
            weight,
            reason: reason.clone(),
        });
    }
}

/// The text that a field was read from.
fn original<'a>(listing: &'a Listing, source: Source, field: &str) -> &'a str {
    match source {
        Source::Title => listing.title(),
        Source::Description => listing.description().unwrap_or_default(),
        Source::Brand => listing.brand().unwrap_or_default(),
        Source::Category => listing.category().unwrap_or_default(),
        Source::Attribute => {
            let name = field.strip_prefix("attributes.").unwrap_or_default();
            listing.attributes().find(|(n, _)| *n == name).map_or("", |(_, text)| text)
        }
    }
}
