//! The Open Inference Protocol: without a port, and with the client that most people have.

mod binary;
mod client;
mod infer;
mod metadata;
mod refused;

use serde_json::{Value, json};
use thatgia::domain::Role;

use crate::support::{Answer, TestApp};

const INFER: &str = "/v2/models/thatgia/infer";

async fn crawler() -> TestApp {
    TestApp::new().await.with_role(Role::Crawler).await
}

/// A tensor of texts in JSON.
fn texts(name: &str, data: &[&str]) -> Value {
    json!({"name": name, "datatype": "BYTES", "shape": [data.len()], "data": data})
}

/// The elements of an output in JSON.
fn output<'a>(answer: &'a Value, name: &str) -> &'a Vec<Value> {
    let outputs = answer["outputs"].as_array().unwrap();
    let tensor = outputs.iter().find(|o| o["name"] == name).unwrap();
    let data = tensor["data"].as_array().unwrap();
    assert_eq!(tensor["shape"], json!([data.len()]), "{tensor}");
    data
}

/// Code and field of a problem that says the same in the protocol's way.
fn refusal(answer: &Answer) -> (u16, String, String) {
    let problem = answer.problem();
    let json = answer.json();
    let (error, detail) = (json["error"].as_str().unwrap(), json["detail"].as_str().unwrap());
    assert!(error.ends_with(detail) && error.starts_with(&problem.2), "{json}");
    problem
}
