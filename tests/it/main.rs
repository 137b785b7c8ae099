//! The integration tests, one binary; folders mirror `src`.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod api;
mod cli;
mod console;
mod model;
mod oip;
mod store;
mod support;
