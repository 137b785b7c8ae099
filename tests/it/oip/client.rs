//! NVIDIA's own client against the real program, as an unmodified user of the protocol.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program, serving on a free port; ended when dropped.
struct Service {
    process: Child,
    key: String,
    address: String,
}

/// The newest fast model that ships: quick, even when it is not optimised.
fn fast_model() -> PathBuf {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let fast = std::fs::read_dir(models).unwrap().map(|entry| entry.unwrap().path());
    fast.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("vi-fast-"))
        .max()
        .unwrap()
}

impl Service {
    fn start(dir: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_thatgia"))
            .args(["serve", "--bind", "127.0.0.1:0", "--data", "data", "--model"])
            .arg(fast_model())
            .current_dir(dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut service = Self { process, key: String::new(), address: String::new() };
        for line in lines.map(Result::unwrap) {
            let line = line.trim();
            if line.starts_with("tg_") {
                line.clone_into(&mut service.key);
            }
            if let Some(rest) = line.strip_prefix("http://") {
                rest.split('/').next().unwrap().clone_into(&mut service.address);
                break;
            }
        }
        assert!(
            !service.key.is_empty() && !service.address.is_empty(),
            "the first start says both"
        );
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A python that has the client.
#[expect(clippy::disallowed_methods, reason = "where the tests run, not a setting")]
fn python() -> Option<OsString> {
    std::env::var_os("THATGIA_TRITON_PYTHON").filter(|path| !path.is_empty())
}

#[test]
fn the_triton_client_works_unmodified() {
    let Some(python) = python() else {
        eprintln!("skipped: THATGIA_TRITON_PYTHON names no python with tritonclient[http]");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/triton.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&service.address)
        .env("THATGIA_KEY", &service.key)
        .output()
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    assert_eq!(said(&output.stdout), "all is well\n");
}
