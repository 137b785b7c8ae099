//! What the commands that use the store have in common.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::error::Hint as _;
use crate::config::{self, Settings};
use crate::domain::SystemClock;
use crate::store::Store;

/// Where the store is.
#[derive(Debug, clap::Args)]
pub(super) struct StoreArgs {
    /// A file of settings.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Folder of the embedded store; without effect where settings name a PostgreSQL URL.
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
}

impl StoreArgs {
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = config::load(self.config.as_deref())?;
        if let Some(data) = &self.data {
            data.clone_into(&mut settings.store.data_dir);
        }
        Ok(settings)
    }
}

/// Runs `work` to its end on a runtime of its own.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(work)
}

/// Whether there is a store where the settings say; a PostgreSQL that they name is taken to be.
pub(super) fn has_store(settings: &config::Store) -> bool {
    !settings.url.is_empty() || settings.data_dir.join("thatgia.db").is_file()
}

/// Opens a store that is there; makes and changes nothing.
pub(super) async fn open_as_is(settings: &config::Store) -> anyhow::Result<Store> {
    if !has_store(settings) {
        return Err(anyhow::anyhow!("no store in {}", settings.data_dir.display()))
            .hint("--data names another folder; `thatgia store migrate` makes a new store");
    }
    Ok(Store::open(settings, Arc::new(SystemClock)).await?)
}

/// Opens a store that is there and up to date.
pub(super) async fn open_existing(settings: &config::Store) -> anyhow::Result<Store> {
    let store = open_as_is(settings).await?;
    let pending = store.pending_migrations().await?;
    if let Some(first) = pending.first() {
        let text = format!("{} migrations are pending, from {}", pending.len(), first.version);
        return Err(anyhow::anyhow!(text)).hint("run `thatgia store migrate`");
    }
    Ok(store)
}
