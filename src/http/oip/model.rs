use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::errors::short;
use crate::http::App;
use crate::http::error::{Code, Problem};

/// The name that stays when another model goes live.
pub(super) const NAME: &str = "thatgia";
pub(super) const VERSION: &str = "1";

/// The model that the path names, by the name that the path has for it: [`NAME`] or the id of
/// the live model.
#[derive(Debug)]
pub(crate) struct Model(pub(super) String);

impl FromRequestParts<App> for Model {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let Path(segments) =
            path.map_err(|error| Problem::new(Code::InvalidPath, error.body_text()))?;
        let live = app.live().get();
        let live = live.model().id.as_str();
        let mut model = None;
        for (segment, value) in segments {
            let is_version = segment == "version";
            let known = if is_version { value == VERSION } else { value == NAME || value == live };
            if !known {
                let kind = if is_version { "version" } else { "model" };
                let text = short(&format_args!("there is no {kind} {value:?}"));
                return Err(Problem::new(Code::ModelNotFound, text));
            }
            if !is_version {
                model = Some(value);
            }
        }
        model.map(Self).ok_or_else(|| Problem::new(Code::NotFound, Code::NotFound.hint()))
    }
}
