use super::Row;
use super::groups::{Groups, NEAR_COPY};
use crate::eval::Sample;

/// The rows as `eval` wants them: groups as in a split, and as slices the row's own, its
/// category, platform and language, and whether it has a description and a price.
pub fn samples(rows: &[Row]) -> Vec<Sample> {
    let groups = Groups::new(rows, NEAR_COPY);
    rows.iter().zip(groups.of).map(|(row, group)| sample(row, group)).collect()
}

fn sample(row: &Row, group: usize) -> Sample {
    let listing = &row.listing;
    let present = |yes: bool| if yes { "yes" } else { "no" };
    let description = listing.description.as_deref().unwrap_or_default().trim();
    let mut slices = vec![
        row.slice.clone(),
        format!("category:{}", row.category_prefix()),
        format!("lang:{}", row.lang.as_str()),
        format!("description:{}", present(!description.is_empty())),
        format!("price:{}", present(listing.price.is_some())),
    ];
    if let Some(platform) = listing.platform.as_deref().filter(|p| !p.trim().is_empty()) {
        slices.push(format!("platform:{}", platform.trim().to_lowercase()));
    }
    let price = listing.price.as_ref().and_then(|price| {
        let currency = price.currency.as_deref().unwrap_or("VND");
        Some(format!("{} {currency}", thousands(price.amount?)))
    });
    Sample {
        id: row.id.clone(),
        label: row.label,
        group,
        slices,
        title: listing.title.clone().unwrap_or_default(),
        description: (!description.is_empty()).then(|| description.to_owned()),
        price,
        why: row.why.clone(),
    }
}

/// `1250000` → `1.250.000`, as prices are written in Vietnam.
fn thousands(amount: f64) -> String {
    let digits = format!("{amount:.0}");
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing::row;
    use super::*;
    use crate::domain::Money;

    #[test]
    fn a_sample_knows_its_slices() {
        let mut row = row("shoes-1", "s", "f", "Giày");
        row.listing.platform = Some("Shopee".into());
        row.listing.price = Some(Money { amount: Some(1_250_000.0), currency: None });
        let got = &samples(&[row])[0];
        let want = [
            "plain_genuine",
            "category:shoes",
            "lang:vi",
            "description:no",
            "price:yes",
            "platform:shopee",
        ];
        assert_eq!(got.slices, want);
        assert_eq!(got.price.as_deref(), Some("1.250.000 VND"));
        assert_eq!([thousands(0.0), thousands(999.0), thousands(1000.0)], ["0", "999", "1.000"]);
    }
}
