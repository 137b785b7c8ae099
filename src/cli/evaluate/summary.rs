//! What `thatgia evaluate` prints.

use std::fmt::Write as _;

use super::super::output::printable;
use crate::eval::{AttackReport, AttackSort, BandShares, Interval, Metrics, Report};

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"))
}

fn signed(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:+.4}"))
}

/// The report as lines of text.
pub(super) fn text(report: &Report) -> String {
    let dataset = &report.dataset;
    let mut text = format!(
        "{} on {}: {} rows, {} positive, {} groups\n",
        report.model.id, dataset.name, dataset.n, dataset.positives, dataset.groups
    );
    let metrics = report.metrics.to_array();
    let names = Metrics::<()>::NAMES;
    for (i, (name, m)) in names.iter().zip(metrics).enumerate() {
        let _ = write!(
            text,
            "{name:<20} {:>8}  [{}, {}]",
            number(m.value),
            number(m.low),
            number(m.high)
        );
        if let Some(against) = &report.against {
            let (other, delta) = (against.metrics.to_array()[i], against.delta.to_array()[i]);
            let _ = write!(
                text,
                "  {} {:>8}  difference {} [{}, {}] p {}",
                against.model.id,
                number(other.value),
                signed(delta.value),
                signed(delta.low),
                signed(delta.high),
                number(delta.p)
            );
        }
        text.push('\n');
    }
    for b in &report.bands {
        let _ = writeln!(
            text,
            "band {:<15} {:>8}  precision {}, recall so far {}, false positives so far {}",
            b.band,
            b.n,
            number(b.precision),
            number(b.recall),
            number(b.false_positive_rate)
        );
    }
    attacks(&mut text, report);
    ordinary(&mut text, report);
    text
}

/// One line for each kind of attack: how much AUC they cost together, and which the most.
fn attacks(text: &mut String, report: &Report) {
    let all = report.attacks.iter().flatten();
    for sort in [AttackSort::Disguise, AttackSort::Style] {
        for held_out in [false, true] {
            let of = |a: &AttackReport| a.sort == sort && a.held_out == held_out;
            let mut some: Vec<_> = all.clone().filter(|(_, a)| of(a)).collect();
            some.sort_by(|(_, a), (_, b)| {
                let delta = |a: &AttackReport| a.delta.value.unwrap_or(0.0);
                delta(a).total_cmp(&delta(b))
            });
            let Some((name, worst)) = some.first() else { continue };
            let deltas: Vec<f64> = some.iter().filter_map(|(_, a)| a.delta.value).collect();
            let mean =
                (!deltas.is_empty()).then(|| deltas.iter().sum::<f64>() / deltas.len() as f64);
            let _ = writeln!(
                text,
                "{:<20} {:>8}  mean difference in AUC of {} attacks; worst {name}: {} [{}, {}]",
                format!("{} {}", sort.as_str(), if held_out { "held out" } else { "trained" }),
                signed(mean),
                some.len(),
                signed(worst.delta.value),
                signed(worst.delta.low),
                signed(worst.delta.high)
            );
        }
    }
}

fn percent(share: &Interval) -> String {
    let one = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{:.2}", 100.0 * v));
    format!("{} % [{}, {}]", one(share.value), one(share.low), one(share.high))
}

/// Listings of a source from which on its mean is more than chance.
const ENOUGH: usize = 30;

/// All ordinary listings, brands' goods, and the source that scores highest.
fn ordinary(text: &mut String, report: &Report) {
    let Some(ordinary) = &report.ordinary else { return };
    let mut line = |name: &str, shares: &BandShares, mean: Option<f64>| {
        let mean = mean.map(|m| format!(", mean score {m:.4}")).unwrap_or_default();
        let (high, review) = (percent(&shares.high), percent(&shares.review));
        let name = format!("ordinary {}", printable(name));
        let _ = writeln!(text, "{name:<20} {:>8}  high {high}, review {review}{mean}", shares.n);
    };
    line("all", &ordinary.all.shares, ordinary.all.mean);
    line("branded", &ordinary.branded, None);
    let highest = ordinary
        .sources
        .iter()
        .filter(|(_, source)| source.shares.n >= ENOUGH)
        .max_by(|(_, a), (_, b)| a.mean.unwrap_or(0.0).total_cmp(&b.mean.unwrap_or(0.0)));
    if let Some((name, source)) = highest.filter(|_| ordinary.sources.len() > 1) {
        line(&format!("highest, {name}"), &source.shares, source.mean);
    }
    if ordinary.skipped > 0 {
        let _ = writeln!(
            text,
            "{:<20} {:>8}  lines without a listing",
            "ordinary skipped", ordinary.skipped
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge::Judge;
    use super::super::judge::tests::{by_length, rows};
    use super::*;
    use crate::dataset::samples;
    use crate::eval::bootstrap::Bootstrap;
    use crate::eval::{
        Attacked, Options, OrdinaryScore, evaluate, measure_attacks, measure_ordinary,
    };

    fn report() -> Report {
        let samples = samples(&rows());
        let bootstrap = Bootstrap { rounds: 20, seed: 0 };
        let model = by_length().contender(&rows()).unwrap();
        let regex = Judge::Regex.contender(&rows()).unwrap();
        let options = Options { bootstrap, ..Options::default() };
        let mut report = evaluate(&samples, &model, Some(&regex), &options).unwrap();
        let attacked = |name: &str, held_out, scores| Attacked {
            name: name.to_owned(),
            held_out,
            sort: AttackSort::Disguise,
            changed: 2,
            scores,
        };
        let attacks = [
            attacked("leet", false, model.scores.clone()),
            attacked("dotting", false, vec![0.0, 0.5, 0.9]),
            attacked("swapped", true, model.scores.clone()),
        ];
        report.attacks = Some(measure_attacks(&samples, &model, &attacks, bootstrap).unwrap());
        let score = |source: &str, score| OrdinaryScore {
            source: source.to_owned(),
            score,
            band: Some(crate::domain::Band::Low),
            branded: false,
        };
        let few = [score("few", 0.9), score("c", 0.1)];
        let scores: Vec<_> =
            few.into_iter().chain((0..ENOUGH).map(|_| score("a\u{1b}b", 0.4))).collect();
        report.ordinary = Some(measure_ordinary("x", "00", 1, &scores));
        report
    }

    #[test]
    fn the_summary_has_a_line_for_everything_measured() {
        let text = text(&report());
        assert!(text.contains("auc                    1.0000"), "{text}");
        assert!(text.contains("regex") && text.contains("band low"), "{text}");
        let trained = "disguise trained      -0.2500  mean difference in AUC of 2 attacks; worst dotting: -0.5000";
        assert!(text.contains(trained), "{text}");
        assert!(text.contains("disguise held out     +0.0000"), "{text}");
        assert!(
            text.contains("ordinary all               32  high 0.00 % [0.00, 10.72]"),
            "{text}"
        );
        assert!(
            text.contains("ordinary highest, ab       30") && !text.contains('\u{1b}'),
            "{text}"
        );
        assert!(text.contains("ordinary skipped            1"), "{text}");
    }
}
