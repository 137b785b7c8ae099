use std::fmt;
use std::str::FromStr;

use crate::domain::{Band, LegalClass, Part, Reason, Role, Tier};

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lang {
    #[default]
    Vi,
    En,
}

impl Lang {
    pub(super) fn as_str(self) -> &'static str {
        self.pick("vi", "en")
    }

    pub(super) fn pick<T>(self, vi: T, en: T) -> T {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }

    pub(super) fn reason(self, reason: &Reason) -> &str {
        self.pick(&reason.vi, &reason.en)
    }

    pub(super) fn band(self, band: Band) -> &'static str {
        match band {
            Band::High => self.pick("Cao", "High"),
            Band::Review => self.pick("Cần xem", "Review"),
            Band::Low => self.pick("Thấp", "Low"),
        }
    }

    pub(super) fn part(self, part: Part) -> &'static str {
        match part {
            Part::Text => self.pick("Chữ", "Text"),
            Part::Image => self.pick("Ảnh", "Images"),
            Part::Price => self.pick("Giá", "Price"),
            Part::Seller => self.pick("Người bán", "Seller"),
            Part::Codes => self.pick("Mã hàng", "Codes"),
        }
    }

    pub(super) fn legal_class(self, class: LegalClass) -> &'static str {
        match class {
            LegalClass::CounterfeitMark => self.pick("Giả mạo nhãn hiệu", "Counterfeit trade mark"),
            LegalClass::CounterfeitQuality => {
                self.pick("Giả về giá trị sử dụng, công dụng", "Counterfeit quality or use")
            }
            LegalClass::CounterfeitLabel => {
                self.pick("Giả nhãn, tem, bao bì", "Counterfeit label, stamp or packaging")
            }
            LegalClass::OriginUnclear => self.pick(
                "Không rõ nguồn gốc, xuất xứ (tự nó chưa phải là hàng giả)",
                "Origin unclear (not counterfeit by that alone)",
            ),
            LegalClass::None => self.pick("Không có", "None"),
        }
    }

    pub(super) fn role(self, role: Role) -> &'static str {
        match role {
            Role::Crawler => self.pick("máy thu thập", "crawler"),
            Role::Analyst => self.pick("cán bộ phân tích", "analyst"),
            Role::Supervisor => self.pick("lãnh đạo", "supervisor"),
            Role::Scientist => self.pick("kỹ sư dữ liệu", "scientist"),
            Role::Partner => self.pick("cơ quan phối hợp", "partner"),
            Role::Admin => self.pick("quản trị", "admin"),
        }
    }

    pub(super) fn tier(self, tier: Tier) -> &'static str {
        match tier {
            Tier::Fast => self.pick("nhanh", "fast"),
            Tier::Full => self.pick("đầy đủ", "full"),
        }
    }

    /// A field's name as evidence has it, for people.
    pub(super) fn field(self, field: &str) -> String {
        let name = match field {
            "title" => self.pick("Tiêu đề", "Title"),
            "description" => self.pick("Mô tả", "Description"),
            "brand" => self.pick("Nhãn hiệu", "Brand"),
            "category" => self.pick("Danh mục", "Category"),
            "price" => self.pick("Giá", "Price"),
            "gtin" => self.pick("Mã vạch (GTIN)", "Bar code (GTIN)"),
            other => other.strip_prefix("attributes.").unwrap_or(other),
        };
        name.to_owned()
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lang {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "vi" => Ok(Self::Vi),
            "en" => Ok(Self::En),
            _ => Err(()),
        }
    }
}
