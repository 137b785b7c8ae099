use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{INFER, crawler, refusal};
use crate::support::{Answer, TestApp};

/// Texts as the extension has them.
pub(super) fn packed(texts: &[&[u8]]) -> Vec<u8> {
    let one = |text: &&[u8]| [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat();
    texts.iter().flat_map(one).collect()
}

fn tensor(name: &str, datatype: &str, rows: usize, bytes: usize) -> Value {
    let parameters = json!({"binary_data_size": bytes});
    json!({"name": name, "datatype": datatype, "shape": [rows], "parameters": parameters})
}

async fn send(app: &TestApp, request: &Value, tail: &[u8]) -> Answer {
    let json = request.to_string();
    let length = json.len().to_string();
    send_raw(app, &[json.as_bytes(), tail].concat(), &length).await
}

async fn send_raw(app: &TestApp, body: &[u8], length: &str) -> Answer {
    let request = app
        .request("POST", INFER)
        .header("content-type", "application/octet-stream")
        .header("inference-header-content-length", length);
    app.send(request.body(body.to_vec().into()).unwrap()).await
}

/// The JSON of an answer, and each of its outputs that came as bytes.
fn taken_apart(answer: &Answer) -> (Value, Vec<Vec<u8>>) {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    let length: usize = answer.header("inference-header-content-length").parse().unwrap();
    let (json, mut rest) = answer.body.split_at(length);
    let json: Value = serde_json::from_slice(json).unwrap();
    let mut binary = Vec::new();
    for output in json["outputs"].as_array().unwrap() {
        if let Some(size) = output["parameters"]["binary_data_size"].as_u64() {
            assert!(output.get("data").is_none());
            let (bytes, more) = rest.split_at(usize::try_from(size).unwrap());
            binary.push(bytes.to_vec());
            rest = more;
        }
    }
    assert!(rest.is_empty());
    (json, binary)
}

#[tokio::test]
async fn bytes_in_and_out_say_the_same_as_json() {
    let app = crawler().await;
    let titles = packed(&["Giày rep!!".as_bytes(), b"b"]);
    let prices = [350_000.0f64, f64::NAN].map(f64::to_le_bytes).concat();
    let inputs =
        [tensor("title", "BYTES", 2, titles.len()), tensor("price", "FP64", 2, prices.len())];
    let request = json!({"inputs": inputs, "parameters": {"binary_data_output": true}});
    let answer = send(&app, &request, &[titles.clone(), prices.clone()].concat()).await;
    let (json, binary) = taken_apart(&answer);
    assert_eq!(json["outputs"][0]["shape"], json!([2]));
    let scores: Vec<_> = binary[0].as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();

    let plain = json!({"inputs": [
        {"name": "title", "datatype": "BYTES", "shape": [2], "data": ["Giày rep!!", "b"]},
        {"name": "price", "datatype": "INT64", "shape": [2], "data": [350_000, null]},
    ]});
    let plain = app.post(INFER, plain.to_string()).await;
    assert!(plain.text().contains(&json!(scores).to_string()), "{}", plain.text());
    let plain = plain.ok();
    assert_eq!(binary[1], packed(&[b"review", b"low"]));
    let lines = super::output(&plain, "assessment").iter();
    let lines: Vec<_> = lines.map(|line| line.as_str().unwrap().as_bytes()).collect();
    assert_eq!(binary[2], packed(&lines));
}

#[tokio::test]
async fn each_tensor_chooses_its_form() {
    let app = crawler().await;
    let listings = packed(&[br#"{"title":"a!!"}"#, b"\xc4\x91"]);
    let request = json!({
        "inputs": [tensor("listing", "BYTES", 2, listings.len())],
        "outputs": [
            {"name": "band", "parameters": {"binary_data": true}},
            {"name": "score", "parameters": {"binary_data": false}},
        ],
        "parameters": {"binary_data_output": true},
    });
    let (json, binary) = taken_apart(&send(&app, &request, &listings).await);
    assert_eq!(binary, [packed(&[b"review", b"error"])]);
    assert_eq!(json["outputs"][1]["data"], json!([0.5, -1.0]));

    let request = json!({
        "inputs": [tensor("title", "BYTES", 1, 5)],
        "outputs": [{"name": "score"}],
    });
    let answer = send(&app, &request, &packed(&[b"a"])).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(super::output(&answer.ok(), "score").len(), 1);
}

#[tokio::test]
async fn lengths_that_do_not_fit_are_refused() {
    let app = crawler().await;
    let title = |rows, bytes| json!({"inputs": [tensor("title", "BYTES", rows, bytes)]});
    let two = json!({"inputs": [tensor("title", "BYTES", 1, 5), tensor("brand", "BYTES", 1, 5)]});
    let price = json!({"inputs": [tensor("title", "BYTES", 1, 5), tensor("price", "FP64", 1, 7)]});
    for (request, tail, field, words) in [
        (title(1, 6), &b"\x01\0\0\0a"[..], "title", "6 bytes of data, 5 are left"),
        (title(1, usize::MAX), b"", "title", "18446744073709551615 bytes of data, 0 are left"),
        (title(1, 5), b"\x02\0\0\0a", "title.data[0]", "2 bytes long, 1 are left"),
        (title(1, 5), b"\xff\xff\xff\xffa", "title.data[0]", "4294967295 bytes long"),
        (title(2, 5), b"\x01\0\0\0a", "title.data[1]", "ends before"),
        (title(1, 10), b"\x01\0\0\0a\x01\0\0\0a", "title", "5 bytes of data left after the 1"),
        (title(1, 5), b"\x01\0\0\0ab", "inputs", "1 bytes behind the last tensor"),
        (title(1, 5), b"\x01\0\0\0\xff", "title.data[0]", "not UTF-8 from byte 0"),
        (two, b"\x01\0\0\0a", "brand", "5 bytes of data, 0 are left"),
        (price, b"\x01\0\0\0a1234567", "price", "the shape says 8"),
    ] {
        let answer = send(&app, &request, tail).await;
        let want = (400, "invalid_inference".to_owned(), field.to_owned());
        assert_eq!(refusal(&answer), want, "{request} {}", answer.text());
        assert!(answer.text().contains(words), "{request}: {}", answer.text());
    }
    let header = "inference-header-content-length";
    for length in ["100", "-1", "x", "99999999999999999999999"] {
        let answer = send_raw(&app, b"{}", length).await;
        assert_eq!(refusal(&answer), (400, "invalid_inference".into(), header.into()), "{length}");
    }
    assert_eq!(refusal(&send_raw(&app, b"{}", "0").await).1, "invalid_json");
    assert_eq!(refusal(&send_raw(&app, b"{\"inputs\":[", "5").await).1, "invalid_json");
    let both = json!({"inputs": [{"name": "title", "datatype": "BYTES", "shape": [1],
        "data": ["a"], "parameters": {"binary_data_size": 0}}]});
    assert!(send(&app, &both, b"").await.text().contains("has both"));
    let without = json!({"inputs": [tensor("title", "BYTES", 1, 5)]}).to_string();
    let answer = app.post(INFER, without).await;
    assert!(answer.text().contains("5 bytes of data, 0 are left"), "{}", answer.text());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_panic(
        tail in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..40),
        size in 0usize..50,
        rows in 0usize..4,
    ) {
        static SERVICE: OnceLock<(Runtime, TestApp)> = OnceLock::new();
        let (runtime, app) = SERVICE.get_or_init(|| {
            let runtime = Runtime::new().unwrap();
            let app = runtime.block_on(crawler());
            (runtime, app)
        });
        runtime.block_on(async {
            for request in [
                json!({"inputs": [tensor("listing", "BYTES", rows, size)]}),
                json!({"inputs": [
                    tensor("title", "BYTES", rows, size), tensor("price", "FP32", rows, size)]}),
            ] {
                let answer = send(app, &request, &tail).await;
                assert!(matches!(answer.status.as_u16(), 200 | 400), "{:?}", answer.body);
            }
        });
    }
}
