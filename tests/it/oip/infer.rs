use serde_json::{Value, json};
use thatgia::http::api::openapi_json;

use super::{INFER, crawler, output, texts};
use crate::support::check_schema;

#[tokio::test]
async fn listings_come_to_the_same_bytes_as_elsewhere() {
    let app = crawler().await;
    let listings = [
        r#"{"id":"a1","title":"Giày rep 1:1!!"}"#,
        r#"{"id":"b","title":5}"#,
        "not JSON",
        r#"{"title":"panic"}"#,
        r#"{"title":"Áo \u0111en", "more": [1]}"#,
    ];
    let request = json!({"id": "r-1", "inputs": [texts("listing", &listings)]});
    let answer = app.post(INFER, request.to_string()).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("inference-header-content-length"), "");
    assert!(answer.header("server-timing").contains("score;dur="));
    let read = answer.ok();
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    check_schema(&api, "InferenceResponse", &read);
    assert_eq!(
        (&read["model_name"], &read["model_version"], &read["id"]),
        (&json!("thatgia"), &json!("1"), &json!("r-1"))
    );
    assert_eq!(output(&read, "score")[..4], [0.5, -1.0, -1.0, -1.0].map(Value::from));
    assert_eq!(output(&read, "band")[..], ["review", "error", "error", "error", "low"]);
    let lines: Vec<_> =
        output(&read, "assessment").iter().map(|line| line.as_str().unwrap()).collect();
    // What is not JSON cannot stand in a batch of JSON.
    let batch = format!("{{\"listings\":[{}]}}", listings.join(",").replace("not JSON", "7"));
    let elsewhere = app.post("/v1/score", batch).await;
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(elsewhere.text().contains(line), i != 2, "{line}");
        let other = &elsewhere.json()["results"][i];
        assert!(i == 2 || serde_json::from_str::<Value>(line).unwrap() == *other);
    }
    assert!(lines[2].contains("\"line\":3") && lines[2].contains("invalid_json"), "{}", lines[2]);
}

#[tokio::test]
async fn fields_make_listings() {
    let app = crawler().await;
    let number = |datatype: &str, data: Value| json!({"name": "price", "datatype": datatype, "shape": [3, 1], "data": data});
    let rows = |name: &str, data: Value| json!({"name": name, "datatype": "BYTES", "shape": [3, 1], "data": data});
    let request = json!({"inputs": [
        number("FP64", json!([null, [199000.5], -1])),
        rows("title", json!(["a \"!\" \u{1}", "b", ["c"]])),
        texts("brand", &["Nike", "", "Nike"]),
        rows("description", json!(["", "x".repeat(20_001), ""])),
        texts("category", &["", "", ""]),
    ]});
    let read = app.post("/v2/models/fake-1/versions/1/infer", request.to_string()).await.ok();
    assert_eq!(read["model_name"], "fake-1");
    assert!(read.get("id").is_none());
    let lines: Vec<Value> = output(&read, "assessment")
        .iter()
        .map(|line| serde_json::from_str(line.as_str().unwrap()).unwrap())
        .collect();
    assert_eq!((&lines[0]["line"], &lines[0]["id"]), (&json!(1), &Value::Null));
    assert_eq!(lines[0]["evidence"][0]["start"], 3, "the title came through as it was");
    assert_eq!(lines[1]["error"]["field"], "description");
    assert_eq!(lines[2]["error"]["field"], "price.amount");
    assert_eq!(output(&read, "score")[1..], [-1.0, -1.0].map(Value::from));

    for (price, field) in [
        (number("INT64", json!([0, 9_007_199_254_740_993_i64, -5])), Some("price.amount")),
        (number("FP32", json!([0.5, 7, null])), None),
    ] {
        let request = json!({"inputs": [texts("title", &["a", "b", "c"]), price]});
        let read = app.post(INFER, request.to_string()).await.ok();
        let line: Value =
            serde_json::from_str(output(&read, "assessment")[2].as_str().unwrap()).unwrap();
        assert_eq!(line["error"]["field"].as_str(), field);
        assert_eq!(output(&read, "band")[..2], ["low", "low"]);
    }
    let request = json!({"inputs": [texts("title", &["", "b"])]});
    let read = app.post(INFER, request.to_string()).await.ok();
    assert!(output(&read, "assessment")[0].as_str().unwrap().contains("empty_field"));
    assert_eq!(output(&read, "band")[..], ["error", "low"]);
}

#[tokio::test]
async fn outputs_are_those_asked_for_in_that_order() {
    let app = crawler().await;
    let names = async |outputs: Value| {
        let request = json!({"inputs": [texts("title", &["a!"])], "outputs": outputs});
        let read = app.post(INFER, request.to_string()).await.ok();
        let outputs = read["outputs"].as_array().unwrap().iter();
        outputs.map(|o| o["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = ["score", "band", "assessment"];
    assert_eq!(names(json!([])).await, all);
    assert_eq!(names(Value::Null).await, all);
    assert_eq!(names(json!([{"name": "band"}, {"name": "score"}])).await, ["band", "score"]);
}

#[tokio::test]
async fn parameters_are_honoured() {
    let app = crawler().await;
    let evidence = async |parameters: Value| {
        let request = json!({"parameters": parameters, "inputs": [texts("title", &["!!!"])]});
        let read = app.post(INFER, request.to_string()).await.ok();
        let line: Value =
            serde_json::from_str(output(&read, "assessment")[0].as_str().unwrap()).unwrap();
        line["evidence"].as_array().unwrap().len()
    };
    assert_eq!(evidence(json!({})).await, 1);
    assert_eq!(evidence(json!({"explain": "brief", "priority": 3, "x": [1]})).await, 1);
    assert_eq!(evidence(json!({"explain": "full", "tier": "fast"})).await, 3);
    let request = json!({"parameters": {"tier": "full"}, "inputs": [texts("title", &["a"])]});
    let answer = app.post(INFER, request.to_string()).await;
    assert_eq!(super::refusal(&answer), (409, "no_full_model".into(), "parameters.tier".into()));
}

#[tokio::test]
async fn a_large_request_is_read_whole() {
    let app = crawler().await;
    let long = "đ".repeat(9000);
    let (titles, descriptions) = (["a!"; 30], [long.as_str(); 30]);
    let inputs = [texts("title", &titles), texts("description", &descriptions)];
    let request = json!({"inputs": inputs}).to_string();
    assert!(request.len() > 256 * 1024);
    let read = app.post(INFER, request).await.ok();
    assert_eq!(output(&read, "band").len(), 30);
    assert!(output(&read, "score").iter().all(|score| score.as_f64().unwrap() > 0.0));
}
