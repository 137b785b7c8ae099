use std::path::Path;

use super::Settings;

/// The commented default settings.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("settings: {0}")]
    Read(#[from] config::ConfigError),
    #[error("settings: {name} must be {want}, got {got}")]
    Range { name: &'static str, want: &'static str, got: String },
}

/// Defaults, then `file` if given, then `THATGIA__SECTION__NAME` from the environment.
///
/// # Errors
/// When the file is missing or not TOML, a name is unknown, or a value does not fit.
pub fn load(file: Option<&Path>) -> Result<Settings, ConfigError> {
    let environment =
        config::Environment::with_prefix("THATGIA").prefix_separator("__").separator("__");
    load_from(file, environment.try_parsing(true))
}

fn load_from(
    file: Option<&Path>,
    environment: config::Environment,
) -> Result<Settings, ConfigError> {
    let mut sources = config::Config::builder()
        .add_source(config::File::from_str(DEFAULT_TOML, config::FileFormat::Toml));
    if let Some(file) = file {
        sources = sources.add_source(config::File::from(file));
    }
    let settings: Settings = sources.add_source(environment).build()?.try_deserialize()?;
    check(&settings)?;
    Ok(settings)
}

fn check(settings: &Settings) -> Result<(), ConfigError> {
    let Settings { server, store, scoring, origin, gate, .. } = settings;
    let positive = [
        ("server.max_body_bytes", server.max_body_bytes),
        ("server.max_batch", server.max_batch),
        ("server.queue_items", server.queue_items),
        ("server.page_rows", server.page_rows as usize),
        ("server.max_page_rows", server.max_page_rows as usize),
        ("store.max_connections", store.max_connections as usize),
        ("origin.timeout_ms", usize::try_from(origin.timeout_ms).unwrap_or(usize::MAX)),
        ("origin.batch_timeout_ms", usize::try_from(origin.batch_timeout_ms).unwrap_or(usize::MAX)),
        ("origin.max_bytes", origin.max_bytes),
        ("origin.concurrency", origin.concurrency),
        ("gate.min_rows", gate.min_rows),
        ("gate.slice_rows", gate.slice_rows),
    ];
    for (name, got) in positive {
        if got == 0 {
            return Err(ConfigError::Range { name, want: "at least 1", got: got.to_string() });
        }
    }
    if !(0.0..1.0).contains(&scoring.base_rate) {
        let (name, want) = ("scoring.base_rate", "at least 0 and below 1");
        return Err(ConfigError::Range { name, want, got: scoring.base_rate.to_string() });
    }
    let shares = [
        ("gate.min_auc", gate.min_auc),
        ("gate.slice_min_auc", gate.slice_min_auc),
        ("gate.slice_max_loss", gate.slice_max_loss),
        ("gate.attack_max_loss", gate.attack_max_loss),
        ("gate.max_ece", gate.max_ece),
    ];
    for (name, got) in shares {
        // Not a number is outside too: nothing would ever fail against it.
        if !(0.0..=1.0).contains(&got) {
            return Err(ConfigError::Range { name, want: "from 0 to 1", got: got.to_string() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::domain::Limits;

    fn with(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let pairs: HashMap<String, String> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let environment = config::Environment::with_prefix("THATGIA")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .source(Some(pairs));
        load_from(None, environment)
    }

    #[test]
    fn the_commented_file_is_the_default() {
        let settings = with(&[]).unwrap();
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.server.bind, "127.0.0.1:8080");
    }

    #[test]
    fn the_environment_wins_and_bad_values_are_named() {
        let settings = with(&[("THATGIA__SERVER__MAX_BATCH", "7")]).unwrap();
        assert_eq!(settings.server.max_batch, 7);
        let error = with(&[("THATGIA__SCORING__BASE_RATE", "1.5")]).unwrap_err().to_string();
        assert!(error.contains("scoring.base_rate"), "{error}");
        let error = with(&[("THATGIA__GATE__MAX_ECE", "nan")]).unwrap_err().to_string();
        assert!(error.contains("gate.max_ece must be from 0 to 1"), "{error}");
        let error = with(&[("THATGIA__SERVER__MAX_BATCH", "many")]).unwrap_err().to_string();
        assert!(error.contains("max_batch"), "{error}");
        assert!(with(&[("THATGIA__SERVER__MAXBATCH", "7")]).is_err());
    }

    #[test]
    fn a_file_sets_only_what_differs() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.toml");
        std::fs::write(&file, "[server]\nbind = \"0.0.0.0:1\"\n").unwrap();
        let empty = config::Environment::with_prefix("X").source(Some(HashMap::new()));
        let settings = load_from(Some(&file), empty.clone()).unwrap();
        assert_eq!((settings.server.bind.as_str(), settings.server.max_batch), ("0.0.0.0:1", 1024));
        std::fs::write(&file, "[server]\nbnid = \"x\"\n").unwrap();
        assert!(load_from(Some(&file), empty).unwrap_err().to_string().contains("bnid"));
    }

    #[test]
    fn a_password_in_the_url_stays_out_of_logs() {
        let mut settings = with(&[]).unwrap();
        settings.store.url = "postgres://u:secret@h/d".to_owned();
        settings.origin.token = "secret".to_owned();
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
