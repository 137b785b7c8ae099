use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use crate::config;
use crate::http::App;
use crate::http::router::router;

/// Connections at the same time; more wait until one is closed.
const CONNECTIONS: usize = 4096;
/// How long a client may take to send the head of a request, or to say nothing between two.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// How often old measurements are folded together, whether anybody fetches them or not.
const METRICS_EVERY: Duration = Duration::from_secs(5);
/// Pause after a connection could not be accepted, such as for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("cannot listen on {address}: {source}")]
    Bind { address: String, source: io::Error },
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] io::Error),
}

/// A service that listens already, and answers once it runs.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    head_within: Duration,
    stop_within: Duration,
}

impl Server {
    /// Listens on `settings.bind`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken, not this machine's, or not an address.
    pub async fn bind(settings: &config::Server) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Bind { address: settings.bind.clone(), source };
        let listener = TcpListener::bind(&settings.bind).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop_within = Duration::from_secs(settings.request_timeout_s);
        Ok(Self { listener, address, head_within: HEAD_WITHIN, stop_within })
    }

    /// Allows the head of a request another time than usual.
    #[must_use]
    pub fn with_head_within(self, head_within: Duration) -> Self {
        Self { head_within, ..self }
    }

    /// Where it listens, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop` ends, then takes no more connections, lets the requests
    /// that are being answered finish, for as long as one may take, and returns.
    pub async fn run(self, app: App, stop: impl Future<Output = ()>) {
        let Self { listener, address, head_within, stop_within } = self;
        let upkeep = tokio::spawn(fold_metrics(app.clone()));
        let mut connection = http1::Builder::new();
        connection.timer(TokioTimer::new()).header_read_timeout(head_within);
        let connections = Connections {
            router: router(app),
            builder: connection,
            graceful: GracefulShutdown::new(),
            slots: Arc::new(Semaphore::new(CONNECTIONS)),
        };
        tracing::info!(address = %address, "listening");
        tokio::select! {
            () = accept(&listener, &connections) => {}
            () = stop => {}
        }
        drop(listener);
        tracing::info!("stopping: requests that are being answered may finish");
        let finished = tokio::time::timeout(stop_within, connections.graceful.shutdown()).await;
        if finished.is_err() {
            tracing::warn!(waited_s = stop_within.as_secs(), "connections were cut off");
        }
        upkeep.abort();
        tracing::info!("stopped");
    }
}

struct Connections {
    router: Router,
    builder: http1::Builder,
    graceful: GracefulShutdown,
    slots: Arc<Semaphore>,
}

async fn accept(listener: &TcpListener, connections: &Connections) {
    loop {
        let slot = Arc::clone(&connections.slots)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, peer)) => connections.serve(stream, peer, slot),
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

impl Connections {
    fn serve(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        // Without it small answers wait for the client's acknowledgement.
        stream.set_nodelay(true).ok();
        let router = self.router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "connection broke off");
            }
            drop(slot);
        });
    }
}

/// Measurements pile up in memory until they are folded together.
async fn fold_metrics(app: App) {
    let mut every = tokio::time::interval(METRICS_EVERY);
    loop {
        every.tick().await;
        app.metrics().run_upkeep();
    }
}

/// Ends when the process is asked to stop, by SIGTERM or SIGINT.
///
/// # Errors
/// When the system lets no handler be set up.
pub fn shutdown_signal() -> Result<impl Future<Output = ()> + Send, ServerError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(ServerError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServerError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
