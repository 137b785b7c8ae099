//! Near copies: texts that share most of their character 5-grams.

use std::collections::HashMap;

use crate::eval::fold_words;

/// Characters of one shingle.
const LENGTH: usize = 5;

/// Two texts, by index, and how alike they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) a: usize,
    pub(super) b: usize,
    /// Jaccard index of their shingles.
    pub(super) similarity: f64,
}

/// The shingles of many texts, ready to be joined.
#[derive(Debug)]
pub(super) struct Shingles {
    /// For each text its shingles as ranks, rarest first, each once.
    sets: Vec<Vec<u32>>,
}

/// The text as it is compared: folded, and every run of digits one `0`, so that another price,
/// size or telephone number makes no other text.
fn normal(text: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len());
    for c in fold_words(text).chars() {
        if c.is_numeric() {
            if out.last() != Some(&'0') {
                out.push('0');
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Five characters of 21 bits each; a shorter text is one shingle.
fn pack(chars: &[char]) -> u128 {
    chars.iter().fold(0, |packed, c| packed << 21 | u128::from(u32::from(*c)))
}

impl Shingles {
    pub(super) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let sets: Vec<Vec<u128>> = texts
            .into_iter()
            .map(|text| {
                let chars = normal(text);
                let mut set: Vec<u128> = if chars.len() < LENGTH {
                    (!chars.is_empty()).then(|| pack(&chars)).into_iter().collect()
                } else {
                    chars.windows(LENGTH).map(pack).collect()
                };
                set.sort_unstable();
                set.dedup();
                set
            })
            .collect();
        let mut counts: HashMap<u128, u32> = HashMap::new();
        for shingle in sets.iter().flatten() {
            *counts.entry(*shingle).or_insert(0) += 1;
        }
        let mut by_rarity: Vec<(u32, u128)> = counts.into_iter().map(|(s, n)| (n, s)).collect();
        by_rarity.sort_unstable();
        let rank: HashMap<u128, u32> =
            by_rarity.into_iter().zip(0..).map(|((_, shingle), rank)| (shingle, rank)).collect();
        let ranked = sets.into_iter().map(|set| {
            let mut set: Vec<u32> = set.iter().map(|s| rank[s]).collect();
            set.sort_unstable();
            set
        });
        Self { sets: ranked.collect() }
    }

    /// Every pair at least `threshold` alike (above 0) of which `wanted` is true; exact.
    ///
    /// Two sets with a Jaccard index of t share a shingle among the rarest (1 − t) of each, so
    /// only those are looked up (Chaudhuri et al. 2006, Bayardo et al. 2007).
    pub(super) fn pairs(&self, threshold: f64, wanted: impl Fn(usize, usize) -> bool) -> Vec<Pair> {
        let mut order: Vec<usize> =
            (0..self.sets.len()).filter(|i| !self.sets[*i].is_empty()).collect();
        order.sort_by_key(|i| (self.sets[*i].len(), *i));
        let mut index: HashMap<u32, Vec<usize>> = HashMap::new();
        let mut last_seen = vec![usize::MAX; self.sets.len()];
        let mut found = Vec::new();
        for x in order {
            let set = &self.sets[x];
            let least = threshold * set.len() as f64;
            let prefix = set.len() - (least - 1e-9).ceil() as usize + 1;
            for shingle in &set[..prefix.min(set.len())] {
                let entry = index.entry(*shingle).or_default();
                for y in entry.iter().copied() {
                    let seen = std::mem::replace(&mut last_seen[y], x) == x;
                    let long_enough = self.sets[y].len() as f64 >= least - 1e-9;
                    if seen || !long_enough || !wanted(x, y) {
                        continue;
                    }
                    let similarity = jaccard(set, &self.sets[y]);
                    if similarity >= threshold - 1e-9 {
                        found.push(Pair { a: x.min(y), b: x.max(y), similarity });
                    }
                }
                entry.push(x);
            }
        }
        found.sort_unstable_by_key(|p| (p.a, p.b));
        found
    }
}

/// |a ∩ b| / |a ∪ b| of two sorted sets.
fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                both += 1;
                i += 1;
                j += 1;
            }
        }
    }
    f64::from(both) / (a.len() + b.len() - both as usize) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_marks_digits_and_signs_do_not_count() {
        let s = Shingles::new(["Giày NIKE 42, giá 350k!!", "giay nike 7 - gia 1200k", "Áo thun"]);
        let pairs = s.pairs(0.9, |_, _| true);
        assert_eq!(pairs, [Pair { a: 0, b: 1, similarity: 1.0 }]);
    }

    #[test]
    fn similarity_is_the_share_of_common_shingles() {
        // abcde bcdef cdefg | bcdef cdefg defgh: two of four.
        let s = Shingles::new(["abcdefg", "bcdefgh", "", "ab", "AB"]);
        let pairs = s.pairs(0.5, |_, _| true);
        assert_eq!(pairs[0], Pair { a: 0, b: 1, similarity: 0.5 });
        assert_eq!(pairs[1], Pair { a: 3, b: 4, similarity: 1.0 });
        assert_eq!(pairs.len(), 2);
        assert_eq!(s.pairs(0.51, |_, _| true).len(), 1);
        assert!(s.pairs(0.1, |a, b| a.min(b) == 7).is_empty());
    }

    /// How well sketches, which the store finds near copies by, do on real listings, against the
    /// Jaccard index of all shingles; families are rows that were written from each other.
    #[test]
    fn sketches_find_the_near_copies_of_the_gold_set() {
        use std::collections::{BTreeSet, HashMap};
        use std::path::Path;

        use super::super::groups::text;
        use super::super::loader::read_file;
        use crate::preprocess::{Sketched, map_batch};

        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/gold/train.jsonl");
        let rows: Vec<_> = read_file(&file).unwrap().rows.into_iter().map(|(_, row)| row).collect();
        let texts: Vec<String> = rows.iter().map(text).collect();
        let sketches = map_batch(&texts, |text| Sketched::new([text.as_str()]));
        let long = |i: usize| sketches[i].as_ref().is_some_and(|s| s.sketch.shingles() >= 100);
        let mut bands: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut found = BTreeSet::new();
        for (i, sketched) in sketches.iter().enumerate().filter(|(i, _)| long(*i)) {
            let Some(sketched) = sketched else { continue };
            for band in sketched.bands {
                let there = bands.entry(band).or_default();
                for j in there.iter().copied() {
                    let other = sketches[j].as_ref().map(|s| s.sketch.similarity(&sketched.sketch));
                    if other.is_some_and(|similarity| similarity >= 0.7) {
                        found.insert((j, i));
                    }
                }
                there.push(i);
            }
        }
        let exact = Shingles::new(texts.iter().map(String::as_str));
        let exact = exact.pairs(0.6, |a, b| long(a) && long(b));
        let at = |least: f64| -> BTreeSet<(usize, usize)> {
            exact.iter().filter(|p| p.similarity >= least).map(|p| (p.a, p.b)).collect()
        };
        let missed = |least: f64| at(least).difference(&found).count();
        let wrong = found.difference(&at(0.6)).count();
        let stranger = |(a, b): &&(usize, usize)| rows[*a].family != rows[*b].family;
        let strangers = found.iter().filter(stranger).count();
        assert!(at(0.8).len() > 20 && found.len() > 30, "{} {}", at(0.8).len(), found.len());
        assert!(missed(0.8) * 20 <= at(0.8).len(), "{} of {}", missed(0.8), at(0.8).len());
        assert!(missed(0.7) * 4 <= at(0.7).len(), "{} of {}", missed(0.7), at(0.7).len());
        assert!((wrong + strangers) * 20 <= found.len(), "{wrong} {strangers}");
        // The same listing by another account: other figures, emoji, no diacritics; then with a
        // word in sixteen another.
        let (mut same, mut changed, mut all) = (0, 0, 0);
        for (i, text) in texts.iter().enumerate().filter(|(i, _)| long(*i)) {
            let Some(sketched) = &sketches[i] else { continue };
            let dressed =
                format!("🔥🔥 {} 👉 0987.654.321 giá 99k", crate::preprocess::text::fold(text));
            let words = dressed.split(' ').enumerate();
            let words = words.map(|(at, word)| if at % 16 == 7 { "vâng" } else { word });
            let reworded = words.collect::<Vec<_>>().join(" ");
            let is_found = |text: &str| {
                let other = Sketched::new([text]);
                other.is_some_and(|other| {
                    let shared = other.bands.iter().zip(&sketched.bands).any(|(a, b)| a == b);
                    shared && other.sketch.similarity(&sketched.sketch) >= 0.7
                })
            };
            all += 1;
            same += usize::from(is_found(&dressed));
            changed += usize::from(is_found(&reworded));
        }
        assert!(all > 2_000 && same == all && changed * 20 >= all * 19, "{all} {same} {changed}");
    }

    proptest! {
        #[test]
        fn the_join_finds_what_all_against_all_finds(
            texts in prop::collection::vec("[ab ]{0,14}", 0..14),
            threshold in 0.05_f64..1.0,
        ) {
            let s = Shingles::new(texts.iter().map(String::as_str));
            let mut all = Vec::new();
            for a in 0..texts.len() {
                for b in a + 1..texts.len() {
                    if s.sets[a].is_empty() || s.sets[b].is_empty() {
                        continue;
                    }
                    let similarity = jaccard(&s.sets[a], &s.sets[b]);
                    if similarity >= threshold - 1e-9 {
                        all.push(Pair { a, b, similarity });
                    }
                }
            }
            prop_assert_eq!(s.pairs(threshold, |_, _| true), all);
        }
    }
}
