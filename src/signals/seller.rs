//! What speaks for or against who offers the goods: his account, his other listings, his cases and
//! whom he is linked with.
//!
//! A careful seller writes nothing suspicious; his pattern gives him away. No clue feeds on the
//! score of the listing itself, nor on any score's seller part: the record counts the other
//! listings by what they say themselves.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::clue::Clue;
use super::knowledge::Knowledge;
use crate::domain::{LinkKind, Listing, Part, Reason, Seller};

/// What is known of a listing's seller beyond the listing, which is not counted in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SellerRecord {
    /// His other listings, at most 512.
    pub listings: u32,
    /// Those more likely counterfeit than not, the seller's part left out.
    pub suspects: u32,
    /// Those whose price could be judged, and of these the ones far below what is usual.
    pub priced: u32,
    pub cheap: u32,
    /// Brands that they claim, as names are compared; the most frequent.
    pub brands: Vec<String>,
    /// His confirmed cases, each counted by its age: see [`decay`].
    pub cases: f64,
    /// Other sellers with a near copy of this listing's text.
    pub copies: u32,
    pub links: Vec<SellerTie>,
}

/// Another seller with whom he has something in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SellerTie {
    pub kind: LinkKind,
    /// From 0 to 1.
    pub strength: f64,
    pub listings: u32,
    pub suspects: u32,
    /// As [`SellerRecord::cases`].
    pub cases: f64,
}

/// After so many days a confirmed case counts half.
const HALF_LIFE_DAYS: f64 = 365.0;

/// How much a case confirmed at `confirmed_at` counts at `now`: 1 at first, half after a year.
pub fn decay(confirmed_at: OffsetDateTime, now: OffsetDateTime) -> f64 {
    let days = (now - confirmed_at).as_seconds_f64() / 86_400.0;
    0.5_f64.powf(days.max(0.0) / HALF_LIFE_DAYS)
}

/// Below this strength a clue is not worth a line.
const LEAST: f64 = 0.02;
/// After so many days an account is half as new.
const NEW_DAYS: f64 = 60.0;
/// Ratings are taken for stars up to this many; another scale is unknown.
const STARS: f64 = 5.0;
/// Houses from which a new bag or pair of shoes costs at least this sell in shops of their own. VND.
const HOUSE: f64 = 8_000_000.0;

const Z: f64 = 1.96;

/// The Wilson score interval, 95 %, of a share seen in `n`.
fn wilson(share: f64, n: f64) -> (f64, f64) {
    if n < 1.0 {
        return (0.0, 1.0);
    }
    let share = share.clamp(0.0, 1.0);
    let scale = 1.0 + Z * Z / n;
    let middle = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The least that the share `count` of `n` may be: few say little.
fn at_least(count: u32, n: u32) -> f64 {
    wilson(f64::from(count) / f64::from(n.max(1)), f64::from(n)).0
}

/// The clues about the seller of `listing`; `record` is what is known of him beyond it.
pub(super) fn clues(
    listing: &Listing,
    record: Option<&SellerRecord>,
    knowledge: &Knowledge,
) -> Vec<Clue> {
    let mut found = Found(Vec::new());
    if let Some(seller) = listing.seller() {
        account(seller, listing.captured_at(), &mut found);
        ratings(seller, &mut found);
    }
    if let Some(record) = record {
        others(record, &mut found);
        houses(record, knowledge, &mut found);
        history(record, &mut found);
    }
    found.0
}

struct Found(Vec<Clue>);

impl Found {
    fn add(&mut self, kind: &'static str, strength: f64, vi: String, en: String) {
        if strength >= LEAST {
            let clue = Clue::new(Part::Seller, kind, "seller".into());
            self.0.push(clue.strength(strength).reason(Reason { vi, en }));
        }
    }
}

/// The older an account, the less it says against the seller; never more.
fn account(seller: &Seller, captured_at: Option<OffsetDateTime>, found: &mut Found) {
    let created =
        seller.created_at.as_deref().and_then(|t| OffsetDateTime::parse(t, &Rfc3339).ok());
    let Some((created, captured)) = created.zip(captured_at) else { return };
    let days = (captured - created).as_seconds_f64() / 86_400.0;
    if days < 0.0 {
        return;
    }
    let whole = days.floor();
    found.add(
        "seller_new_account",
        0.5_f64.powf(days / NEW_DAYS),
        format!("Tài khoản người bán mới mở {whole} ngày khi tin được thu thập"),
        format!("The seller's account was {whole} days old when the listing was collected"),
    );
    found.add(
        "seller_old_account",
        (days / 365.0 - 1.0) / 4.0,
        format!("Tài khoản người bán đã mở {:.1} năm", days / 365.0),
        format!("The seller's account is {:.1} years old", days / 365.0),
    );
}

fn ratings(seller: &Seller, found: &mut Found) {
    let Some((rating, count)) = seller.rating.zip(seller.rating_count) else { return };
    if !(1.0..=STARS).contains(&rating) {
        return;
    }
    // A count beyond 2^53 is as good as one of that.
    let (low, high) = wilson((rating - 1.0) / (STARS - 1.0), count as f64);
    found.add(
        "seller_well_rated",
        (low - 0.85) / 0.12,
        format!("Người bán được chấm {rating:.1}/5 qua {count} lượt"),
        format!("The seller is rated {rating:.1} of 5 by {count}"),
    );
    found.add(
        "seller_poorly_rated",
        (0.75 - high) / 0.5,
        format!("Người bán chỉ được chấm {rating:.1}/5 qua {count} lượt"),
        format!("The seller is rated only {rating:.1} of 5 by {count}"),
    );
}

/// What his other listings come to.
fn others(record: &SellerRecord, found: &mut Found) {
    let SellerRecord { listings, suspects, priced, cheap, .. } = record;
    found.add(
        "seller_suspect_share",
        at_least(*suspects, *listings),
        format!("{suspects} trong {listings} tin khác của người bán có dấu hiệu hàng giả"),
        format!("{suspects} of the seller's {listings} other listings look counterfeit"),
    );
    if *suspects == 0 {
        found.add(
            "seller_clean_record",
            1.0 - 4.0 * wilson(0.0, f64::from(*listings)).1,
            format!("Không tin nào trong {listings} tin khác của người bán có dấu hiệu hàng giả"),
            format!("None of the seller's {listings} other listings looks counterfeit"),
        );
    }
    found.add(
        "seller_cheap_share",
        at_least(*cheap, *priced),
        format!("{cheap} trong {priced} tin khác có giá thấp hẳn so với mức thường gặp"),
        format!("{cheap} of {priced} other listings are priced far below what is usual"),
    );
    let copies = f64::from(record.copies);
    found.add(
        "seller_copied_text",
        copies / (copies + 2.0),
        format!("Bài viết gần như trùng với bài của {copies} người bán khác"),
        format!("The text is nearly the same as that of {copies} other sellers"),
    );
}

/// No shop but a house's own has new goods of many houses.
fn houses(record: &SellerRecord, knowledge: &Knowledge, found: &mut Found) {
    let normalizer = knowledge.normalizer();
    let mut houses = BTreeSet::new();
    for brand in &record.brands {
        let text = normalizer.normalize(brand);
        let named = knowledge.brands().find(&text, &knowledge.word_ids(&text));
        houses.extend(named.first().map(|m| m.brand));
    }
    houses.retain(|brand| knowledge.brands().is_house(*brand, HOUSE));
    let count = houses.len();
    found.add(
        "seller_many_houses",
        // A handful at most sixteen.
        (count as f64 - 2.0) / 6.0,
        format!("Người bán còn bán hàng của {count} nhà mốt xa xỉ khác nhau"),
        format!("The seller also offers goods of {count} luxury houses"),
    );
}

/// His cases, and what is known of whom he is linked with.
fn history(record: &SellerRecord, found: &mut Found) {
    let of_cases = |cases: f64| 1.0 - 0.25_f64.powf(cases.max(0.0));
    found.add(
        "seller_confirmed_cases",
        of_cases(record.cases),
        "Người bán đã có vụ việc hàng giả được xác nhận".to_owned(),
        "Cases of counterfeits were confirmed against the seller".to_owned(),
    );
    // A seller linked in several ways counts once, in the strongest; several sellers count as the
    // worst of them, since one person's shops are no more than one person's.
    let worst = |strength: &dyn Fn(&SellerTie) -> f64| {
        let all = record.links.iter().map(|tie| (tie.strength * strength(tie), tie));
        all.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(strength, _)| *strength >= LEAST)
    };
    if let Some((strength, tie)) = worst(&|tie| of_cases(tie.cases)) {
        let (vi, en) = said(tie.kind);
        found.add(
            "seller_linked_cases",
            strength,
            format!("{vi} với người bán đã có vụ việc hàng giả được xác nhận"),
            format!("{en} a seller against whom cases of counterfeits were confirmed"),
        );
    }
    if let Some((strength, tie)) = worst(&|tie| at_least(tie.suspects, tie.listings)) {
        let (SellerTie { listings, suspects, .. }, (vi, en)) = (tie, said(tie.kind));
        found.add(
            "seller_linked_suspects",
            strength,
            format!("{vi} với người bán có {suspects} trong {listings} tin có dấu hiệu hàng giả"),
            format!("{en} a seller of whose {listings} listings {suspects} look counterfeit"),
        );
    }
}

/// How a link is put, up to the other seller.
fn said(kind: LinkKind) -> (&'static str, &'static str) {
    match kind {
        LinkKind::Phone => ("Dùng chung số điện thoại", "Shares a telephone number with"),
        LinkKind::Email => ("Dùng chung địa chỉ thư điện tử", "Shares an e-mail address with"),
        LinkKind::Facebook => ("Dùng chung trang Facebook", "Shares a Facebook page with"),
        LinkKind::Zalo => ("Dùng chung Zalo", "Shares a Zalo name with"),
        LinkKind::CopiedText => ("Bài viết gần như trùng", "Has nearly the same text as"),
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use std::path::Path;
    use std::sync::LazyLock;

    use super::*;
    use crate::domain::Limits;

    fn shipped() -> &'static Knowledge {
        static SHIPPED: LazyLock<Knowledge> = LazyLock::new(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            Knowledge::load(&root.join("datasets/lexicon")).unwrap()
        });
        &SHIPPED
    }

    fn listing(seller: &str) -> Listing {
        let json = format!(
            r#"{{"title":"Túi","captured_at":"2026-03-01T00:00:00Z","seller":{{{seller}}}}}"#
        );
        Listing::from_json(json.as_bytes(), &Limits::default()).unwrap()
    }

    fn strength(seller: &str, record: &SellerRecord, kind: &str) -> f64 {
        let found = clues(&listing(seller), Some(record), shipped());
        found.iter().find(|c| c.kind == kind).map_or(0.0, |c| c.strength)
    }

    fn none() -> SellerRecord {
        SellerRecord::default()
    }

    #[test]
    fn nothing_known_is_no_clue() {
        assert!(clues(&listing(""), None, shipped()).is_empty());
        assert!(clues(&listing(r#""id":"s""#), Some(&none()), shipped()).is_empty());
        // Not of a known scale, without a count, from the future.
        for seller in [
            r#""rating":97.0,"rating_count":1000"#,
            r#""rating":4.9"#,
            r#""rating":0.0,"rating_count":0"#,
            r#""created_at":"2027-01-01T00:00:00Z""#,
        ] {
            assert!(clues(&listing(seller), None, shipped()).is_empty(), "{seller}");
        }
    }

    #[test]
    fn an_older_account_is_never_more_suspicious() {
        let risk = |days: i64| {
            let at = OffsetDateTime::parse("2026-03-01T00:00:00Z", &Rfc3339).unwrap();
            let created = (at - Duration::days(days)).format(&Rfc3339).unwrap();
            let seller = format!(r#""created_at":"{created}""#);
            strength(&seller, &none(), "seller_new_account")
                - strength(&seller, &none(), "seller_old_account")
        };
        let ages = [0, 1, 30, 60, 200, 365, 500, 1000, 2000, 9000];
        for pair in ages.windows(2) {
            assert!(risk(pair[0]) >= risk(pair[1]), "{pair:?}");
        }
        assert!((risk(0) - 1.0).abs() < 1e-9 && (risk(60) - 0.5).abs() < 1e-9);
        assert!((risk(9000) + 1.0).abs() < 1e-9);
    }

    #[test]
    fn few_ratings_say_little_and_better_ones_never_harm() {
        let relief = |rating: f64, count: u64| {
            let seller = format!(r#""rating":{rating:?},"rating_count":{count}"#);
            strength(&seller, &none(), "seller_well_rated")
                - strength(&seller, &none(), "seller_poorly_rated")
        };
        assert!(relief(5.0, 3).abs() < 1e-9 && relief(1.0, 1).abs() < 1e-9);
        assert!(relief(5.0, 2000) > 0.9 && relief(2.0, 200) < -0.5);
        for count in [1, 10, 1000] {
            for pair in [1.0, 2.0, 3.0, 4.0, 4.5, 4.9, 5.0].windows(2) {
                assert!(relief(pair[0], count) <= relief(pair[1], count), "{pair:?} {count}");
            }
        }
    }

    #[test]
    fn shares_count_by_what_is_certain_of_them() {
        let of = |listings, suspects| {
            strength("", &SellerRecord { listings, suspects, ..none() }, "seller_suspect_share")
        };
        assert!(of(0, 0).abs() < 1e-9 && of(1, 1) < 0.25 && of(100, 100) > 0.9);
        assert!(of(100, 5) < 0.05 && of(10, 5) < of(100, 50));
        let clean =
            |listings| strength("", &SellerRecord { listings, ..none() }, "seller_clean_record");
        assert!(clean(5).abs() < 1e-9 && clean(50) > 0.5 && clean(512) > clean(50));
        let record = SellerRecord { priced: 20, cheap: 20, ..none() };
        assert!(strength("", &record, "seller_cheap_share") > 0.8);
    }

    #[test]
    fn a_case_counts_half_after_a_year() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(5000);
        assert!((decay(now, now) - 1.0).abs() < 1e-9);
        assert!((decay(now - Duration::days(365), now) - 0.5).abs() < 1e-9);
        assert!((decay(now - Duration::days(1095), now) - 0.125).abs() < 1e-9);
        assert!((decay(now + Duration::days(9), now) - 1.0).abs() < 1e-9);
        let of = |cases| strength("", &SellerRecord { cases, ..none() }, "seller_confirmed_cases");
        assert!(of(0.0).abs() < 1e-9 && (of(1.0) - 0.75).abs() < 1e-9 && of(0.125) < 0.2);
    }

    #[test]
    fn only_houses_with_shops_of_their_own_count() {
        let of = |brands: &[&str]| {
            let brands = brands.iter().map(|b| (*b).to_owned()).collect();
            strength("", &SellerRecord { brands, ..none() }, "seller_many_houses")
        };
        assert!(of(&["gucci", "dior"]).abs() < 1e-9);
        assert!(of(&["apple", "samsung", "sony", "dell", "nike", "casio", "tissot"]).abs() < 1e-9);
        let eight = [
            "gucci",
            "dior",
            "louis vuitton",
            "lv",
            "hermes",
            "chanel",
            "prada",
            "fendi",
            "celine",
        ];
        assert!((of(&eight) - 1.0).abs() < 1e-9);
        assert!((of(&["gucci", "gucci", "dior", "prada"]) - 1.0 / 6.0).abs() < 1e-9);
    }

    #[test]
    fn links_count_by_strength_and_by_whom_they_lead_to() {
        let tie = |strength, suspects, cases| SellerTie {
            kind: LinkKind::Phone,
            strength,
            listings: 40,
            suspects,
            cases,
        };
        let of =
            |links: Vec<SellerTie>, kind| strength("", &SellerRecord { links, ..none() }, kind);
        assert!(of(vec![tie(1.0, 0, 0.0)], "seller_linked_suspects").abs() < 1e-9);
        let one = of(vec![tie(1.0, 40, 1.0)], "seller_linked_suspects");
        assert!(one > 0.9);
        let many = vec![tie(1.0, 40, 1.0), tie(0.3, 40, 1.0), tie(1.0, 0, 0.0)];
        assert!((of(many, "seller_linked_suspects") - one).abs() < 1e-9);
        assert!(of(vec![tie(0.5, 40, 1.0)], "seller_linked_cases") < 0.4);
        let copied = SellerRecord { copies: 2, ..none() };
        assert!((strength("", &copied, "seller_copied_text") - 0.5).abs() < 1e-9);
    }
}
