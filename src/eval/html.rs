//! `report.html`: the report for reading, one file that loads nothing.

mod robust;

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use super::calibration::reliability_table;
use super::chart;
use super::evaluate::{Contender, EvalError};
use super::metrics::{Metrics, Ranking};
use super::report::{Delta, Interval, Report, SliceReport};
use super::slices::Sample;

const TEMPLATE: &str = include_str!("report.html");
/// Rows in each list of errors.
const WORST: usize = 15;
/// Characters of a description that the list shows.
const SHOWN: usize = 600;
/// p below which a difference is called one.
const SIGNIFICANT: f64 = 0.05;

/// A metric for readers.
struct Name {
    text: &'static str,
    higher_is_better: bool,
}

const NAMES: [Name; 7] = [
    Name { text: "AUC", higher_is_better: true },
    Name { text: "Average precision", higher_is_better: true },
    Name { text: "Precision at 100", higher_is_better: true },
    Name { text: "Recall at 1 % false positives", higher_is_better: true },
    Name { text: "Expected calibration error", higher_is_better: false },
    Name { text: "Brier score", higher_is_better: false },
    Name { text: "Log loss", higher_is_better: false },
];

#[derive(Serialize)]
struct Page<'a> {
    report: &'a Report,
    share: String,
    metrics: Vec<MetricRow>,
    bands: Vec<BandRow>,
    curve: String,
    reliability: String,
    histogram: String,
    other_histogram: String,
    slices: Vec<SliceGroup>,
    attacks: Vec<robust::AttackRow>,
    ordinary: Option<robust::Ordinary<'a>>,
    errors: [ErrorList<'a>; 2],
}

#[derive(Serialize)]
struct MetricRow {
    name: &'static str,
    better: &'static str,
    value: String,
    other: String,
    delta: String,
    p: String,
    verdict: &'static str,
}

#[derive(Serialize)]
struct BandRow {
    name: &'static str,
    n: usize,
    positives: usize,
    precision: String,
    recall: String,
    false_positive_rate: String,
}

#[derive(Serialize)]
struct SliceGroup {
    title: String,
    rows: Vec<SliceRow>,
}

#[derive(Serialize)]
struct SliceRow {
    name: String,
    n: usize,
    positives: usize,
    one_label: bool,
    auc: String,
    whisker: String,
    other: String,
    delta: String,
    verdict: &'static str,
    average_precision: String,
    recall: String,
    ece: String,
    brier: String,
}

#[derive(Serialize)]
struct ErrorList<'a> {
    title: &'static str,
    rows: Vec<ErrorRow<'a>>,
}

#[derive(Serialize)]
struct ErrorRow<'a> {
    id: &'a str,
    slice: &'a str,
    score: String,
    band: &'static str,
    other: String,
    title: &'a str,
    description: String,
    price: &'a str,
    why: &'a str,
}

/// The page for `report`, with the curves and errors of the scores that it was made from.
///
/// # Errors
/// When the template cannot be filled in, or the scores are not one for each sample.
pub fn render(
    report: &Report,
    samples: &[Sample],
    model: &Contender,
    against: Option<&Contender>,
) -> Result<String, EvalError> {
    for contender in std::iter::once(model).chain(against) {
        let (got, want) = (contender.scores.len(), samples.len());
        if got != want {
            let model = contender.model.id.clone();
            return Err(EvalError::Count { model, what: "scores", got, want });
        }
    }
    let labels: Vec<bool> = samples.iter().map(|s| s.label).collect();
    let all: Vec<usize> = (0..samples.len()).collect();
    let blocks = |c: &Contender| Ranking::new(&c.scores, &labels, &all).blocks();
    let bins = |c: &Contender| reliability_table(&c.scores, &labels);
    let share = report.dataset.positives as f64 / report.dataset.n.max(1) as f64;
    let page = Page {
        report,
        share: format!("{:.0} %", 100.0 * share),
        metrics: metric_rows(report),
        bands: band_rows(report),
        curve: chart::precision_recall(&blocks(model), against.map(blocks).as_deref()),
        reliability: chart::reliability(&bins(model), against.map(bins).as_deref()),
        histogram: chart::histogram(&model.scores, &labels),
        other_histogram: against.map_or_else(String::new, |a| chart::histogram(&a.scores, &labels)),
        slices: slice_groups(report),
        attacks: robust::attack_rows(report),
        ordinary: robust::ordinary(report),
        errors: [
            error_list("Counterfeit, scored low", true, samples, model, against),
            error_list("Genuine, scored high", false, samples, model, against),
        ],
    };
    // The name ends in `.html`, so every text is escaped unless marked as safe.
    let mut templates = Environment::new();
    templates
        .add_template("report.html", TEMPLATE)
        .and_then(|()| templates.get_template("report.html")?.render(Serde(&page)))
        .map(|page| page + "\n")
        .map_err(|e| EvalError::Page(e.to_string()))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"))
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{:.1} %", 100.0 * v))
}

fn with_bounds(i: &Interval) -> String {
    match (i.low, i.high) {
        (Some(low), Some(high)) => format!("{} ({low:.3} to {high:.3})", number(i.value)),
        _ => number(i.value),
    }
}

fn metric_rows(report: &Report) -> Vec<MetricRow> {
    let rows = NAMES.iter().enumerate().map(|(i, name)| {
        let other = report.against.as_ref().map(|a| *a.metrics.to_array()[i]);
        let delta = report.against.as_ref().map(|a| *a.delta.to_array()[i]).unwrap_or_default();
        MetricRow {
            name: name.text,
            better: if name.higher_is_better { "higher is better" } else { "lower is better" },
            value: with_bounds(report.metrics.to_array()[i]),
            other: other.map(|o| with_bounds(&o)).unwrap_or_default(),
            delta: signed(&delta),
            p: delta.p.map_or_else(|| "–".to_owned(), |p| format!("{p:.3}")),
            verdict: verdict(&delta, name.higher_is_better),
        }
    });
    rows.collect()
}

fn signed(delta: &Delta) -> String {
    match (delta.value, delta.low, delta.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("{value:+.3} ({low:+.3} to {high:+.3})")
        }
        (Some(value), ..) => format!("{value:+.3}"),
        _ => "–".to_owned(),
    }
}

fn verdict(delta: &Delta, higher_is_better: bool) -> &'static str {
    match (delta.value, delta.p) {
        (Some(value), Some(p)) if p < SIGNIFICANT => {
            if (value > 0.0) == higher_is_better {
                "better"
            } else {
                "worse"
            }
        }
        (Some(_), Some(_)) => "no clear difference",
        _ => "",
    }
}

fn band_rows(report: &Report) -> Vec<BandRow> {
    let rows = report.bands.iter().map(|b| BandRow {
        name: b.band.as_str(),
        n: b.n,
        positives: b.positives,
        precision: percent(b.precision),
        recall: percent(b.recall),
        false_positive_rate: percent(b.false_positive_rate),
    });
    rows.collect()
}

/// Slices by what stands before the `:` of their names; those without come first.
fn slice_groups(report: &Report) -> Vec<SliceGroup> {
    let mut groups: Vec<SliceGroup> = Vec::new();
    let mut names: Vec<(&str, &str)> =
        report.slices.keys().map(|n| n.split_once(':').unwrap_or(("", n))).collect();
    names.sort_unstable();
    for (kind, name) in names {
        let title = if kind.is_empty() { "kind of listing" } else { kind };
        let key = if kind.is_empty() { name.to_owned() } else { format!("{kind}:{name}") };
        let row = slice_row(report, &key, name);
        match groups.last_mut() {
            Some(group) if group.title == title => group.rows.extend(row),
            _ => {
                let rows = row.into_iter().collect();
                groups.push(SliceGroup { title: title.to_owned(), rows });
            }
        }
    }
    groups
}

fn slice_row(report: &Report, key: &str, name: &str) -> Option<SliceRow> {
    let SliceReport { n, positives, one_label, metrics } = report.slices.get(key)?;
    let auc = &metrics.auc;
    let other = report.against.as_ref().and_then(|a| a.slices.get(key));
    let of = |m: &Metrics<Interval>, i: usize| number(m.to_array()[i].value);
    let delta = report.against.as_ref().and_then(|a| a.slice_auc_delta.get(key));
    Some(SliceRow {
        name: name.to_owned(),
        n: *n,
        positives: *positives,
        one_label: *one_label,
        auc: with_bounds(auc),
        whisker: auc.value.map_or_else(String::new, |value| {
            chart::whisker(value, auc.low.zip(auc.high), (0.5, 1.0))
        }),
        other: other.map(|s| with_bounds(&s.metrics.auc)).unwrap_or_default(),
        delta: delta.map(signed).unwrap_or_default(),
        verdict: delta.map_or("", |d| verdict(d, true)),
        average_precision: of(metrics, 1),
        recall: of(metrics, 3),
        ece: of(metrics, 4),
        brier: of(metrics, 5),
    })
}

/// The rows of one label whose score is furthest from it, as far as they are past one half.
fn error_list<'a>(
    title: &'static str,
    label: bool,
    samples: &'a [Sample],
    model: &Contender,
    against: Option<&Contender>,
) -> ErrorList<'a> {
    let off = |row: usize| if label { 1.0 - model.scores[row] } else { model.scores[row] };
    let mut rows: Vec<usize> =
        (0..samples.len()).filter(|r| samples[*r].label == label && off(*r) > 0.5).collect();
    rows.sort_by(|a, b| off(*b).total_cmp(&off(*a)).then(a.cmp(b)));
    let rows = rows.into_iter().take(WORST).map(|row| {
        let sample = &samples[row];
        let description = sample.description.as_deref().unwrap_or_default();
        let mut shown: String = description.chars().take(SHOWN).collect();
        if shown.len() < description.len() {
            shown.push('…');
        }
        ErrorRow {
            id: &sample.id,
            slice: sample.slices.first().map_or("", String::as_str),
            score: format!("{:.3}", model.scores[row]),
            band: model.bands.get(row).map_or("", |b| b.as_str()),
            other: against.map_or_else(String::new, |a| format!("{:.3}", a.scores[row])),
            title: &sample.title,
            description: shown,
            price: sample.price.as_deref().unwrap_or_default(),
            why: &sample.why,
        }
    });
    ErrorList { title, rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Band;
    use crate::eval::bootstrap::Bootstrap;
    use crate::eval::{
        AttackSort, Attacked, ModelInfo, Options, OrdinaryScore, evaluate, measure_attacks,
        measure_ordinary,
    };

    fn page(with_other: bool) -> String {
        let samples: Vec<Sample> = (0..60)
            .map(|i| Sample {
                id: format!("r{i}"),
                label: i % 2 == 0,
                group: i,
                slices: vec!["open_terms".into(), "platform:<b>".into()],
                title: format!("Giày <script>alert({i})</script> & \"túi\""),
                description: Some("d".repeat(700)),
                price: Some("100.000 VND".into()),
                why: "because".into(),
            })
            .collect();
        let model = |id: &str, step: usize| Contender {
            model: ModelInfo { id: id.into(), weights_sha256: Some("ab".repeat(32)) },
            scores: (0..60).map(|i| (i * step % 60) as f64 / 60.0).collect(),
            bands: vec![Band::Review; 60],
        };
        let (ours, theirs) = (model("vi-1", 7), model("<vi-0>", 11));
        let theirs = with_other.then_some(&theirs);
        let options = Options {
            dataset: "toy <set>".into(),
            sha256: "00".into(),
            bootstrap: Bootstrap { rounds: 50, seed: 1 },
        };
        let mut report = evaluate(&samples, &ours, theirs, &options).unwrap();
        if with_other {
            let attack = Attacked {
                name: "zero_width".into(),
                held_out: true,
                sort: AttackSort::Disguise,
                changed: 30,
                scores: vec![0.5; 60],
            };
            let attacks = measure_attacks(&samples, &ours, &[attack], options.bootstrap);
            report.attacks = Some(attacks.unwrap());
            let score = |band| OrdinaryScore {
                source: "<i>crawl".into(),
                score: 0.2,
                band: Some(band),
                branded: true,
            };
            let scores = [score(Band::Low), score(Band::High)];
            report.ordinary = Some(measure_ordinary("a<b>.jsonl", "00", 2, &scores));
        }
        render(&report, &samples, &ours, theirs).unwrap()
    }

    #[test]
    fn what_sellers_wrote_is_escaped_and_nothing_is_loaded() {
        let page = page(true);
        assert!(page.contains("Giày &lt;script&gt;"), "{page}");
        for bad in
            ["<script", "http", "src=", "@import", "url(", "NaN", "<vi-0>", "<b>", "<set>", "<i>"]
        {
            assert!(!page.contains(bad), "{bad}");
        }
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        assert_eq!(page.matches("class=\"plot\"").count(), 4);
        assert!(page.contains(&format!("{}…", "d".repeat(SHOWN))));
    }

    #[test]
    fn the_other_model_shows_only_where_there_is_one() {
        assert!(page(true).contains("&lt;vi-0&gt;"));
        let alone = page(false);
        assert_eq!(alone.matches("class=\"plot\"").count(), 3);
        assert!(!alone.contains("vi-0") && !alone.contains("difference"), "{alone}");
    }

    #[test]
    fn attacks_and_ordinary_listings_have_their_tables() {
        let full = page(true);
        for part in [
            "<td>zero width</td><td>disguise</td><td class=\"nowrap\"><strong>held out</strong></td>",
            "<td class=\"hash\">&lt;i&gt;crawl</td><td class=\"n\">2</td><td>50.0 % (9.5 to 90.5)</td>",
            "2 scored from a&lt;b&gt;.jsonl, 2 lines skipped",
        ] {
            assert!(full.contains(part), "{part}");
        }
        let alone = page(false);
        assert!(!alone.contains("<h2>Attacks") && !alone.contains("<h2>Ordinary"));
    }

    #[test]
    fn a_verdict_knows_which_way_is_better() {
        let delta = |value, p| Delta { value: Some(value), low: None, high: None, p: Some(p) };
        assert_eq!(verdict(&delta(0.1, 0.01), true), "better");
        assert_eq!(verdict(&delta(0.1, 0.01), false), "worse");
        assert_eq!(verdict(&delta(-0.1, 0.01), false), "better");
        assert_eq!(verdict(&delta(0.1, 0.2), true), "no clear difference");
        assert_eq!(verdict(&Delta::default(), true), "");
    }
}
