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
