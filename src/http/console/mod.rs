//! The officers' console: pages over the same `flow` calls as the API, read only.
//!
//! Owns sign-in, the session's cookie, the pages and their templates. It has no script and needs
//! nothing from other servers. What a seller wrote is always escaped; evidence is marked in it by
//! its own places, counted in Unicode scalar values.

mod pages;
mod session;
mod view;

pub(super) use pages::{listing, queue, style};
pub(super) use session::{enter, identify, leave, sign_in};
pub(super) use view::refusal;
