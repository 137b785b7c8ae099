//! The use-cases, one verb a file: submit listings, look up suspects, know a key's holder.
//!
//! Owns what happens in which order and who may see what: a batch waits in the [`Queue`], is
//! scored on the thread pool and then kept. It speaks neither HTTP nor SQL; `http` and `cli`
//! call it, and it calls `scoring` and `store`.

mod keys;
mod queue;
mod submit;
mod suspects;

pub use keys::{Keys, REVOKED_WITHIN};
pub use queue::{Queue, QueueFull, Ticket, Unfinished, compute};
pub use submit::{Batch, Item, Kept, Submit, SubmitParts};
pub use suspects::{find_listing, rank_suspects};
