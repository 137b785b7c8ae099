//! The service over HTTP.
//!
//! Owns the routes and who may use each ([`routes`]), keys, limits, error answers and the
//! server. It holds no rule of the trade: handlers read a request, call `flow` and write the
//! answer. `api` is for programs, `oip` the same for clients of the Open Inference Protocol,
//! `console` for people; all over the same `flow` calls.

pub mod api;
mod auth;
mod console;
mod drain;
mod error;
mod extract;
mod lines;
mod middleware;
mod oip;
mod router;
mod server;
mod state;

pub use auth::{Access, Roles};
pub use error::{Code, Problem};
pub use router::{Route, router, routes};
pub use server::{Server, ServerError, shutdown_signal};
pub use state::{App, Parts};
