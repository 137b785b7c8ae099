//! `thatgia serve`: the service, and what it shares with the demo.

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinHandle;

use super::error::Hint as _;
use super::model::{self, TierChoice, Wanted};
use super::runtime::{StoreArgs, block_on};
use super::{Status, output};
use crate::config::{self, Settings};
use crate::domain::{ApiKey, Role, SystemClock};
use crate::flow::{SIGN_IN_WITHIN, outside_registry};
use crate::http::{App, Parts, Server, ServerError, shutdown_signal};
use crate::scoring::Assess;
use crate::store::{Actor, KeyRecord, NewKey, Store, Token};
use crate::{preprocess, telemetry};

const EXAMPLES: &str = "Examples:
  thatgia serve --data /var/lib/thatgia
  thatgia serve --config /etc/thatgia.toml --bind 0.0.0.0:8080

The first start makes an admin key and prints it, this once, with a link to the console.
`thatgia key create` makes others, `thatgia key sign-in` more links.
Ctrl-C or SIGTERM lets the requests that are being answered finish.";

/// Longest wait at the end for what the model in the shadow is still scoring.
const SHADOW_WITHIN: Duration = Duration::from_secs(2);

/// Run the service.
///
/// SQLite in --data, unless settings name a PostgreSQL URL.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Opts {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    bind: Option<String>,
    /// A model's id, or its folder; the live model by default.
    #[arg(long, value_name = "ID|DIR")]
    model: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let mut settings = opts.store.settings()?;
    if let Some(bind) = &opts.bind {
        bind.clone_into(&mut settings.server.bind);
    }
    telemetry::init(&settings.log)?;
    preprocess::set_threads(settings.scoring.threads)?;
    let wanted = Wanted::new(settings.scoring.clone(), opts.model.as_deref(), TierChoice::Auto);
    let scorer = model::load(&wanted)?;
    settings.scoring = wanted.scoring;
    block_on(async {
        let stop = shutdown_signal()?;
        // Before anything is made: a port that is taken leaves no trace.
        let server = bind(&settings.server).await?;
        let store = Store::open(&settings.store, Arc::new(SystemClock)).await?;
        store.migrate().await?;
        if !store.has_admin_key().await? {
            let (record, key) = admin_key(&store).await?;
            let token = store.create_sign_in(&record.id, SIGN_IN_WITHIN).await?;
            first_start(&key, &sign_in_link(&base_url(server.local_addr()), &token))?;
        }
        answer(server, settings, scorer, store, stop).await
    })?;
    Ok(Status::Done)
}

/// Listens on the address that the settings name.
pub(super) async fn bind(settings: &config::Server) -> anyhow::Result<Server> {
    match Server::bind(settings).await {
        Err(error @ ServerError::Bind { .. }) => {
            Err(error).hint("--bind takes another address; 127.0.0.1:0 takes a free port")
        }
        other => Ok(other?),
    }
}

/// Answers requests until `stop` ends, then closes the store.
pub(super) async fn answer(
    server: Server,
    settings: Settings,
    scorer: Arc<dyn Assess>,
    store: Store,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let metrics = telemetry::metrics::install().context("cannot start to measure")?;
    let clock = Arc::new(SystemClock);
    let scoring = settings.scoring.clone();
    let origin = outside_registry(&settings.origin)?;
    let app = App::new(Parts { settings, store: store.clone(), scorer, origin, clock, metrics });
    let every = (scoring.follow_s > 0).then(|| Duration::from_secs(scoring.follow_s));
    let shadow = Arc::clone(app.shadow());
    let mut follows = vec![tokio::spawn(Arc::clone(&shadow).follow(scoring.clone(), every))];
    if let Some(every) = every.filter(|_| scoring.model.is_empty()) {
        follows.push(tokio::spawn(Arc::clone(app.live()).follow(scoring, every)));
    }
    server.run(app, stop).await;
    follows.iter().for_each(JoinHandle::abort);
    shadow.put(None);
    // What is missed here is missed: nobody waits for it.
    tokio::time::timeout(SHADOW_WITHIN, shadow.settled()).await.ok();
    store.close().await;
    Ok(())
}

/// A key that may do everything.
pub(super) async fn admin_key(store: &Store) -> anyhow::Result<(KeyRecord, ApiKey)> {
    let new =
        NewKey { name: "admin".to_owned(), role: Role::Admin, agency: None, provinces: Vec::new() };
    Ok(store.create_key(&new, &Actor::System).await?)
}

/// Where a browser on this machine finds a service that listens on `address`.
pub(super) fn base_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let ip =
            if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(ip);
    }
    format!("http://{address}")
}

/// The link that signs in to the console of the service at `base`.
pub(super) fn sign_in_link(base: &str, token: &Token) -> String {
    format!("{}/console/sign-in?token={}", base.trim_end_matches('/'), token.reveal())
}

fn first_start(key: &ApiKey, link: &str) -> anyhow::Result<()> {
    let mut out = output::stdout();
    writeln!(out, "First start: this is the admin key. Keep it, it is not shown again.\n")?;
    writeln!(out, "    {}\n", key.reveal())?;
    writeln!(
        out,
        "The console, signed in; the link works once, within {} minutes:\n",
        SIGN_IN_WITHIN.as_secs() / 60
    )?;
    writeln!(out, "    {link}\n")?;
    Ok(out.flush()?)
}
