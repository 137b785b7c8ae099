use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::super::error::Hint as _;
use super::super::model::{self, TierChoice, Wanted};
use super::super::runtime::{block_on, has_store, open_existing};
use super::super::{Status, output};
use super::{Place, facts, hinted};
use crate::config::{self, Settings};
use crate::domain::{Band, ModelId};
use crate::registry::{
    Exclusive, Shadowing, Share, clear_shadow, live_if_any, model_dir, read_shadow, set_shadow,
};
use crate::store::ShadowSummary;

const EXAMPLES: &str = "Examples:
  thatgia models shadow vi-fast-2026-12 --share 0.1
  thatgia models shadow --data /var/lib/thatgia
  thatgia models shadow --off";

/// Put a second model in the shadow of the live one, or show what it said.
///
/// The service has it score a share of what the live model has scored, keeps both scores, and shows
/// nobody. The share is of different contents: a listing is always in it or always out. Without a
/// model, shows which one is in the shadow and, where there is a store, how it compares with each
/// model that was live meanwhile: a row counts once, however often it was sent.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Opts {
    /// The model to put in the shadow, by its id in the folder of models.
    #[arg(value_name = "ID", value_parser = ModelId::new, requires = "share")]
    model: Option<ModelId>,
    /// Which share of the listings it scores: above 0, at most 1.
    #[arg(long, value_name = "SHARE", requires = "model")]
    share: Option<Share>,
    /// Take the model out of the shadow; what it said is kept.
    #[arg(long, conflicts_with = "model")]
    off: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Folder of the embedded store; without effect where settings name a PostgreSQL URL.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["model", "off"])]
    data: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

/// What there is to show.
struct About {
    live: Option<ModelId>,
    shadow: Option<Shadowing>,
    /// `None` where there is no store, or no shadow.
    summaries: Option<Vec<ShadowSummary>>,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let (mut settings, models) = opts.place.resolve()?;
    let mut about = About { live: live_if_any(&models)?, shadow: None, summaries: None };
    if let (Some(model), Some(share)) = (&opts.model, opts.share) {
        let shadowing = Shadowing { model: model.clone(), share };
        put(settings, &models, &shadowing)?;
        output::note(&format!("{model} is in the shadow"));
        about.shadow = Some(shadowing);
    } else if opts.off {
        let was = clear_shadow(&models)?;
        output::note(if was { "no model is in the shadow any more" } else { "none was" });
    } else {
        about.shadow = read_shadow(&models).hint("`thatgia models shadow --off` removes it")?;
        if let Some(data) = &opts.data {
            data.clone_into(&mut settings.store.data_dir);
        }
        // Where no store was named, none has to be there.
        if opts.data.is_some() || has_store(&settings.store) {
            about.summaries = match &about.shadow {
                Some(shadow) => Some(summaries(&settings.store, &shadow.model)?),
                None => None,
            };
        }
        if !opts.json {
            let mut out = output::stdout();
            write!(out, "{}", text(&about))?;
            out.flush()?;
        }
    }
    if opts.json {
        let mut out = output::stdout();
        writeln!(out, "{}", as_json(&about))?;
        out.flush()?;
    }
    Ok(Status::Done)
}

fn put(settings: Settings, models: &Path, shadowing: &Shadowing) -> anyhow::Result<()> {
    // So that the model does not become live meanwhile.
    let exclusive = Exclusive::lock(models).map_err(hinted)?;
    let id = &shadowing.model;
    if exclusive.live()?.as_ref() == Some(id) {
        return Err(anyhow::anyhow!("{id} is the live model")).hint("name another one");
    }
    let dir = model_dir(models, id).hint("`thatgia models list` shows the ids")?.canonicalize()?;
    let wanted = Wanted::new(settings.scoring, Some(&dir.to_string_lossy()), TierChoice::Auto);
    let scorer = model::load(&wanted)?;
    let own = &scorer.model().id;
    anyhow::ensure!(own == id, "{}: the manifest names another model, {own}", dir.display());
    Ok(set_shadow(models, shadowing)?)
}

fn summaries(settings: &config::Store, model: &ModelId) -> anyhow::Result<Vec<ShadowSummary>> {
    block_on(async {
        let store = open_existing(settings).await?;
        let summaries = store.shadow_summary(model).await;
        store.close().await;
        Ok(summaries?)
    })
}

fn as_json(about: &About) -> Value {
    let summary = |s: &ShadowSummary| {
        let row = |(band, counts): (&Band, &[u64; 3])| {
            let counts = Band::ALL.iter().zip(counts).map(|(b, n)| (b.to_string(), json!(n)));
            (band.to_string(), Value::Object(counts.collect()))
        };
        let bands: Map<String, Value> = Band::ALL.iter().zip(&s.bands).map(row).collect();
        json!({
            "live": s.live,
            "rows": s.rows,
            "bands": bands,
            "mean_difference": s.mean_difference,
            "bands_differ": s.bands_differ(),
            "first_at": facts::time(s.first_at),
            "last_at": facts::time(s.last_at),
        })
    };
    let summaries = about.summaries.as_ref();
    json!({
        "live": about.live,
        "shadow": about.shadow,
        "summaries": summaries.map(|all| all.iter().map(summary).collect::<Vec<_>>()),
    })
}

fn text(about: &About) -> String {
    let About { live, shadow, summaries } = about;
    let live = live.as_ref();
    let mut text = format!("live    {}\n", live.map_or("none", ModelId::as_str));
    let Some(Shadowing { model, share }) = shadow else {
        text.push_str("shadow  none\n");
        return text;
    };
    let rests = if live == Some(model) { "; rests, it is the live model" } else { "" };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "shadow  {model}, share {share}{rests}");
    for summary in summaries.iter().flatten() {
        let (first, last) = (facts::time(summary.first_at), facts::time(summary.last_at));
        let rows = output::count(summary.rows);
        let _ = writeln!(text, "\nagainst {}: {rows} rows, {first} to {last}", summary.live);
        let _ = writeln!(text, "mean difference of score  {:.4}", summary.mean_difference);
        let _ = writeln!(text, "bands differ              {:.2}%", summary.bands_differ() * 100.0);
        let header = ["LIVE \\ SHADOW", "LOW", "REVIEW", "HIGH"];
        let row = |(band, counts): (&Band, &[u64; 3])| {
            let [low, review, high] = counts.map(output::count);
            [band.to_string(), low, review, high]
        };
        text.push_str(&output::table(header, Band::ALL.iter().zip(&summary.bands).map(row)));
    }
    if summaries.as_ref().is_some_and(Vec::is_empty) {
        text.push_str("no rows yet\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn about() -> About {
        let id = |id| ModelId::new(id).unwrap();
        let at = |s| OffsetDateTime::from_unix_timestamp(s).unwrap();
        About {
            live: Some(id("vi-1")),
            shadow: Some(Shadowing { model: id("vi-2"), share: Share::new(0.1).unwrap() }),
            summaries: Some(vec![ShadowSummary {
                live: id("vi-1"),
                rows: 2000,
                bands: [[1500, 40, 0], [10, 250, 0], [0, 0, 200]],
                mean_difference: 0.0125,
                first_at: at(1_790_000_000),
                last_at: at(1_790_000_060),
            }]),
        }
    }

    #[test]
    fn a_comparison_is_a_table_for_people() {
        insta::assert_snapshot!(text(&about()), @r"
        live    vi-1
        shadow  vi-2, share 0.1

        against vi-1: 2,000 rows, 2026-09-21T14:13:20Z to 2026-09-21T14:14:20Z
        mean difference of score  0.0125
        bands differ              2.50%
         LIVE \ SHADOW  LOW    REVIEW  HIGH
         low            1,500  40      0
         review         10     250     0
         high           0      0       200
        ");
        let none = About { live: None, shadow: None, summaries: None };
        assert_eq!(text(&none), "live    none\nshadow  none\n");
        let rests = About { live: about().shadow.map(|s| s.model), ..about() };
        assert!(text(&rests).contains("share 0.1; rests, it is the live model\n"));
        let early = About { summaries: Some(Vec::new()), ..about() };
        assert!(text(&early).ends_with("share 0.1\nno rows yet\n"));
    }

    #[test]
    fn a_comparison_is_an_object_for_programs() {
        insta::assert_snapshot!(as_json(&about()).to_string(), @r#"{"live":"vi-1","shadow":{"model":"vi-2","share":0.1},"summaries":[{"bands":{"high":{"high":200,"low":0,"review":0},"low":{"high":0,"low":1500,"review":40},"review":{"high":0,"low":10,"review":250}},"bands_differ":0.025,"first_at":"2026-09-21T14:13:20Z","last_at":"2026-09-21T14:14:20Z","live":"vi-1","mean_difference":0.0125,"rows":2000}]}"#);
    }
}
