//! Who issues which numbers.
//!
//! Source: GS1's list of company prefixes (<https://www.gs1.org/standards/id-keys/company-prefix>),
//! as of the end of 2025, with the prefixes of new member organisations after it. A prefix names the
//! organisation that issued a number: a company may be a member anywhere, and make its goods
//! elsewhere.

use crate::domain::Gtin;

/// What a GS1 prefix says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// A member organisation: its name, and the countries that it is for (ISO 3166).
    Member {
        name: &'static str,
        countries: &'static [&'static str],
    },
    /// GS1's own office.
    Global,
    /// For use inside a shop or a region, not for goods on sale to all.
    Restricted,
    Coupon,
    /// A number made from an ISSN.
    Serial,
    /// A number made from an ISBN.
    Book,
    /// In no list that this program knows.
    Unassigned,
}

const fn of(name: &'static str, countries: &'static [&'static str]) -> Issuer {
    Issuer::Member { name, countries }
}

/// First and last prefix, in order; what is not here is not assigned.
const PREFIXES: &[(u16, u16, Issuer)] = &[
    (0, 19, of("GS1 US", &["US"])),
    (20, 29, Issuer::Restricted),
    (30, 39, of("GS1 US", &["US"])),
    (40, 49, Issuer::Restricted),
    (50, 59, Issuer::Coupon),
    (60, 139, of("GS1 US", &["US"])),
    (200, 299, Issuer::Restricted),
    (300, 379, of("GS1 France", &["FR", "MC"])),
    (380, 380, of("GS1 Bulgaria", &["BG"])),
    (381, 381, of("GS1 Kosovo", &["XK"])),
    (383, 383, of("GS1 Slovenija", &["SI"])),
    (385, 385, of("GS1 Croatia", &["HR"])),
    (387, 387, of("GS1 BIH", &["BA"])),
    (389, 389, of("GS1 Montenegro", &["ME"])),
    (390, 390, of("GS1 Kosovo", &["XK"])),
    (400, 440, of("GS1 Germany", &["DE"])),
    (450, 459, of("GS1 Japan", &["JP"])),
    (460, 469, of("GS1 Russia", &["RU"])),
    (470, 470, of("GS1 Kyrgyzstan", &["KG"])),
    (471, 471, of("GS1 Chinese Taipei", &["TW"])),
    (474, 474, of("GS1 Estonia", &["EE"])),
    (475, 475, of("GS1 Latvia", &["LV"])),
    (476, 476, of("GS1 Azerbaijan", &["AZ"])),
    (477, 477, of("GS1 Lithuania", &["LT"])),
    (478, 478, of("GS1 Uzbekistan", &["UZ"])),
    (479, 479, of("GS1 Sri Lanka", &["LK"])),
    (480, 480, of("GS1 Philippines", &["PH"])),
    (481, 481, of("GS1 Belarus", &["BY"])),
    (482, 482, of("GS1 Ukraine", &["UA"])),
    (483, 483, of("GS1 Turkmenistan", &["TM"])),
    (484, 484, of("GS1 Moldova", &["MD"])),
    (485, 485, of("GS1 Armenia", &["AM"])),
    (486, 486, of("GS1 Georgia", &["GE"])),
    (487, 487, of("GS1 Kazakhstan", &["KZ"])),
    (488, 488, of("GS1 Tajikistan", &["TJ"])),
    (489, 489, of("GS1 Hong Kong, China", &["HK"])),
    (490, 499, of("GS1 Japan", &["JP"])),
    (500, 509, of("GS1 UK", &["GB"])),
    (520, 521, of("GS1 Greece", &["GR"])),
    (528, 528, of("GS1 Lebanon", &["LB"])),
    (529, 529, of("GS1 Cyprus", &["CY"])),
    (530, 530, of("GS1 Albania", &["AL"])),
    (531, 531, of("GS1 North Macedonia", &["MK"])),
    (535, 535, of("GS1 Malta", &["MT"])),
    (539, 539, of("GS1 Ireland", &["IE"])),
    (540, 549, of("GS1 Belgium & Luxembourg", &["BE", "LU"])),
    (560, 560, of("GS1 Portugal", &["PT"])),
    (569, 569, of("GS1 Iceland", &["IS"])),
    (570, 579, of("GS1 Denmark", &["DK", "FO", "GL"])),
    (590, 590, of("GS1 Poland", &["PL"])),
    (594, 594, of("GS1 Romania", &["RO"])),
    (599, 599, of("GS1 Hungary", &["HU"])),
    (600, 601, of("GS1 South Africa", &["ZA"])),
    (602, 602, of("GS1 Benin", &["BJ"])),
    (603, 603, of("GS1 Ghana", &["GH"])),
    (604, 604, of("GS1 Senegal", &["SN"])),
    (605, 605, of("GS1 Uganda", &["UG"])),
    (606, 606, of("GS1 Angola", &["AO"])),
    (607, 607, of("GS1 Oman", &["OM"])),
    (608, 608, of("GS1 Bahrain", &["BH"])),
    (609, 609, of("GS1 Mauritius", &["MU"])),
    (611, 611, of("GS1 Morocco", &["MA"])),
    (612, 612, of("GS1 Somalia", &["SO"])),
    (613, 613, of("GS1 Algeria", &["DZ"])),
    (615, 615, of("GS1 Nigeria", &["NG"])),
    (616, 616, of("GS1 Kenya", &["KE"])),
    (617, 617, of("GS1 Cameroon", &["CM"])),
    (618, 618, of("GS1 Côte d'Ivoire", &["CI"])),
    (619, 619, of("GS1 Tunisia", &["TN"])),
    (620, 620, of("GS1 Tanzania", &["TZ"])),
    (621, 621, of("GS1 Syria", &["SY"])),
    (622, 622, of("GS1 Egypt", &["EG"])),
    (624, 624, of("GS1 Libya", &["LY"])),
    (625, 625, of("GS1 Jordan", &["JO"])),
    (626, 626, of("GS1 Iran", &["IR"])),
    (627, 627, of("GS1 Kuwait", &["KW"])),
    (628, 628, of("GS1 Saudi Arabia", &["SA"])),
    (629, 629, of("GS1 UAE", &["AE"])),
    (630, 630, of("GS1 Qatar", &["QA"])),
    (631, 631, of("GS1 Namibia", &["NA"])),
    (632, 632, of("GS1 Rwanda", &["RW"])),
    (640, 649, of("GS1 Finland", &["FI"])),
    (680, 681, of("GS1 China", &["CN"])),
    (690, 699, of("GS1 China", &["CN"])),
    (700, 709, of("GS1 Norway", &["NO"])),
    (729, 729, of("GS1 Israel", &["IL"])),
    (730, 739, of("GS1 Sweden", &["SE"])),
    (740, 740, of("GS1 Guatemala", &["GT"])),
    (741, 741, of("GS1 El Salvador", &["SV"])),
    (742, 742, of("GS1 Honduras", &["HN"])),
    (743, 743, of("GS1 Nicaragua", &["NI"])),
    (744, 744, of("GS1 Costa Rica", &["CR"])),
    (745, 745, of("GS1 Panama", &["PA"])),
    (746, 746, of("GS1 República Dominicana", &["DO"])),
    (750, 750, of("GS1 Mexico", &["MX"])),
    (754, 755, of("GS1 Canada", &["CA"])),
    (758, 759, of("GS1 Venezuela", &["VE"])),
    (760, 769, of("GS1 Switzerland", &["CH", "LI"])),
    (770, 771, of("GS1 Colombia", &["CO"])),
    (773, 773, of("GS1 Uruguay", &["UY"])),
    (775, 775, of("GS1 Peru", &["PE"])),
    (777, 777, of("GS1 Bolivia", &["BO"])),
    (778, 779, of("GS1 Argentina", &["AR"])),
    (780, 780, of("GS1 Chile", &["CL"])),
    (784, 784, of("GS1 Paraguay", &["PY"])),
    (786, 786, of("GS1 Ecuador", &["EC"])),
    (789, 790, of("GS1 Brasil", &["BR"])),
    (800, 839, of("GS1 Italy", &["IT", "SM", "VA"])),
    (840, 849, of("GS1 Spain", &["ES", "AD"])),
    (850, 850, of("GS1 Cuba", &["CU"])),
    (858, 858, of("GS1 Slovakia", &["SK"])),
    (859, 859, of("GS1 Czech Republic", &["CZ"])),
    (860, 860, of("GS1 Serbia", &["RS"])),
    (865, 865, of("GS1 Mongolia", &["MN"])),
    (867, 867, of("GS1 DPR Korea", &["KP"])),
    (868, 869, of("GS1 Türkiye", &["TR"])),
    (870, 879, of("GS1 Netherlands", &["NL"])),
    (880, 881, of("GS1 Korea", &["KR"])),
    (883, 883, of("GS1 Myanmar", &["MM"])),
    (884, 884, of("GS1 Cambodia", &["KH"])),
    (885, 885, of("GS1 Thailand", &["TH"])),
    (887, 887, of("GS1 Laos", &["LA"])),
    (888, 888, of("GS1 Singapore", &["SG"])),
    (890, 890, of("GS1 India", &["IN"])),
    (893, 893, of("GS1 Vietnam", &["VN"])),
    (894, 894, of("GS1 Bangladesh", &["BD"])),
    (896, 896, of("GS1 Pakistan", &["PK"])),
    (899, 899, of("GS1 Indonesia", &["ID"])),
    (900, 919, of("GS1 Austria", &["AT"])),
    (930, 939, of("GS1 Australia", &["AU"])),
    (940, 949, of("GS1 New Zealand", &["NZ"])),
    (950, 952, Issuer::Global),
    (955, 955, of("GS1 Malaysia", &["MY"])),
    (958, 958, of("GS1 Macao, China", &["MO"])),
    (960, 969, Issuer::Global),
    (977, 977, Issuer::Serial),
    (978, 979, Issuer::Book),
    (980, 999, Issuer::Coupon),
];

/// Who issued `gtin`, by its prefix.
pub fn issuer(gtin: &Gtin) -> Issuer {
    let prefix = gtin.prefix();
    // Of the short numbers, those that begin with 0 or 2 are a company's own.
    if gtin.is_short() && matches!(prefix / 100, 0 | 2) {
        return Issuer::Restricted;
    }
    let at = PREFIXES.partition_point(|(_, last, _)| *last < prefix);
    match PREFIXES.get(at) {
        Some((first, _, issuer)) if *first <= prefix => *issuer,
        // The short numbers have blocks of their own between the members'.
        _ if gtin.is_short() => Issuer::Global,
        _ => Issuer::Unassigned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_check(body: &str) -> Gtin {
        (0..10).find_map(|d| Gtin::parse(&format!("{body}{d}")).ok()).unwrap()
    }

    #[test]
    fn ranges_are_in_order_and_apart() {
        for pair in PREFIXES.windows(2) {
            assert!(pair[0].1 < pair[1].0, "{pair:?}");
        }
        assert!(PREFIXES.iter().all(|(first, last, _)| first <= last && *last < 1000));
    }

    #[test]
    fn a_prefix_says_who_issued_the_number() {
        let name = |body: &str| {
            let issuer = issuer(&with_check(body));
            if let Issuer::Member { name, .. } = issuer {
                name.to_owned()
            } else {
                format!("{issuer:?}")
            }
        };
        for (body, want) in [
            ("893460248001", "GS1 Vietnam"),
            ("300000000001", "GS1 France"),
            ("379999999999", "GS1 France"),
            ("03600029145", "GS1 US"),
            ("1893460248001", "GS1 Vietnam"),
            ("200123456789", "Restricted"),
            ("21234567890", "Restricted"),
            ("41234567890", "Restricted"),
            ("51234567890", "Coupon"),
            ("990000000001", "Coupon"),
            ("977123456789", "Serial"),
            ("978604123456", "Book"),
            ("141234567890", "Unassigned"),
            ("800000000001", "GS1 Italy"),
            ("9638507", "Global"),
            ("2123456", "Restricted"),
            ("8934602", "GS1 Vietnam"),
        ] {
            assert_eq!(name(body), want, "{body}");
        }
    }
}
