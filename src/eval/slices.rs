use std::collections::BTreeMap;

/// One labelled listing, as far as the evaluation needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    pub id: String,
    pub label: bool,
    /// Rows of one group are resampled together; any numbers.
    pub group: usize,
    /// The slices that the row belongs to, such as `open_terms` and `platform:shopee`.
    pub slices: Vec<String>,
    /// What the error list shows.
    pub title: String,
    pub description: Option<String>,
    pub price: Option<String>,
    pub why: String,
}

/// Rows that are measured together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Population {
    /// Empty for the whole.
    pub(super) name: String,
    /// The slice's own rows.
    pub(super) own: Vec<usize>,
    /// The rows for rank metrics: its own, and where these have one label only, all rows of the
    /// other label.
    pub(super) ranked: Vec<usize>,
    pub(super) one_label: bool,
}

/// The whole dataset first, then the slices by name.
pub(super) fn populations(samples: &[Sample]) -> Vec<Population> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, sample) in samples.iter().enumerate() {
        for name in &sample.slices {
            by_name.entry(name).or_default().push(row);
        }
    }
    let all: Vec<usize> = (0..samples.len()).collect();
    let whole = Population { name: String::new(), own: all.clone(), ranked: all, one_label: false };
    let slices = by_name.into_iter().map(|(name, own)| {
        let positives = own.iter().filter(|r| samples[**r].label).count();
        let one_label = positives == 0 || positives == own.len();
        let mut ranked = own.clone();
        if one_label {
            let other = positives == 0;
            ranked.extend((0..samples.len()).filter(|r| samples[*r].label == other));
        }
        Population { name: name.to_owned(), own, ranked, one_label }
    });
    std::iter::once(whole).chain(slices).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_one_label_is_ranked_against_the_other() {
        let sample = |label, slices: &[&str]| Sample {
            label,
            slices: slices.iter().map(|s| (*s).to_owned()).collect(),
            ..Sample::default()
        };
        let samples = [
            sample(true, &["open", "shop:a"]),
            sample(true, &["hint"]),
            sample(false, &["plain", "shop:a"]),
            sample(false, &["plain"]),
        ];
        let got = populations(&samples);
        let names: Vec<_> = got.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["", "hint", "open", "plain", "shop:a"]);
        assert_eq!((&*got[1].own, &*got[1].ranked), (&[1][..], &[1, 2, 3][..]));
        assert_eq!((&*got[3].own, &*got[3].ranked), (&[2, 3][..], &[2, 3, 0, 1][..]));
        assert_eq!((&*got[4].own, &*got[4].ranked), (&[0, 2][..], &[0, 2][..]));
        assert_eq!(
            got.iter().map(|p| p.one_label).collect::<Vec<_>>(),
            [false, true, true, true, false]
        );
    }
}
