//! The use-cases, one verb a file: submit listings, look up suspects, know a key's
//! holder, sign in to the console.
//!
//! Owns what happens in which order and who may see what: a batch waits in the [`Queue`], is
//! scored on the thread pool and then kept; a model in the shadow scores some of it again. It speaks
//! no SQL, and HTTP only to ask an outside registry of products; `http` and `cli` call it, and it
//! calls `scoring` and `store`.

mod context;
mod keys;
mod live;
mod origin;
mod processors;
mod products;
mod queue;
mod sellers;
mod sessions;
mod shadow;
mod submit;
mod suspects;

pub use keys::{Keys, REVOKED_WITHIN};
pub use live::{Live, SwapError};
pub use origin::{OriginError, OriginRegistry, Outside, outside_registry};
pub use processors::Priority;
pub use products::keep_product;
pub use queue::{Queue, QueueFull, Ticket, Unfinished, compute};
pub use sellers::{
    Cluster, Clusters, SellerGraph, SellerProfile, SellersError, find_seller, link_sellers,
    list_clusters,
};
pub use sessions::{CONSOLE_ROLES, SESSION_FOR, SIGN_IN_WITHIN, SignIn, sign_in};
pub use shadow::{Shadow, ShadowError};
pub use submit::{Batch, Item, Kept, Scored, Submit, SubmitParts, Timings};
pub use suspects::{find_listing, rank_suspects};
