use std::collections::HashMap;

use super::Row;
use super::shingles::Shingles;

/// Share of common character 5-grams from which two listings are near copies.
pub const NEAR_COPY: f64 = 0.5;

/// Rows that belong together: connected through a seller, a family, or near copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The group of each row, counted from 0 in order of appearance.
    pub of: Vec<usize>,
    pub count: usize,
}

impl Groups {
    /// The connected components of `rows` over seller id, family and near copies of title and
    /// description (Jaccard index of at least `similarity`, above 0).
    pub fn new(rows: &[Row], similarity: f64) -> Self {
        let mut sets = DisjointSets::new(rows.len());
        let mut first: HashMap<(u8, &str), usize> = HashMap::new();
        for (i, row) in rows.iter().enumerate() {
            let keys = [Some((0, row.family.as_str())), row.seller_id().map(|id| (1, id))];
            for key in keys.into_iter().flatten() {
                sets.join(*first.entry(key).or_insert(i), i);
            }
        }
        let texts: Vec<String> = rows.iter().map(text).collect();
        let shingles = Shingles::new(texts.iter().map(String::as_str));
        for pair in shingles.pairs(similarity, |_, _| true) {
            sets.join(pair.a, pair.b);
        }
        let mut numbers = HashMap::new();
        let of = (0..rows.len())
            .map(|i| {
                let next = numbers.len();
                *numbers.entry(sets.root(i)).or_insert(next)
            })
            .collect();
        Self { of, count: numbers.len() }
    }
}

/// What near copies are looked for in.
pub(super) fn text(row: &Row) -> String {
    let title = row.listing.title.as_deref().unwrap_or_default();
    format!("{title} {}", row.listing.description.as_deref().unwrap_or_default())
}

#[derive(Debug)]
struct DisjointSets(Vec<usize>);

impl DisjointSets {
    fn new(n: usize) -> Self {
        Self((0..n).collect())
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::row;
    use super::*;

    #[test]
    fn groups_connect_through_seller_family_and_text() {
        let rows = [
            row("a-1", "s1", "f1", "giày thể thao trắng cổ thấp"),
            row("a-2", "s1", "f2", "áo khoác gió mùa đông"),
            row("a-3", "s2", "f2", "nồi cơm điện tử"),
            row("a-4", "s3", "f3", "NỒI CƠM ĐIỆN TỬ!"),
            row("a-5", "s4", "f4", "kem chống nắng dịu nhẹ"),
        ];
        assert_eq!(Groups::new(&rows, NEAR_COPY).of, [0, 0, 0, 0, 1]);
        let apart = [&rows[0], &rows[3], &rows[4]].map(Clone::clone);
        assert_eq!(Groups::new(&apart, NEAR_COPY), Groups { of: vec![0, 1, 2], count: 3 });
    }

    #[test]
    fn a_family_named_like_a_seller_is_not_that_seller() {
        let rows = [row("a-1", "x", "f1", "giày thể thao"), row("a-2", "y", "x", "áo khoác gió")];
        assert_eq!(Groups::new(&rows, NEAR_COPY).count, 2);
    }
}
