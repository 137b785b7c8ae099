use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Uri, header};

use super::lang::Lang;
use super::session::SignedIn;
use crate::http::auth::is_local;

const LANG_COOKIE: &str = "thatgia_lang";

/// What a page has to know of the request for it.
#[derive(Debug, Clone)]
pub(in crate::http) struct Visit {
    pub(super) lang: Lang,
    /// Whether the language was chosen with this request, and is to be remembered.
    pub(super) lang_chosen: bool,
    path: String,
    query: Vec<(String, String)>,
    /// Whether it comes straight from this machine, where no TLS is needed.
    pub(super) local: bool,
    pub(super) session: Option<SignedIn>,
}

impl Visit {
    pub(super) fn new(uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Self {
        // A query that cannot be read is as good as none: a page is still a page.
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri).map_or(Vec::new(), |q| q.0);
        let asked = query.iter().find(|(n, _)| n == "lang").and_then(|(_, v)| v.parse().ok());
        let kept = cookie(headers, LANG_COOKIE).and_then(|v| v.parse().ok());
        Self {
            lang: asked.or(kept).unwrap_or_default(),
            lang_chosen: asked.is_some(),
            path: uri.path().to_owned(),
            query,
            local: is_local(extensions, headers),
            session: extensions.get::<SignedIn>().cloned(),
        }
    }

    /// A parameter of the query, unless it is empty or absent.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        found.filter(|v| !v.trim().is_empty())
    }

    /// This page in another language.
    pub(super) fn here_in(&self, lang: Lang) -> String {
        let others = self.query.iter().filter(|(n, _)| n != "lang");
        let others = others.map(|(n, v)| (n.as_str(), v.as_str()));
        with_query(&self.path, others.chain([("lang", lang.as_str())]))
    }

    /// The cookie that remembers the chosen language.
    pub(super) fn lang_cookie(&self) -> Option<String> {
        let lang = self.lang;
        self.lang_chosen.then(|| {
            format!(
                "{LANG_COOKIE}={lang}; Path=/console; Max-Age=31536000; HttpOnly; SameSite=Strict"
            )
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::new(&parts.uri, &parts.headers, &parts.extensions))
    }
}

/// The value of the first cookie of that name.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let pairs = lines.flat_map(|l| l.split(';')).filter_map(|p| p.trim().split_once('='));
    pairs.filter(|(n, _)| *n == name).map(|(_, v)| v).next()
}

/// A path with a query of these pairs.
pub(super) fn with_query<'a>(
    path: &str,
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut out = path.to_owned();
    for (i, (name, value)) in pairs.enumerate() {
        out.push(if i == 0 { '?' } else { '&' });
        out.push_str(&encoded(name));
        out.push('=');
        out.push_str(&encoded(value));
    }
    out
}

/// Percent-encoded, fit for one part of a path or a query.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(uri: &str, cookies: &[&str]) -> Visit {
        let mut headers = HeaderMap::new();
        for c in cookies {
            headers.append(header::COOKIE, c.parse().unwrap());
        }
        Visit::new(&uri.parse().unwrap(), &headers, &Extensions::new())
    }

    #[test]
    fn the_language_is_asked_for_then_remembered_then_vietnamese() {
        assert_eq!(visit("/console/", &[]).lang, Lang::Vi);
        assert_eq!(visit("/console/", &["a=b; thatgia_lang=en"]).lang, Lang::En);
        let asked = visit("/console/?lang=vi", &["thatgia_lang=en"]);
        assert_eq!((asked.lang, asked.lang_cookie().is_some()), (Lang::Vi, true));
        assert_eq!(visit("/console/?lang=xx", &["thatgia_lang=xx"]).lang, Lang::Vi);
    }

    #[test]
    fn the_switch_keeps_the_rest_of_the_address() {
        let here = visit("/console/?brand=a%26b&lang=vi&band=", &[]);
        assert_eq!(here.here_in(Lang::En), "/console/?brand=a%26b&band=&lang=en");
        assert_eq!((here.param("brand"), here.param("band")), (Some("a&b"), None));
        assert_eq!(encoded("shop/7?x=\"đ"), "shop%2F7%3Fx%3D%22%C4%91");
    }
}
