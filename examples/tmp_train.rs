use std::path::Path;
use thatgia::{dataset::*, domain::*, registry::*, scoring::*, train};
fn auc(s: &[f64], y: &[bool]) -> f64 {
    let mut n = 0.0;
    let mut d = 0.0;
    for i in 0..s.len() {
        for j in 0..s.len() {
            if y[i] && !y[j] {
                d += 1.0;
                if s[i] > s[j] {
                    n += 1.0
                } else if s[i] == s[j] {
                    n += 0.5
                }
            }
        }
    }
    n / d
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&a[1]).unwrap();
    let out = Path::new(&a[2]);
    let t = std::time::Instant::now();
    let o = train::run(&text, None, out, &mut |_p| {
        if std::env::args().nth(3).is_some() {
            eprintln!("{} {:.4} {:.4}", _p.epoch, _p.train_loss, _p.valid_loss)
        }
    })
    .unwrap();
    println!(
        "train {:?} best {} of {} valid loss {:.4} platt {:?} ordinary {}",
        t.elapsed(),
        o.best_epoch,
        o.epochs,
        o.valid_log_loss,
        o.calibration,
        o.ordinary_rows
    );
    let t = std::time::Instant::now();
    let sc = FastScorer::new(load_model(&o.dir).unwrap(), 0.0);
    println!("load {:?}", t.elapsed());
    for f in ["train", "valid"] {
        let rows = load_rows(Path::new(&format!("datasets/gold/{f}.jsonl"))).unwrap();
        let y: Vec<bool> = rows.iter().map(|r| r.label).collect();
        let ls: Vec<Listing> =
            rows.iter().map(|r| r.listing.clone().parse(&Limits::default()).unwrap()).collect();
        let t = std::time::Instant::now();
        let s: Vec<f64> = ls.iter().map(|l| sc.assess(l, Detail::Brief).score.value()).collect();
        let el = t.elapsed();
        let np = ls.iter().filter(|l| sc.assess(l, Detail::Brief).parts.price.is_some()).count();
        println!(
            "{f} auc {:.4} n {} with price {} {:?}/listing",
            auc(&s, &y),
            y.len(),
            np,
            el / (y.len() as u32)
        );
    }
}
