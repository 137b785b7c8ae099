use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use thatgia::config;
use thatgia::domain::{Band, ModelId, SystemClock};
use thatgia::registry::Exclusive;
use thatgia::store::{ModelScore, ShadowScore, Store};

use super::models::{LIVE, Place};

/// The models that ship, and the same once more as `vi-next`.
fn two() -> Place {
    let place = Place::new();
    fs::rename(place.candidate("vi-next"), place.models().join("vi-next")).unwrap();
    place
}

fn file(place: &Place) -> Option<String> {
    fs::read_to_string(place.models().join("shadow")).ok()
}

fn shadow(place: &Place, args: &[&str]) -> (i32, String, String) {
    place.run(&[&["shadow"], args].concat())
}

fn none() -> String {
    format!("live    {LIVE}\nshadow  none\n")
}

#[test]
fn a_model_goes_into_the_shadow_and_out_of_it() {
    let place = two();
    assert_eq!(shadow(&place, &[]), (0, none(), String::new()));
    let (code, out, err) = shadow(&place, &["vi-next", "--share", "0.1"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", "vi-next is in the shadow\n"));
    assert_eq!(file(&place).as_deref(), Some("model = \"vi-next\"\nshare = 0.1\n"));
    let (code, out, _) = shadow(&place, &[]);
    assert_eq!((code, out), (0, format!("live    {LIVE}\nshadow  vi-next, share 0.1\n")));
    let (code, out, _) = shadow(&place, &["vi-next", "--share", "1", "--json"]);
    let set: Value = serde_json::from_str(&out).unwrap();
    let want =
        json!({"live": LIVE, "shadow": {"model": "vi-next", "share": 1.0}, "summaries": null});
    assert_eq!((code, set), (0, want));
    // It is no model in use: the list and the rest go on as before.
    let (_, list, _) = place.run(&["list"]);
    assert_eq!(list.matches(" live ").count(), 1, "{list}");

    let (code, _, err) = shadow(&place, &["--off"]);
    assert_eq!((code, err.as_str()), (0, "no model is in the shadow any more\n"));
    assert_eq!(file(&place), None);
    assert_eq!(shadow(&place, &["--off"]), (0, String::new(), "none was\n".to_owned()));
}

#[test]
fn what_cannot_score_does_not_go_into_the_shadow() {
    let place = two();
    for (args, words) in [
        (&[LIVE, "--share", "0.1"][..], "is the live model\nhint: "),
        (&["vi-none", "--share", "0.1"], "hint: `thatgia models list`"),
        (&["vi-next", "--share", "0"], "a share is above 0 and at most 1, got 0"),
        (&["vi-next", "--share", "1.5"], "got 1.5"),
        (&["vi-next", "--share", "half"], "got \"half\""),
        (&["vi-next"], "--share <SHARE>"),
        (&["--share", "0.1"], "<ID>"),
        (&["../vi-next", "--share", "0.1"], "is not a model id"),
        (&["vi-next", "--share", "0.1", "--off"], "cannot be used with"),
    ] {
        let (code, out, err) = shadow(&place, args);
        assert_eq!((code, out.as_str(), file(&place)), (1, "", None), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
    let held = Exclusive::lock(&place.models()).unwrap();
    let (code, _, err) = shadow(&place, &["vi-next", "--share", "0.1"]);
    assert_eq!((code, file(&place)), (1, None));
    assert!(err.contains("is under way\nhint: try again"), "{err}");
    drop(held);
    fs::write(place.models().join("vi-next/lexicon.toml"), "").unwrap();
    let (code, _, err) = shadow(&place, &["vi-next", "--share", "0.1"]);
    assert_eq!((code, file(&place)), (1, None));
    assert!(err.contains("lexicon.toml: SHA-256 is"), "{err}");

    fs::write(place.models().join("shadow"), "vi-next").unwrap();
    let (code, _, err) = shadow(&place, &[]);
    assert_eq!(code, 1);
    assert!(err.contains("\nhint: `thatgia models shadow --off`"), "{err}");
    assert_eq!(shadow(&place, &["--off"]).0, 0);
}

#[tokio::test]
async fn what_it_said_is_summed_up() {
    let place = two();
    let data = place.models().join("../data");
    let path = data.to_str().unwrap();
    assert_eq!(shadow(&place, &["vi-next", "--share", "0.1"]).0, 0);
    let (code, _, err) = shadow(&place, &["--data", path]);
    assert_eq!(code, 1);
    assert!(err.starts_with("error: no store in ") && err.contains("\nhint: --data"), "{err}");

    let settings = config::Store { data_dir: data.clone(), url: String::new(), max_connections: 1 };
    let store = Store::open(&settings, Arc::new(SystemClock)).await.unwrap();
    store.migrate().await.unwrap();
    let (code, out, _) = shadow(&place, &["--data", path]);
    assert_eq!((code, out.lines().last()), (0, Some("no rows yet")));
    let said = |model: &str, score: f64, band: Band| ModelScore {
        model: ModelId::new(model).unwrap(),
        score,
        band,
    };
    let rows: Vec<_> = (0..4)
        .map(|n| ShadowScore {
            listing_id: None,
            content_sha256: format!("{n:064}"),
            live: said(LIVE, 0.25, Band::Low),
            shadow: match n {
                0 => said("vi-next", 0.75, Band::Review),
                _ => said("vi-next", 0.25, Band::Low),
            },
        })
        .collect();
    store.save_shadow(&rows).await.unwrap();
    store.close().await;

    // In ./data, as every command that uses the store finds it.
    let (code, out, err) = shadow(&place, &[]);
    assert_eq!(code, 0, "{err}");
    for part in [
        "shadow  vi-next, share 0.1\n",
        &format!("\nagainst {LIVE}: 4 rows, 2"),
        "mean difference of score  0.1250\n",
        "bands differ              25.00%\n",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (_, out, _) = shadow(&place, &["--json", "--data", path]);
    let shown: Value = serde_json::from_str(&out).unwrap();
    let summary = &shown["summaries"][0];
    assert_eq!(summary["bands"]["low"], json!({"low": 3, "review": 1, "high": 0}));
    assert_eq!((&summary["live"], &summary["rows"]), (&LIVE.into(), &4.into()));
    assert_eq!(
        (&summary["mean_difference"], &summary["bands_differ"]),
        (&0.125.into(), &0.25.into())
    );
}
