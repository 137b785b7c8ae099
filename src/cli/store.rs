//! `thatgia store`: the store's care.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::Hint as _;
use super::runtime::{StoreArgs, block_on, open_as_is, open_existing};
use super::{Status, output};
use crate::domain::SystemClock;
use crate::store::{Overwrite, Store, StoreError, restore};

const MIGRATE: &str = "Example:
  thatgia store migrate --dry-run";
const BACKUP: &str = "Example:
  thatgia store backup /backup/thatgia-monday.db";
const RESTORE: &str = "Example:
  thatgia store restore /backup/thatgia-monday.db --replace";
const VERIFY: &str = "Example:
  thatgia store verify-audit --data /var/lib/thatgia";

/// Migrate, back up, restore and check the store.
#[derive(Debug, clap::Args)]
pub(super) struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Migrate(Migrate),
    Backup(Backup),
    Restore(Restore),
    VerifyAudit(VerifyAudit),
}

/// Bring the store's tables up to this program; make the store where there is none.
#[derive(Debug, clap::Args)]
#[command(after_help = MIGRATE)]
struct Migrate {
    /// Show what would run, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Copy the embedded store to a new file, while it may be in use.
#[derive(Debug, clap::Args)]
#[command(after_help = BACKUP)]
struct Backup {
    /// The file to make.
    #[arg(value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Put a backup in place as the embedded store; the service must not be running.
#[derive(Debug, clap::Args)]
#[command(after_help = RESTORE)]
struct Restore {
    /// A file that `thatgia store backup` made.
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// Replace a store that is there.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Recompute the chain of the audit log.
///
/// Prints the number of rows and the hash of the newest; kept elsewhere, the hash proves later
/// that the log up to it was not rewritten.
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY)]
struct VerifyAudit {
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(opts: Opts) -> anyhow::Result<Status> {
    match opts.command {
        Command::Migrate(opts) => block_on(migrate(&opts)),
        Command::Backup(opts) => block_on(backup(&opts)),
        Command::Restore(opts) => block_on(put_back(&opts)),
        Command::VerifyAudit(opts) => block_on(verify_audit(&opts)),
    }
}

async fn migrate(opts: &Migrate) -> anyhow::Result<Status> {
    let settings = opts.store.settings()?;
    let (store, migrations);
    if opts.dry_run {
        store = open_as_is(&settings.store).await?;
        migrations = store.pending_migrations().await;
    } else {
        store = Store::open(&settings.store, Arc::new(SystemClock)).await?;
        migrations = store.migrate().await;
    }
    store.close().await;
    let mut out = output::stdout();
    let migrations = migrations?;
    for migration in &migrations {
        writeln!(out, "{:04} {}", migration.version, output::printable(&migration.name))?;
    }
    out.flush()?;
    output::note(&match (migrations.len(), opts.dry_run) {
        (0, _) => "the store is up to date".to_owned(),
        (n, true) => format!("{n} pending"),
        (n, false) => format!("{n} applied"),
    });
    Ok(Status::Done)
}

async fn backup(opts: &Backup) -> anyhow::Result<Status> {
    let settings = opts.store.settings()?;
    let store = open_existing(&settings.store).await?;
    let outcome = store.backup(&opts.to).await;
    store.close().await;
    match outcome {
        Err(error @ StoreError::Exists(_)) => Err(error).hint("name a file that is not there yet"),
        other => Ok(other?),
    }?;
    output::note(&format!("backed up to {}", opts.to.display()));
    Ok(Status::Done)
}

async fn put_back(opts: &Restore) -> anyhow::Result<Status> {
    let settings = opts.store.settings()?;
    if !settings.store.url.is_empty() {
        return Err(StoreError::UsePgDump.into());
    }
    let overwrite = if opts.replace { Overwrite::Replace } else { Overwrite::Refuse };
    match restore(&opts.from, &settings.store.data_dir, overwrite).await {
        Err(error @ StoreError::Exists(_)) => Err(error).hint("--replace replaces it"),
        Err(error @ StoreError::InUse(_)) => Err(error).hint("stop the service first"),
        other => Ok(other?),
    }?;
    output::note(&format!("restored into {}", settings.store.data_dir.display()));
    Ok(Status::Done)
}

async fn verify_audit(opts: &VerifyAudit) -> anyhow::Result<Status> {
    let settings = opts.store.settings()?;
    let store = open_existing(&settings.store).await?;
    let report = store.verify_audit().await;
    store.close().await;
    let report = report?;
    if let Some(broken) = report.broken {
        let text = format!("the audit log is broken at row {}: {}", broken.seq, broken.problem);
        return Err(anyhow::anyhow!(text))
            .hint(format!("the {} rows before it are as they were written", report.rows));
    }
    let mut out = output::stdout();
    writeln!(out, "{} {}", report.rows, report.head)?;
    out.flush()?;
    output::note(&format!("the audit log is whole, {} rows", output::count(report.rows)));
    Ok(Status::Done)
}
