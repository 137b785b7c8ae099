use crate::domain::{Field, Listing};
use crate::preprocess::text::fold_char;

/// A country as listings name it.
#[derive(Debug)]
pub(super) struct Country {
    /// Two letters, ISO 3166.
    pub(super) code: &'static str,
    pub(super) vi: &'static str,
    pub(super) en: &'static str,
    /// Without diacritics, in lower case.
    names: &'static [&'static str],
}

/// Where a listing says that its goods come from.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) field: Field,
    /// First character of the claim in the field.
    pub(super) start: usize,
    /// The seller's words.
    pub(super) text: String,
    pub(super) country: &'static Country,
}

const fn country(
    code: &'static str,
    vi: &'static str,
    en: &'static str,
    names: &'static [&'static str],
) -> Country {
    Country { code, vi, en, names }
}

/// Those that sellers name; longer names before shorter ones that they begin with.
const COUNTRIES: &[Country] = &[
    country("VN", "Việt Nam", "Viet Nam", &["viet nam", "vietnam"]),
    country("CN", "Trung Quốc", "China", &["trung quoc", "china", "p.r.c", "prc"]),
    country("JP", "Nhật Bản", "Japan", &["nhat ban", "nhat", "japan"]),
    country("KR", "Hàn Quốc", "Korea", &["han quoc", "south korea", "korea"]),
    country("TW", "Đài Loan", "Taiwan", &["dai loan", "taiwan"]),
    country("HK", "Hồng Kông", "Hong Kong", &["hong kong", "hongkong"]),
    country("TH", "Thái Lan", "Thailand", &["thai lan", "thailand"]),
    country("MY", "Malaysia", "Malaysia", &["malaysia"]),
    country("SG", "Singapore", "Singapore", &["singapore", "singapo"]),
    country("ID", "Indonesia", "Indonesia", &["indonesia"]),
    country("PH", "Philippines", "the Philippines", &["philippines", "philippin"]),
    country("KH", "Campuchia", "Cambodia", &["campuchia", "cambodia"]),
    country("LA", "Lào", "Laos", &["lao", "laos"]),
    country("IN", "Ấn Độ", "India", &["an do", "india"]),
    country("BD", "Bangladesh", "Bangladesh", &["bangladesh"]),
    country(
        "US",
        "Hoa Kỳ",
        "the United States",
        &["hoa ky", "my", "usa", "united states", "u.s.a"],
    ),
    country("CA", "Canada", "Canada", &["canada"]),
    country("MX", "Mexico", "Mexico", &["mexico"]),
    country(
        "GB",
        "Anh",
        "the United Kingdom",
        &["vuong quoc anh", "anh quoc", "anh", "united kingdom", "england", "uk"],
    ),
    country("FR", "Pháp", "France", &["phap", "france"]),
    country("DE", "Đức", "Germany", &["duc", "germany"]),
    country("IT", "Ý", "Italy", &["italia", "italy", "y"]),
    country("ES", "Tây Ban Nha", "Spain", &["tay ban nha", "spain"]),
    country("PT", "Bồ Đào Nha", "Portugal", &["bo dao nha", "portugal"]),
    country("CH", "Thụy Sĩ", "Switzerland", &["thuy si", "thuy sy", "switzerland", "swiss"]),
    country("AT", "Áo", "Austria", &["austria"]),
    country("NL", "Hà Lan", "the Netherlands", &["ha lan", "netherlands", "holland"]),
    country("BE", "Bỉ", "Belgium", &["belgium"]),
    country("DK", "Đan Mạch", "Denmark", &["dan mach", "denmark"]),
    country("SE", "Thụy Điển", "Sweden", &["thuy dien", "sweden"]),
    country("NO", "Na Uy", "Norway", &["na uy", "norway"]),
    country("FI", "Phần Lan", "Finland", &["phan lan", "finland"]),
    country("IE", "Ireland", "Ireland", &["ireland"]),
    country("PL", "Ba Lan", "Poland", &["ba lan", "poland"]),
    country("CZ", "Séc", "Czechia", &["cong hoa sec", "czech"]),
    country("RU", "Nga", "Russia", &["lien bang nga", "nga", "russia"]),
    country("TR", "Thổ Nhĩ Kỳ", "Türkiye", &["tho nhi ky", "turkey", "turkiye"]),
    country("AU", "Úc", "Australia", &["australia", "uc"]),
    country("NZ", "New Zealand", "New Zealand", &["new zealand", "newzealand"]),
    country("BR", "Brasil", "Brazil", &["brazil", "brasil"]),
    country("IL", "Israel", "Israel", &["israel"]),
    country("AE", "UAE", "the Emirates", &["uae", "dubai"]),
];

/// What stands before a country, folded.
const PHRASES: [&str; 6] =
    ["made in", "xuat xu", "san xuat tai", "san xuat o", "nhap khau tu", "product of"];
/// Words that may stand between.
const FILLERS: [&str; 4] = ["tu ", "tai ", "o ", "nuoc "];
/// Characters of one text that are looked at.
const LOOKED_AT: usize = 20_000;

/// The origin that a listing claims: in an attribute for it, else in its texts.
pub(super) fn claimed_origin(listing: &Listing) -> Option<Claim> {
    let of_attribute = listing.attributes().find_map(|(name, text)| {
        let (country, length) = is_origin_name(name).then(|| at_start(&folded(text)))??;
        let text = text.chars().take(length).collect();
        Some(Claim { field: format!("attributes.{name}").into(), start: 0, text, country })
    });
    let texts = [("title", Some(listing.title())), ("description", listing.description())];
    of_attribute.or_else(|| texts.into_iter().find_map(|(name, text)| in_text(name, text?)))
}

/// Whether an attribute of this name says where goods were made; where a brand is from is another
/// matter.
fn is_origin_name(name: &str) -> bool {
    let name: String = folded(name).into_iter().collect();
    let origin =
        ["xuat xu", "made in", "origin", "nuoc san xuat", "noi san xuat", "quoc gia san xuat"];
    origin.iter().any(|o| name.contains(o))
        && !["thuong hieu", "brand"].iter().any(|b| name.contains(b))
}

/// One folded character for each of the text's.
fn folded(text: &str) -> Vec<char> {
    let lower = |c: char| fold_char(c).to_lowercase().next().unwrap_or(c);
    text.chars().take(LOOKED_AT).map(|c| fold_char(lower(c))).collect()
}

fn in_text(name: &'static str, text: &str) -> Option<Claim> {
    let chars = folded(text);
    let starts_with = |at: usize, what: &str| {
        let mut rest = chars.get(at..).unwrap_or_default().iter();
        what.chars().all(|c| rest.next() == Some(&c))
    };
    (0..chars.len()).find_map(|start| {
        let phrase = PHRASES.iter().find(|phrase| starts_with(start, phrase))?;
        let boundary = start == 0 || !chars[start - 1].is_alphanumeric();
        let mut at = start + phrase.chars().count();
        let skip = |at: usize| {
            let rest = chars.get(at..).unwrap_or_default();
            at + rest
                .iter()
                .take(8)
                .take_while(|c| matches!(c, ' ' | ':' | '-' | '.' | '\n'))
                .count()
        };
        at = skip(at);
        if let Some(filler) = FILLERS.iter().find(|filler| starts_with(at, filler)) {
            at = skip(at + filler.chars().count());
        }
        let (country, length) = at_start(chars.get(at..)?)?;
        boundary.then(|| Claim {
            field: name.into(),
            start,
            text: text.chars().skip(start).take(at + length - start).collect(),
            country,
        })
    })
}

/// The country that folded characters begin with, and how many they are.
fn at_start(chars: &[char]) -> Option<(&'static Country, usize)> {
    let blanks = chars.iter().take_while(|c| **c == ' ').count();
    let rest = &chars[blanks..];
    let fits = |name: &&&str| {
        let mut ours = rest.iter();
        let same = name.chars().all(|c| ours.next() == Some(&c));
        same && ours.next().is_none_or(|c| !c.is_alphanumeric())
    };
    // Words that only begin like a country: cosmetics, "anh chị", "y tế".
    let other = ["my pham", "my nghe", "anh chi", "anh em", "y te", "y khoa"];
    if other.iter().any(|word| fits(&word)) {
        return None;
    }
    COUNTRIES.iter().find_map(|country| {
        let name = country.names.iter().find(fits)?;
        Some((country, blanks + name.chars().count()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Limits;

    fn claim(json: &str) -> Option<(String, &'static str, usize)> {
        let listing = Listing::from_json(json.as_bytes(), &Limits::default()).unwrap();
        claimed_origin(&listing).map(|c| (c.text, c.country.code, c.start))
    }

    #[test]
    fn an_origin_is_read_where_it_is_claimed() {
        for (json, want) in [
            (r#"{"title":"Nước hoa xuất xứ Pháp 50ml"}"#, ("xuất xứ Pháp", "FR", 9)),
            (r#"{"title":"Serum MADE IN JAPAN."}"#, ("MADE IN JAPAN", "JP", 6)),
            (
                r#"{"title":"a","description":"Xuất xứ: từ Hàn Quốc\n"}"#,
                ("Xuất xứ: từ Hàn Quốc", "KR", 0),
            ),
            (r#"{"title":"a","attributes":{"Xuất xứ":"Mỹ (USA)"}}"#, ("Mỹ", "US", 0)),
            (r#"{"title":"a","attributes":{"Nơi sản xuất":"Việt Nam"}}"#, ("Việt Nam", "VN", 0)),
        ] {
            assert_eq!(claim(json), Some((want.0.to_owned(), want.1, want.2)), "{json}");
        }
        for json in [
            r#"{"title":"Xuất xứ rõ ràng, anh chị yên tâm"}"#,
            r#"{"title":"xuất xứ Mỹ phẩm"}"#,
            r#"{"title":"homemade in love"}"#,
            r#"{"title":"a","attributes":{"Xuất xứ thương hiệu":"Pháp"}}"#,
        ] {
            assert_eq!(claim(json), None, "{json}");
        }
    }
}
