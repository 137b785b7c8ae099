use std::io::Write as _;

use serde_json::json;

use super::super::model::{self, TierChoice, Wanted};
use super::super::{Status, output};
use super::{Place, hinted};
use crate::domain::{Clock as _, ModelId, SystemClock};
use crate::registry::{Action, Change, Exclusive, Held};

const EXAMPLES: &str = "Examples:
  thatgia models rollback
  thatgia models rollback --to vi-fast-2026-11c";

/// Put the model back in use that was in use before.
///
/// Undoes the last change of the model in use, be it a promotion or a rollback: a second rollback
/// goes forward again. --to goes further back, to any model that was in use once. A model comes
/// back only as it was: its files must have the hashes that they had. There is no gate.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Opts {
    /// The model to go back to.
    #[arg(long, value_name = "ID", value_parser = ModelId::new)]
    to: Option<ModelId>,
    /// Print the change as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let (settings, models) = opts.place.resolve()?;
    let exclusive = Exclusive::lock(&models).map_err(hinted)?;
    let folder = exclusive.before(opts.to.as_ref()).map_err(hinted)?;
    // Files can be as they were and this build still be unable to read them.
    let dir = folder.dir.canonicalize()?;
    let wanted = Wanted::new(settings.scoring, Some(&dir.to_string_lossy()), TierChoice::Auto);
    model::load(&wanted)?;
    let change = Change {
        time: SystemClock.now(),
        action: Action::Rollback,
        from: exclusive.held()?,
        to: Held::new(&folder),
        dataset_sha256: None,
        report_sha256: None,
    };
    exclusive.commit(&change)?;
    if opts.json {
        let mut out = output::stdout();
        writeln!(out, "{}", json!(change))?;
        out.flush()?;
    }
    output::note(&format!("{} is in use", change.to.id));
    Ok(Status::Done)
}
