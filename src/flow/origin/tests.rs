use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::domain::{FixedClock, Limits, NewProduct, ProductStatus};
use crate::signals::OriginVerdict;
use crate::store::Actor;

/// A registry on a port of its own that gives each request the same bytes.
struct Stub {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// Without an answer it leaves the asker waiting.
    async fn new(answer: Option<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), Arc::clone(&kept)));
            }
        });
        Self { address, heads }
    }

    async fn saying(status: &str, more: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}\r\n{body}");
        Self::new(Some(head.into_bytes())).await
    }

    fn asked(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    fn settings(&self) -> config::Origin {
        config::Origin { url: format!("http://{}/v1/", self.address), ..defaults() }
    }

    fn registry(&self) -> Outside {
        outside_registry(&self.settings()).unwrap().unwrap()
    }
}

async fn serve(mut stream: TcpStream, answer: Option<Vec<u8>>, heads: Arc<Mutex<Vec<String>>>) {
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
        head.extend_from_slice(&buffer[..n]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        heads.lock().unwrap().push(String::from_utf8(std::mem::take(&mut head)).unwrap());
        match &answer {
            Some(answer) if stream.write_all(answer).await.is_ok() => {}
            Some(_) => return,
            None => std::future::pending().await,
        }
    }
}

fn defaults() -> config::Origin {
    config::load(None).unwrap().origin
}

fn gtin(n: u32) -> Gtin {
    (0..10).find_map(|d| Gtin::parse(&format!("893460{n:06}{d}")).ok()).unwrap()
}

async fn one(registry: &Outside, gtin: Gtin) -> OriginAnswer {
    registry.look_up(&[gtin]).await.remove(&gtin).unwrap()
}

const NIKE: &str = r#"{"brand":"Nike","name":"Giày","status":"active"}"#;

#[tokio::test]
async fn the_number_and_nothing_else_is_told() {
    let stub = Stub::saying("200 OK", "", NIKE).await;
    let settings = config::Origin { token: "s3cret".to_owned(), ..stub.settings() };
    assert!(!format!("{settings:?}").contains("s3cret"));
    let registry = outside_registry(&settings).unwrap().unwrap();
    let answer = one(&registry, gtin(1)).await;
    assert!(matches!(&answer, OriginAnswer::Known(p) if p.brand.as_deref() == Some("Nike")));
    let heads = stub.heads.lock().unwrap().join("").to_ascii_lowercase();
    assert!(heads.starts_with(&format!("get /v1/01/{} http/1.1\r\n", gtin(1))), "{heads}");
    assert!(
        heads.contains("authorization: bearer s3cret")
            && heads.contains("application/linkset+json")
    );
    assert_eq!(heads.lines().filter(|l| !l.is_empty()).count(), 5, "{heads}");
}

#[tokio::test]
async fn what_was_answered_is_remembered() {
    let stub = Stub::saying("404 Not Found", "", "").await;
    let registry = stub.registry();
    for _ in 0..3 {
        assert_eq!(one(&registry, gtin(1)).await, OriginAnswer::Unknown);
    }
    assert_eq!(stub.asked(), 1);
    let settings = config::Origin { cache_items: 2, ..stub.settings() };
    let small = outside_registry(&settings).unwrap().unwrap();
    let all: Vec<Gtin> = (0..10).map(gtin).collect();
    assert!(small.look_up(&all).await.values().all(|a| *a == OriginAnswer::Unknown));
}

#[tokio::test]
async fn whatever_goes_wrong_is_unavailable() {
    let elsewhere = Stub::saying("200 OK", "", NIKE).await;
    let to = format!("Location: http://{}/01/1\r\n", elsewhere.address);
    let huge = format!("{{\"brand\":\"{}\"}}", "x".repeat(100_000));
    let chunks = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "8000\r\n".to_owned() + &"x".repeat(0x8000) + "\r\n"
    );
    let broken =
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{\"brand\":\"Nike\"}";
    for (stub, what) in [
        (Stub::saying("500 Internal Server Error", "", NIKE).await, "500"),
        (Stub::saying("302 Found", &to, "").await, "redirect"),
        (Stub::saying("200 OK", "", "<html>Nike</html>").await, "garbage"),
        (Stub::saying("200 OK", "", &huge).await, "huge"),
        (Stub::new(Some(chunks.into_bytes())).await, "chunks without end"),
        (Stub::new(Some(broken.as_bytes().to_vec())).await, "broken off"),
        (Stub::new(Some(b"SSH-2.0-x\r\n".to_vec())).await, "not http"),
        (Stub::new(None).await, "silent"),
    ] {
        let settings = config::Origin { timeout_ms: 200, ..stub.settings() };
        let registry = outside_registry(&settings).unwrap().unwrap();
        assert_eq!(one(&registry, gtin(1)).await, OriginAnswer::Unavailable, "{what}");
        assert_eq!(stub.asked(), 1, "{what}");
    }
    assert_eq!(elsewhere.asked(), 0);
    let nobody = config::Origin { url: "http://127.0.0.1:1".to_owned(), ..defaults() };
    let registry = outside_registry(&nobody).unwrap().unwrap();
    assert_eq!(one(&registry, gtin(1)).await, OriginAnswer::Unavailable);
}

#[tokio::test]
async fn an_outage_is_left_alone_and_costs_a_batch_no_more_than_its_time() {
    let stub = Stub::saying("503 Service Unavailable", "", "").await;
    let registry = stub.registry();
    for n in 0..20 {
        assert_eq!(one(&registry, gtin(n)).await, OriginAnswer::Unavailable);
    }
    assert_eq!(stub.asked(), 5);
    let silent = Stub::new(None).await;
    let settings = config::Origin { timeout_ms: 60_000, batch_timeout_ms: 50, ..silent.settings() };
    let registry = outside_registry(&settings).unwrap().unwrap();
    let all: Vec<Gtin> = (0..100).map(gtin).collect();
    let answers = registry.look_up(&all).await;
    assert_eq!(answers.len(), 100);
    assert!(answers.values().all(|answer| *answer == OriginAnswer::Unavailable));
    assert!(silent.asked() <= settings.concurrency);
}

#[test]
fn an_address_that_cannot_be_used_is_refused() {
    let refused = |url: &str, token: &str| {
        let (url, token) = (url.to_owned(), token.to_owned());
        outside_registry(&config::Origin { url, token, ..defaults() }).unwrap_err().to_string()
    };
    for (url, words) in [
        ("not an address", "not an address"),
        ("/01", "no host"),
        ("ftp://a.vn", "https://"),
        ("https://a.vn/?x=1", "query"),
        ("https://u:p@a.vn", "password"),
    ] {
        assert!(refused(url, "").contains(words), "{url}: {}", refused(url, ""));
    }
    assert!(refused("http://a.vn", "t").contains("https only"));
    assert!(refused("http://127.0.0.1", "a\nb").contains("header"));
    assert!(outside_registry(&defaults()).unwrap().is_none(), "off by default");
}

/// Says the same of every number.
#[derive(Debug)]
struct Same(OriginAnswer);

impl OriginRegistry for Same {
    fn name(&self) -> &'static str {
        "outside"
    }

    fn look_up<'a>(&'a self, gtins: &'a [Gtin]) -> BoxFuture<'a, HashMap<Gtin, OriginAnswer>> {
        Box::pin(async move { gtins.iter().map(|gtin| (*gtin, self.0.clone())).collect() })
    }
}

async fn store(dir: &std::path::Path) -> Store {
    let mut settings = config::load(None).unwrap().store;
    settings.data_dir = dir.to_owned();
    let clock = Arc::new(FixedClock(time::OffsetDateTime::UNIX_EPOCH));
    let store = Store::open(&settings, clock).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn listing(text: &str, brand: &str) -> Listing {
    let json = serde_json::json!({"title": text, "brand": brand}).to_string();
    Listing::from_json(json.as_bytes(), &Limits::default()).unwrap()
}

#[tokio::test]
async fn the_products_kept_here_are_asked_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let listings = [
        listing(&format!("a, barcode {}", gtin(1)), "Nike"),
        listing(&format!("a, barcode {} barcode {}", gtin(9), gtin(1)), "Dior"),
        listing(&format!("a, barcode {}", gtin(9)), "Dior"),
        listing("a, barcode 2001234567893", "Dior"),
        listing("a", "Dior"),
    ];
    let verdicts = async |outside: Option<OriginAnswer>| {
        let outside = outside.map(|answer| Arc::new(Same(answer)) as Outside);
        let origins = Origins::new(store.clone(), outside);
        let mut asked: Vec<_> = listings.iter().map(Some).collect();
        asked.push(None);
        let found = origins.gather(&asked).await;
        assert_eq!(found.len(), asked.len());
        let verdict = |(record, listing): (Option<OriginRecord>, Option<&Listing>)| {
            let record = record?;
            Some((record.source.clone(), record.verdict(listing.unwrap())))
        };
        found.into_iter().zip(asked).map(verdict).collect::<Vec<_>>()
    };
    let said = |source: &str, verdict| Some((source.to_owned(), verdict));
    assert_eq!(verdicts(None).await, vec![None; 6], "no registry has anything to say");
    let new = NewProduct {
        brand: Some("Nike".to_owned()),
        name: Some("x".to_owned()),
        status: Some(ProductStatus::Active),
        ..NewProduct::default()
    };
    let product = new.parse(gtin(1), "test").unwrap();
    store.import_products(&[product], &Actor::System).await.unwrap();
    let known = said("thatgia", OriginVerdict::Match);
    let other = said("thatgia", OriginVerdict::Mismatch);
    let unknown = said("thatgia", OriginVerdict::Unknown);
    assert_eq!(verdicts(None).await, [known.clone(), other.clone(), unknown, None, None, None]);
    let out = said("outside", OriginVerdict::Unavailable);
    assert_eq!(
        verdicts(Some(OriginAnswer::Unavailable)).await,
        [known, other, out, None, None, None]
    );
    store.close().await;
    let down = said("thatgia", OriginVerdict::Unavailable);
    assert_eq!(verdicts(None).await, [down.clone(), down.clone(), down, None, None, None]);
}
