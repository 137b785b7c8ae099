use serde::Serialize;

use super::lang::Lang;
use super::visit::{Visit, encoded, with_query};
use crate::domain::Band;
use crate::http::error::{Code, Problem};
use crate::store::SuspectFilter;

/// Longest text of a filter, in bytes.
const FILTER_BYTES: usize = 512;

/// What the list is narrowed to, as it stands in the address.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    band: Option<Band>,
    platform: Option<String>,
    province: Option<String>,
    brand: Option<String>,
}

/// The filter for the form.
#[derive(Debug, Serialize)]
pub(super) struct FilterForm {
    bands: Vec<BandChoice>,
    platform: String,
    province: String,
    brand: String,
    active: bool,
}

#[derive(Debug, Serialize)]
struct BandChoice {
    value: &'static str,
    name: &'static str,
    chosen: bool,
}

impl Filter {
    pub(super) fn of(visit: &Visit) -> Result<Self, Problem> {
        let band = visit.param("band").map(str::parse).transpose();
        let band = band.map_err(|_| Problem::new(Code::InvalidQuery, "unknown band").at("band"))?;
        let name = |name: &'static str| match visit.param(name) {
            Some(text) if text.len() > FILTER_BYTES => {
                Err(Problem::new(Code::InvalidQuery, "too long").at(name))
            }
            text => Ok(text.map(|t| t.trim().to_owned())),
        };
        Ok(Self {
            band,
            platform: name("platform")?,
            province: name("province")?,
            brand: name("brand")?,
        })
    }

    /// For the store; the asker's scope is put in by `flow`.
    pub(super) fn for_store(&self) -> SuspectFilter {
        let Self { band, platform, province, brand } = self.clone();
        SuspectFilter { band, platform, province, brand, scope: Vec::new() }
    }

    pub(super) fn form(&self, lang: Lang) -> FilterForm {
        let bands = [Band::High, Band::Review, Band::Low].map(|band| BandChoice {
            value: band.as_str(),
            name: lang.band(band),
            chosen: self.band == Some(band),
        });
        // As it was typed, so that sending the form again asks the same.
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        FilterForm {
            bands: bands.into(),
            platform: text(&self.platform),
            province: text(&self.province),
            brand: text(&self.brand),
            active: self.pairs().next().is_some(),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        [
            ("band", self.band.map(Band::as_str)),
            ("platform", self.platform.as_deref()),
            ("province", self.province.as_deref()),
            ("brand", self.brand.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    /// The queue under this filter, from `cursor` on.
    pub(super) fn queue(&self, cursor: Option<&str>) -> String {
        with_query("/console/", self.pairs().chain(cursor.map(|c| ("cursor", c))))
    }

    /// The queue under this filter, narrowed further or otherwise.
    pub(super) fn queue_with(&self, name: &str, value: &str) -> String {
        let others = self.pairs().filter(|(n, _)| *n != name);
        with_query("/console/", others.chain([(name, value)]))
    }

    /// A listing's page, from which the way back leads to this filter.
    pub(super) fn listing(&self, id: &str) -> String {
        with_query(&format!("/console/listings/{}", encoded(id)), self.pairs())
    }
}
