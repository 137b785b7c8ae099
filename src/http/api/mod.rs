//! The API for programs: handlers, and the documents that describe them.
//!
//! Each file holds the handlers of one noun with the shapes they read and write. What they say
//! of themselves to utoipa is gathered in [`openapi`]; a test holds it against the routes.

pub(super) mod docs;
mod envelope;
pub(super) mod health;
pub(super) mod openapi;
pub(super) mod products;
pub(super) mod schema;
pub(super) mod score;
pub(super) mod sellers;
pub(super) mod stream;
pub(super) mod suspects;

pub use openapi::openapi_json;
