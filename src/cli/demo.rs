//! `thatgia demo`: everything on a few listings, in a folder that goes at the end.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context as _;

use super::model::{self, TierChoice, Wanted};
use super::score::{Lang, Look, sink};
use super::{Status, output, runtime, serve};
use crate::config::{self, Settings};
use crate::domain::{ApiKey, SystemClock};
use crate::flow::SIGN_IN_WITHIN;
use crate::http::{Server, shutdown_signal};
use crate::preprocess;
use crate::scoring::{Assess, Detail, RawItem, ScoredItem, score_items};
use crate::store::{Store, ToStore, Token};

pub(super) const LISTINGS: &str = include_str!("../../datasets/demo/listings.jsonl");

/// Listings scored and kept at once.
const BATCH: usize = 16;

const EXAMPLES: &str = "Examples:
  thatgia demo
  thatgia demo --bind 127.0.0.1:0
  thatgia demo --no-serve --lang en";

/// Score the demo listings and serve them, without setting anything up.
///
/// The store is in a temporary folder, which is removed at the end (Ctrl-C).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Opts {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    bind: String,
    /// Print the table and end.
    #[arg(long)]
    no_serve: bool,
    /// Rows of the table.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Language of the table.
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
    /// A model's id, or its folder; the live model by default.
    #[arg(long, value_name = "ID|DIR")]
    model: Option<String>,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let mut settings = config::load(None)?;
    opts.bind.clone_into(&mut settings.server.bind);
    preprocess::set_threads(settings.scoring.threads)?;
    let wanted = Wanted::new(settings.scoring.clone(), opts.model.as_deref(), TierChoice::Auto);
    let scorer = model::load(&wanted)?;
    settings.scoring = wanted.scoring;
    let folder = Folder::new()?;
    folder.0.clone_into(&mut settings.store.data_dir);
    settings.store.url.clear();
    runtime::block_on(async {
        let mut stop = pin!(shutdown_signal()?);
        let server = match opts.no_serve {
            true => None,
            false => Some(serve::bind(&settings.server).await?),
        };
        let store = tokio::select! {
            store = show(opts, &settings, scorer.as_ref()) => store?,
            () = &mut stop => return Ok(()),
        };
        let Some(server) = server else {
            store.close().await;
            return Ok(());
        };
        let (record, key) = serve::admin_key(&store).await?;
        let token = store.create_sign_in(&record.id, SIGN_IN_WITHIN).await?;
        greet(&server, &key, &token)?;
        serve::answer(server, settings, scorer, store, stop).await
    })?;
    Ok(Status::Done)
}

/// Fills the store and shows what is in it.
async fn show(opts: &Opts, settings: &Settings, scorer: &dyn Assess) -> anyhow::Result<Store> {
    let store = Store::open(&settings.store, Arc::new(SystemClock)).await?;
    store.migrate().await?;
    let rows = load(settings, scorer, &store).await?;
    let look = Look {
        top: opts.top,
        width: output::width(),
        lang: opts.lang,
        explain: false,
        colors: output::stdout_is_terminal(),
    };
    sink::table(&rows, look, &mut output::stdout())?;
    Ok(store)
}

fn greet(server: &Server, key: &ApiKey, token: &Token) -> anyhow::Result<()> {
    let (mut out, address, key) = (output::stdout(), server.local_addr(), key.reveal());
    let link = serve::sign_in_link(&serve::base_url(address), token);
    writeln!(out, "\nconsole  {link} (works once, within an hour)")?;
    writeln!(out, "API      http://{address}/docs\nkey      {key} (admin, until the demo ends)\n")?;
    writeln!(
        out,
        "curl -H 'Authorization: Bearer {key}' 'http://{address}/v1/suspects?band=high'\n"
    )?;
    writeln!(out, "Ctrl-C ends the demo and removes everything.")?;
    Ok(out.flush()?)
}

/// Scores the listings and keeps them.
async fn load(
    settings: &Settings,
    scorer: &dyn Assess,
    store: &Store,
) -> anyhow::Result<Vec<ScoredItem>> {
    let lines: Vec<&str> = LISTINGS.lines().filter(|line| !line.trim().is_empty()).collect();
    let items: Vec<RawItem<'_>> =
        lines.iter().zip(1..).map(|(json, line)| RawItem { line, json: json.as_bytes() }).collect();
    let bar = output::progress(Some(items.len() as u64), "listings");
    let mut all = Vec::with_capacity(items.len());
    for (items, lines) in items.chunks(BATCH).zip(lines.chunks(BATCH)) {
        let rows = score_items(scorer, &settings.limits, Detail::Brief.into(), items);
        let kept: Vec<ToStore<'_>> = rows
            .iter()
            .zip(lines)
            .filter_map(|(ScoredItem { line, read }, json)| {
                Some(ToStore { json, listing: &read.as_ref()?.0, line })
            })
            .collect();
        store.save(&kept).await?;
        bar.inc(rows.len() as u64);
        all.extend(rows);
    }
    bar.finish_and_clear();
    Ok(all)
}

/// A folder of our own that goes with everything in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let parent = std::env::temp_dir();
        let made = (0..100).find_map(|n| {
            let path = parent.join(format!("thatgia-demo-{}-{n}", std::process::id()));
            match private_dir(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => None,
                outcome => Some(outcome.map(|()| Self(path))),
            }
        });
        made.context("the folder's names are all taken")?
            .with_context(|| format!("cannot make a folder in {}", parent.display()))
    }
}

/// Makes a folder that nobody else may enter: the store in it holds keys.
fn private_dir(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Limits;

    #[test]
    fn every_demo_listing_can_be_scored() {
        for line in LISTINGS.lines() {
            crate::domain::Listing::from_json(line.as_bytes(), &Limits::default()).unwrap();
        }
        assert!(LISTINGS.lines().count() > 2);
    }

    #[test]
    fn the_folder_goes_with_what_is_in_it() {
        let folder = Folder::new().unwrap();
        let path = folder.0.clone();
        fs::write(path.join("thatgia.db"), "x").unwrap();
        assert_ne!(Folder::new().unwrap().0, path);
        drop(folder);
        assert!(!path.exists());
    }
}
