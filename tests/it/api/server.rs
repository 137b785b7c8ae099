//! Over real sockets, with bytes that no HTTP library would send.

use std::sync::Arc;
use std::time::Duration;

use thatgia::domain::Role;
use thatgia::http::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{Gate, GatedScorer, TestApp};

/// A service that listens on a free port.
struct Running {
    app: TestApp,
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

async fn start(app: TestApp, head_within: Option<Duration>) -> Running {
    let app = app.with_role(Role::Crawler).await;
    let mut settings = app.settings.server.clone();
    settings.bind = "127.0.0.1:0".to_owned();
    let mut server = Server::bind(&settings).await.unwrap();
    if let Some(within) = head_within {
        server = server.with_head_within(within);
    }
    let address = server.local_addr();
    assert_ne!(address.port(), 0);
    let (stop, stopped) = oneshot::channel::<()>();
    let inner = app.app.clone();
    let done = tokio::spawn(server.run(inner, async move {
        stopped.await.ok();
    }));
    Running { app, address, stop, done }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn head(&self, path: &str, rest: &str) -> String {
        let key = self.app.key();
        format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{rest}\r\n\r\n")
    }

    /// Sends bytes and reads until the service closes the connection.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut socket = self.connect().await;
        socket.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.ok();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn is_well(&self) {
        let answer =
            self.exchange(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains(end) {
        let n = socket.read(&mut buffer).await.unwrap();
        assert_ne!(n, 0, "closed before {end:?}: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
    text
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

#[tokio::test]
async fn a_stream_answers_while_it_is_being_sent() {
    let server = start(TestApp::new().await, None).await;
    let mut socket = server.connect().await;
    let head = server.head("/v1/score/stream", "transfer-encoding: chunked");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(chunk("{\"id\":\"first\",\"ti").as_bytes()).await.unwrap();
    socket.write_all(chunk("tle\":\"a\"}\n{\"id\"").as_bytes()).await.unwrap();
    let text = read_until(&mut socket, "\"id\":\"first\"").await;
    assert!(text.starts_with("HTTP/1.1 200") && !text.contains("second"), "{text}");
    socket.write_all(chunk(":\"second\",\"title\":\"b\"}").as_bytes()).await.unwrap();
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    let text = read_until(&mut socket, "\r\n0\r\n\r\n").await;
    assert!(text.contains("\"line\":2,\"id\":\"second\""), "{text}");
}

#[tokio::test]
async fn clients_that_break_off_or_talk_nonsense_hurt_nobody() {
    let server = start(TestApp::new().await, None).await;
    for bytes in [
        "\u{16}\u{3}\u{1}\0".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        server.head("/v1/score", "transfer-encoding: chunked") + "zz\r\n",
        server.head("/v1/score", "content-length: -5"),
        server.head("/v1/score", "content-length: 5\r\ntransfer-encoding: chunked") + "5\r\nab",
        server.head("/v1/score", "content-length: 900") + "{\"listings\":[",
        server.head("/v1/score/stream", "transfer-encoding: chunked") + &chunk("{\"title\":"),
    ] {
        let mut socket = server.connect().await;
        socket.write_all(bytes.as_bytes()).await.unwrap();
        drop(socket);
    }
    let answer = server.exchange("\u{16}\u{3}\u{1}\0\r\n\r\n".as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let bad = server.head("/v1/score/stream", "transfer-encoding: chunked")
        + &chunk("{\"id\":\"x\",\"title\":\"a\"}\n")
        + "zz\r\n";
    let answer = server.exchange(bad.as_bytes()).await;
    assert!(
        !answer.ends_with("0\r\n\r\n"),
        "a stream that broke off must not look whole: {answer}"
    );
    server.is_well().await;
}

#[tokio::test]
async fn who_sends_too_much_still_reads_why() {
    let limit = |s: &mut thatgia::config::Settings| s.server.max_body_bytes = 10_000;
    let server = start(TestApp::with(limit, crate::support::FakeScorer::new()).await, None).await;
    let head = server.head("/v1/score", "content-length: 5000000\r\nconnection: close");
    let mut socket = server.connect().await;
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&vec![b'x'; 5_000_000]).await.unwrap();
    let text = read_until(&mut socket, "body_too_large").await;
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    let asks = server.head("/v1/score", "content-length: 5000000\r\nexpect: 100-continue");
    let answer = server.exchange(asks.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "told before it sends: {answer}");
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let server = start(TestApp::new().await, Some(Duration::from_millis(50))).await;
    let answer = server.exchange(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(server.exchange(b"").await, "", "nor is silence waited for");
    let idle = server.exchange(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(idle.starts_with("HTTP/1.1 200"), "nor silence after an answer: {idle}");
    server.is_well().await;
}

#[tokio::test]
async fn stopping_lets_requests_finish_and_takes_no_more() {
    let gate = Arc::new(Gate::default());
    let app = TestApp::with(|_| {}, GatedScorer::new(&gate)).await;
    let server = start(app, None).await;
    let body = "{\"listings\":[{\"title\":\"a\"}]}";
    let head = server.head("/v1/score", &format!("content-length: {}", body.len()));
    let mut socket = server.connect().await;
    socket.write_all((head + body).as_bytes()).await.unwrap();
    gate.wait_for(1).await;
    let idle = server.connect().await;
    server.stop.send(()).unwrap();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.open();
    let text = read_until(&mut socket, "]}").await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    server.done.await.unwrap();
    drop(idle);
}

#[tokio::test]
async fn the_service_stops_when_it_is_asked_to() {
    for signal in ["-TERM", "-INT"] {
        let asked = thatgia::http::shutdown_signal().unwrap();
        let id = std::process::id().to_string();
        let kill = std::process::Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(kill.success());
        tokio::time::timeout(Duration::from_secs(10), asked).await.expect(signal);
    }
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = thatgia::config::load(None).unwrap().server;
    settings.bind = taken.local_addr().unwrap().to_string();
    let error = Server::bind(&settings).await.unwrap_err().to_string();
    assert!(error.contains(&settings.bind), "{error}");
    settings.bind = "not an address".to_owned();
    assert!(Server::bind(&settings).await.is_err());
}
