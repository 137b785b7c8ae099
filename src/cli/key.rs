//! `thatgia key`: who may use the service.

use std::io::Write as _;
use std::net::SocketAddr;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use time::format_description::well_known::Rfc3339;

use super::error::Hint as _;
use super::runtime::{StoreArgs, block_on, open_existing};
use super::{Status, output, serve};
use crate::domain::Role;
use crate::flow::{CONSOLE_ROLES, SIGN_IN_WITHIN};
use crate::store::{Actor, KeyRecord, NewKey, Store, StoreError};

const CREATE: &str = "Example:
  thatgia key create --role crawler --name \"Crawler in Hanoi\"
  thatgia key create --role analyst --name \"T. Nguyen\" --agency dms --province \"Hà Nội\"";
const LIST: &str = "Example:
  thatgia key list --json";
const REVOKE: &str = "Example:
  thatgia key revoke k-0123456789abcdef";
const SIGN_IN: &str = "Examples:
  thatgia key sign-in k-0123456789abcdef
  thatgia key sign-in k-0123456789abcdef --url https://thatgia.example";

/// Make, list and revoke the keys of the service; sign their holders in to the console.
#[derive(Debug, clap::Args)]
pub(super) struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(Create),
    List(List),
    Revoke(Revoke),
    SignIn(SignIn),
}

/// Make a key and print its secret, this once.
///
/// Standard output holds the secret alone; what is known of the key goes to standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = CREATE)]
struct Create {
    /// What the key's holder may do.
    #[arg(long, value_parser = PossibleValuesParser::new(Role::ALL.map(Role::as_str))
        .try_map(|name| name.parse::<Role>()))]
    role: Role,
    /// Whose key it is.
    #[arg(long)]
    name: String,
    /// The agency that the holder belongs to.
    #[arg(long)]
    agency: Option<String>,
    /// A province that the holder may see; may be given again. All of them by default.
    #[arg(long, value_name = "PROVINCE")]
    province: Vec<String>,
    #[command(flatten)]
    store: StoreArgs,
}

/// List all keys, revoked ones too, oldest first.
#[derive(Debug, clap::Args)]
#[command(after_help = LIST)]
struct List {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Revoke a key and end its sessions.
#[derive(Debug, clap::Args)]
#[command(after_help = REVOKE)]
struct Revoke {
    /// The key's id, as `thatgia key list` shows it.
    id: String,
    #[command(flatten)]
    store: StoreArgs,
}

/// Print a link that signs a key's holder in to the console, once.
///
/// Standard output holds the link alone. The service must run on the same store.
#[derive(Debug, clap::Args)]
#[command(after_help = SIGN_IN)]
struct SignIn {
    /// The key's id, as `thatgia key list` shows it.
    id: String,
    /// Where browsers find the service; by default the address in the settings.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(opts: Opts) -> anyhow::Result<Status> {
    match opts.command {
        Command::Create(create) => with_store(&create.store, async |store| {
            let Create { role, name, agency, province, .. } = &create;
            let new = NewKey {
                name: name.clone(),
                role: *role,
                agency: agency.clone(),
                provinces: province.clone(),
            };
            let (record, key) = store.create_key(&new, &Actor::System).await?;
            let mut out = output::stdout();
            writeln!(out, "{}", key.reveal())?;
            out.flush()?;
            output::note(&format!(
                "{} for {} ({}); the secret is not shown again",
                record.id, record.name, record.role
            ));
            Ok(())
        }),
        Command::List(list) => with_store(&list.store, async |store| {
            let keys = store.list_keys().await?;
            let mut out = output::stdout();
            if list.json {
                for key in &keys {
                    writeln!(out, "{}", json(key))?;
                }
            } else {
                write!(out, "{}", table(&keys))?;
            }
            Ok(out.flush()?)
        }),
        Command::Revoke(revoke) => with_store(&revoke.store, async |store| {
            let record = match store.revoke_key(&revoke.id, &Actor::System).await {
                Err(error @ StoreError::NotFound { .. }) => {
                    Err(error).hint("`thatgia key list` shows the ids")
                }
                other => Ok(other?),
            }?;
            output::note(&format!("{} of {} is revoked", record.id, record.name));
            Ok(())
        }),
        Command::SignIn(opts) => sign_in(&opts),
    }
}

fn sign_in(opts: &SignIn) -> anyhow::Result<Status> {
    let base = match &opts.url {
        Some(url) => url.clone(),
        None => service_url(&opts.store.settings()?.server.bind)?,
    };
    with_store(&opts.store, async |store| {
        let keys = store.list_keys().await?;
        let Some(key) = keys.iter().find(|k| k.id == opts.id && k.revoked_at.is_none()) else {
            let text = format!("no key {:?} that may be used", opts.id);
            return Err(anyhow::anyhow!(text)).hint("`thatgia key list` shows the ids");
        };
        if !CONSOLE_ROLES.contains(&key.role) {
            let text = format!("the role of {} is {}", key.id, key.role);
            let roles = CONSOLE_ROLES.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ");
            return Err(anyhow::anyhow!(text)).hint(format!("the console is for {roles}"));
        }
        let token = store.create_sign_in(&key.id, SIGN_IN_WITHIN).await?;
        let mut out = output::stdout();
        writeln!(out, "{}", serve::sign_in_link(&base, &token))?;
        out.flush()?;
        let minutes = SIGN_IN_WITHIN.as_secs() / 60;
        output::note(&format!("for {}; it works once, within {minutes} minutes", key.name));
        Ok(())
    })
}

/// The address that the settings name, where it is a whole one.
fn service_url(bind: &str) -> anyhow::Result<String> {
    match bind.parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 => Ok(serve::base_url(address)),
        Ok(_) | Err(_) => Err(anyhow::anyhow!("the settings name no address for browsers: {bind}"))
            .hint("--url names it, such as --url https://thatgia.example"),
    }
}

fn with_store(
    args: &StoreArgs,
    work: impl AsyncFnOnce(&Store) -> anyhow::Result<()>,
) -> anyhow::Result<Status> {
    let settings = args.settings()?;
    block_on(async {
        let store = open_existing(&settings.store).await?;
        let outcome = work(&store).await;
        store.close().await;
        outcome.map(|()| Status::Done)
    })
}

fn time(at: time::OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn json(key: &KeyRecord) -> serde_json::Value {
    serde_json::json!({
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "agency": key.agency,
        "provinces": key.provinces,
        "created_at": time(key.created_at),
        "revoked_at": key.revoked_at.map(time),
    })
}

fn table(keys: &[KeyRecord]) -> String {
    let rows = keys.iter().map(|key| {
        [
            key.id.clone(),
            key.role.to_string(),
            output::printable(&key.name),
            output::printable(key.agency.as_deref().unwrap_or_default()),
            output::printable(&key.provinces.join(", ")),
            time(key.created_at),
            key.revoked_at.map(time).unwrap_or_default(),
        ]
    });
    output::table(["ID", "ROLE", "NAME", "AGENCY", "PROVINCES", "CREATED", "REVOKED"], rows)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn key() -> KeyRecord {
        KeyRecord {
            id: "k-0123456789abcdef".to_owned(),
            name: "T. \u{1b}[31mNguyen".to_owned(),
            role: Role::Analyst,
            agency: None,
            provinces: vec!["Hà Nội".to_owned()],
            created_at: OffsetDateTime::UNIX_EPOCH,
            revoked_at: None,
        }
    }

    #[test]
    fn keys_are_listed_without_their_secrets() {
        insta::assert_snapshot!(table(&[key()]), @r##"
    ID                  ROLE     NAME           AGENCY  PROVINCES  CREATED               REVOKED
    k-0123456789abcdef  analyst  T. [31mNguyen          Hà Nội     1970-01-01T00:00:00Z
    "##);
        assert_eq!(json(&key())["revoked_at"], serde_json::Value::Null);
        assert_eq!(json(&key())["created_at"], "1970-01-01T00:00:00Z");
    }
}
