use serde::Serialize;

use super::figures;
use super::lang::Lang;
use super::line::{Line, sense};
use crate::domain::Part;

/// The terms of a score as bars, each beginning where the one before it ends.
#[derive(Debug, Serialize)]
pub(super) struct Sum {
    bars: Vec<Bar>,
    /// Where zero lies, in percent of the width.
    zero: String,
    total: String,
    percent: String,
}

#[derive(Debug, Serialize)]
struct Bar {
    name: &'static str,
    /// `None` for a part that had no input.
    amount: Option<String>,
    /// Left edge and width in percent of the chart's.
    from: String,
    width: String,
    sense: &'static str,
    total: bool,
}

/// One term before it is drawn.
struct Term {
    name: &'static str,
    amount: Option<f64>,
    from: f64,
    to: f64,
    total: bool,
}

/// Prior, parts and their sum.
pub(super) fn sum(line: &Line, lang: Lang) -> Sum {
    let prior = lang.pick("Ban đầu", "Prior");
    let mut terms = vec![Term {
        name: prior,
        amount: Some(line.prior),
        from: 0.0,
        to: line.prior,
        total: false,
    }];
    let mut here = line.prior;
    for part in Part::ALL {
        let amount = line.parts.get(*part);
        let to = here + amount.unwrap_or(0.0);
        terms.push(Term { name: lang.part(*part), amount, from: here, to, total: false });
        here = to;
    }
    let name = lang.pick("Tổng", "Sum");
    terms.push(Term { name, amount: Some(here), from: 0.0, to: here, total: true });

    let ends = terms.iter().flat_map(|t| [t.from, t.to]);
    let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(l, h), x| (l.min(x), h.max(x)));
    let scale = 100.0 / (high - low).max(1e-9);
    let place = |x: f64| (x - low) * scale;
    let bar = |term: &Term| Bar {
        name: term.name,
        amount: term.amount.map(|a| figures::log_odds(a, lang)),
        from: format!("{:.2}", place(term.from.min(term.to))),
        width: format!("{:.2}", (term.to - term.from).abs() * scale),
        sense: sense(term.amount.unwrap_or(0.0)),
        total: term.total,
    };
    Sum {
        bars: terms.iter().map(bar).collect(),
        zero: format!("{:.2}", place(0.0)),
        total: figures::log_odds(here, lang),
        percent: figures::percent(line.score, lang),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LegalClass, Parts, Tier};

    #[test]
    fn bars_begin_where_the_one_before_ends_and_the_last_is_the_sum() {
        let parts = Parts { text: Some(5.0), price: Some(-1.0), ..Parts::default() };
        let line = Line {
            score: 0.5,
            tier: Tier::Fast,
            model: "m".to_owned(),
            weights_sha256: String::new(),
            prior: -2.0,
            parts,
            legal_class: LegalClass::None,
            evidence: Vec::new(),
        };
        let sum = sum(&line, Lang::En);
        // From -2 to 3 is the whole width.
        let drawn: Vec<_> =
            sum.bars.iter().map(|b| (b.name, b.from.as_str(), b.width.as_str())).collect();
        assert_eq!(
            drawn,
            [
                ("Prior", "0.00", "40.00"),
                ("Text", "0.00", "100.00"),
                ("Images", "100.00", "0.00"),
                ("Price", "80.00", "20.00"),
                ("Seller", "80.00", "0.00"),
                ("Codes", "80.00", "0.00"),
                ("Sum", "40.00", "40.00"),
            ]
        );
        assert_eq!((sum.zero.as_str(), sum.total.as_str()), ("40.00", "+2.00"));
        assert_eq!(sum.bars[2].amount, None);
    }
}
