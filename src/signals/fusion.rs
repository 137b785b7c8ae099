use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::clue::Clue;
use crate::domain::{Part, Reason};

/// What each kind of evidence other than wording and price weighs, and how much a part may come to.
#[derive(Debug, Clone, Default)]
pub struct Fusion {
    kinds: HashMap<(Part, Arc<str>), Kind>,
    caps: HashMap<Part, f64>,
}

#[derive(Debug, Clone)]
struct Kind {
    id: Arc<str>,
    weight: f64,
    reason: Arc<Reason>,
}

/// A clue with its weight, ready to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    pub clue: Clue,
    pub kind: Arc<str>,
    pub weight: f64,
    pub reason: Arc<Reason>,
}

/// The fusion table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FusionError {
    #[error("fusion.toml: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("fusion.toml: {0}")]
    Value(String),
}

/// Log-odds beyond which no single finding may go: 1 in 400 becomes 1 in 3.
const MAX_WEIGHT: f64 = 5.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    caps: HashMap<Part, f64>,
    #[serde(default)]
    kind: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    part: Part,
    id: Arc<str>,
    weight: f64,
    basis: Basis,
    why: String,
    reason_vi: String,
    reason_en: String,
}

/// Where a weight comes from.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Basis {
    Prior,
    Learned,
}

impl Fusion {
    /// Reads the text of `fusion.toml`.
    ///
    /// # Errors
    /// When it is not TOML, an entry stands twice or without a reason, or a number can't be.
    pub fn parse(text: &str) -> Result<Self, FusionError> {
        let Table { caps, kind } = toml::from_str(text)?;
        let bad = |what: String| Err(FusionError::Value(what));
        if let Some((part, cap)) = caps.iter().find(|(_, cap)| !(**cap > 0.0 && cap.is_finite())) {
            return bad(format!("the cap of {part} is {cap}, want a number above 0"));
        }
        let mut kinds = HashMap::with_capacity(kind.len());
        for Entry {
            part,
            id,
            weight,
            basis: Basis::Prior | Basis::Learned,
            why,
            reason_vi,
            reason_en,
        } in kind
        {
            if !caps.contains_key(&part) {
                return bad(format!("{id}: {part} has no cap, so it takes no kinds"));
            }
            if weight.is_nan() || weight.abs() > MAX_WEIGHT {
                return bad(format!("{id}: weight {weight} is not within ±{MAX_WEIGHT}"));
            }
            if [&why, &reason_vi, &reason_en].iter().any(|text| text.trim().is_empty()) {
                return bad(format!("{id}: why, reason_vi and reason_en want words"));
            }
            let reason = Arc::new(Reason { vi: reason_vi, en: reason_en });
            let entry = Kind { id: Arc::clone(&id), weight, reason };
            if kinds.insert((part, Arc::clone(&id)), entry).is_some() {
                return bad(format!("{id} stands twice"));
            }
        }
        Ok(Self { kinds, caps })
    }

    /// The table with the weight of a kind put in its place, for a model that has its own.
    #[must_use]
    pub fn with_weight(mut self, part: Part, id: &str, weight: f64) -> Self {
        if let Some(kind) = self.kinds.get_mut(&(part, id.into())) {
            kind.weight = weight;
        }
        self
    }

    /// Weighs clues; those that the table does not know are left out. What a part comes to beyond
    /// its cap is taken from all its clues in proportion.
    pub fn weigh(&self, clues: impl IntoIterator<Item = Clue>) -> Vec<Weighed> {
        let weighed = |clue: Clue| {
            let kind = self.kinds.get(&(clue.part, clue.kind.into()))?;
            let reason = clue.reason.clone().unwrap_or_else(|| Arc::clone(&kind.reason));
            let weight = kind.weight * clue.strength;
            Some(Weighed { clue, kind: Arc::clone(&kind.id), weight, reason })
        };
        let mut all: Vec<Weighed> = clues.into_iter().filter_map(weighed).collect();
        for (part, cap) in &self.caps {
            let of_part = |w: &&Weighed| w.clue.part == *part;
            let sum: f64 = all.iter().filter(of_part).map(|w| w.weight).sum();
            if sum.abs() > *cap {
                let share = cap / sum.abs();
                all.iter_mut().filter(|w| w.clue.part == *part).for_each(|w| w.weight *= share);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/lexicon/fusion.toml"));

    fn table(kinds: &str) -> Result<Fusion, FusionError> {
        Fusion::parse(&format!("[caps]\ncodes = 1.5\nseller = 1.0\n{kinds}"))
    }

    fn kind(id: &str, weight: &str) -> String {
        format!(
            "[[kind]]\npart = \"codes\"\nid = \"{id}\"\nweight = {weight}\nbasis = \"prior\"\n\
             why = \"because\"\nreason_vi = \"vì\"\nreason_en = \"since\"\n"
        )
    }

    fn clue(kind: &'static str) -> Clue {
        Clue::new(Part::Codes, kind, "gtin".into())
    }

    #[test]
    fn a_clue_weighs_its_share_and_a_part_never_more_than_its_cap() {
        let fusion = table(&format!("{}{}", kind("a", "1.0"), kind("b", "2.0"))).unwrap();
        let weights = |clues: Vec<Clue>| -> Vec<f64> {
            fusion.weigh(clues).iter().map(|w| w.weight).collect()
        };
        assert_eq!(weights(vec![clue("a").strength(0.25)]), [0.25]);
        assert_eq!(weights(vec![clue("a"), clue("b")]), [0.5, 1.0]);
        assert_eq!(weights(vec![clue("a").strength(7.0)]), [1.0]);
        assert_eq!(weights(vec![clue("a").strength(f64::NAN)]), [0.0]);
        assert!(weights(vec![clue("unheard_of")]).is_empty());
    }

    #[test]
    fn a_clue_with_more_to_say_says_it() {
        let fusion = table(&kind("a", "1.0")).unwrap();
        let own = Reason { vi: "3 tin".to_owned(), en: "3 listings".to_owned() };
        let weighed = fusion.weigh([clue("a"), clue("a").reason(own)]);
        assert_eq!(weighed[0].reason.en, "since");
        assert_eq!(weighed[1].reason.en, "3 listings");
    }

    #[test]
    fn a_bad_table_is_refused() {
        let error = |kinds: &str| table(kinds).unwrap_err().to_string();
        assert!(error(&kind("a", "9.0")).contains("within ±5"));
        assert!(error(&kind("a", "nan")).contains("within ±5"));
        assert!(error(&[kind("a", "1.0"), kind("a", "1.0")].concat()).contains("twice"));
        assert!(error(&kind("a", "1.0").replace("because", " ")).contains("want words"));
        assert!(error(&kind("a", "1.0").replace("codes", "image")).contains("no cap"));
        assert!(Fusion::parse("[caps]\ncodes = 0.0").unwrap_err().to_string().contains("above 0"));
    }

    #[test]
    fn the_shipped_table_is_good() {
        Fusion::parse(SHIPPED).unwrap();
    }
}
