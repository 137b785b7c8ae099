//! The console: pages for officers, read-only, in Vietnamese and English.
//!
//! Owns the pages, their templates and style, and the sessions' cookies. It shows what `flow`
//! hands out and decides nothing; `api` is its sibling over the same calls. The pages need no
//! script and no other server: templates, style and the keyboard's few lines are compiled in.
//!
//! What sellers wrote goes through [`text`] before it meets a template, and every template
//! escapes: nothing here is ever marked as safe HTML.

pub(super) mod assets;
mod figures;
mod filter;
mod lang;
mod line;
pub(super) mod listing;
pub(super) mod queue;
mod render;
mod session;
pub(super) mod sign_in;
mod sum;
mod text;
mod visit;

pub(super) use session::guard;
