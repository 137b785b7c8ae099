use super::*;

/// Numbers between -1 and 1, some of them large.
fn noise(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|i| if i % 37 == 5 { 9.0 * next() } else { next() }).collect()
}

/// What `f` gives on each level must be what it gives on the plain one, to the bit.
fn same_bits_everywhere(what: &str, f: impl Fn(Level) -> Vec<f32>) -> Vec<f32> {
    let plain = f(Level::PLAIN);
    for level in Level::here() {
        let got = f(level);
        let same = got.iter().zip(&plain).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same && got.len() == plain.len(), "{what} on {level}");
    }
    plain
}

/// rows, inner, columns
const SIZES: [(usize, usize, usize); 9] = [
    (1, 1, 1),
    (1, 4, 32),
    (2, 7, 33),
    (3, 33, 5),
    (12, 16, 64),
    (13, 31, 40),
    (25, 64, 96),
    (29, 100, 31),
    (48, 384, 32),
];

#[test]
fn products_have_the_same_bits_everywhere_and_are_right() {
    for (rows, inner, columns) in SIZES {
        let (a, weight) = (noise(1, rows * inner), noise(2, columns * inner));
        let packed = panels(&weight, inner);
        let stride = columns.next_multiple_of(PANEL);
        let got = same_bits_everywhere("multiply", |level| {
            let mut out = vec![0.0; rows * stride];
            let a = Rows { values: &a, stride: inner, count: rows };
            multiply(level, a, Columns::new(&packed, inner), &mut out, stride);
            out
        });
        for r in 0..rows {
            for c in 0..columns {
                let terms = a[r * inner..][..inner].iter().zip(&weight[c * inner..]);
                let want: f64 = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                assert!((f64::from(got[r * stride + c]) - want).abs() < 1e-4, "{rows} {inner}");
            }
        }
    }
}

#[test]
fn a_panel_may_stand_among_other_numbers() {
    let (rows, inner, stride) = (5, 9, 70);
    let (a, wide) = (noise(12, rows * inner), noise(13, inner * stride));
    let b = Columns { values: &wide[3..(inner - 1) * stride + 3 + PANEL], inner, stride };
    let a = Rows { values: &a, stride: inner, count: rows };
    let got = same_bits_everywhere("multiply", |level| {
        let mut out = vec![0.0; rows * PANEL];
        multiply(level, a, b, &mut out, PANEL);
        out
    });
    let packed: Vec<f32> = wide.chunks(stride).flat_map(|row| row[3..3 + PANEL].to_vec()).collect();
    let mut want = vec![0.0; rows * PANEL];
    multiply(Level::PLAIN, a, Columns::new(&packed, inner), &mut want, PANEL);
    assert_eq!(got, want);
}

#[test]
fn products_of_8_bits_have_the_same_bits_everywhere_and_are_near() {
    for (rows, inner, columns) in SIZES {
        let (a, weight) = (noise(3, rows * inner), noise(4, columns * inner));
        let panels = Int8Panels::new(&weight, inner);
        let stride = columns.next_multiple_of(PANEL);
        let bias = noise(5, stride);
        let got = same_bits_everywhere("multiply", |level| {
            let (mut steps, mut out) = (Quantised::default(), vec![0.0; rows * stride]);
            steps.fill(level, Rows { values: &a, stride: inner, count: rows }, inner);
            panels.multiply(level, &steps, &bias, &mut out);
            out
        });
        let (mut wrong, mut size) = (0.0, 0.0);
        for r in 0..rows {
            for c in 0..columns {
                let terms = a[r * inner..][..inner].iter().zip(&weight[c * inner..]);
                let want: f64 = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                wrong += (f64::from(got[r * stride + c] - bias[c]) - want).powi(2);
                size += want.powi(2);
            }
        }
        assert!(wrong <= 1e-3 * size + 1e-9, "{rows} × {inner} × {columns}: {wrong} of {size}");
    }
}

#[test]
fn a_row_is_the_same_whatever_stands_around_it() {
    let (inner, columns) = (96, 64);
    let (a, weight) = (noise(6, 30 * inner), noise(7, columns * inner));
    let (float, int8) = (panels(&weight, inner), Int8Panels::new(&weight, inner));
    let bias = vec![0.0; columns];
    let both = |level, rows: &[f32]| {
        let rows = Rows { values: rows, stride: inner, count: rows.len() / inner };
        let mut out = vec![0.0; 2 * rows.count * columns];
        let (first, second) = out.split_at_mut(rows.count * columns);
        multiply(level, rows, Columns::new(&float, inner), first, columns);
        let mut steps = Quantised::default();
        steps.fill(level, rows, inner);
        int8.multiply(level, &steps, &bias, second);
        out
    };
    for level in Level::here() {
        let all = both(level, &a);
        for r in 0..30 {
            let alone = both(level, &a[r * inner..(r + 1) * inner]);
            assert_eq!(alone[..columns], all[r * columns..][..columns], "{level}");
            assert_eq!(alone[columns..], all[(30 + r) * columns..][..columns], "{level}");
        }
    }
}

#[test]
fn rows_have_the_same_bits_everywhere_and_are_right() {
    for width in [1, 7, 16, 45, 384] {
        let (x, y) = (noise(8, 3 * width), noise(9, 3 * width));
        let (weight, bias) = (noise(10, width), noise(11, width));
        let normed = same_bits_everywhere("add_norm", |level| {
            let mut rows = x.clone();
            add_norm(level, &mut rows, &y, Scale { weight: &weight, bias: &bias, eps: 1e-12 });
            rows
        });
        let sums: Vec<f64> = x.iter().zip(&y).map(|(x, y)| f64::from(*x) + f64::from(*y)).collect();
        for (row, got) in sums.chunks(width).zip(normed.chunks(width)).filter(|_| width > 1) {
            let mean = row.iter().sum::<f64>() / width as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            for i in 0..width {
                let want = (row[i] - mean) / variance.sqrt() * f64::from(weight[i]);
                assert!((f64::from(got[i]) - want - f64::from(bias[i])).abs() < 1e-3);
            }
        }
        let bent = same_bits_everywhere("gelu", |level| {
            let mut rows = x.clone();
            gelu(level, &mut rows);
            rows
        });
        assert!(bent.iter().zip(&x).all(|(y, x)| (x.max(0.0) - y).abs() < 0.171));
        for count in [1, width] {
            let shares = same_bits_everywhere("softmax", |level| {
                let mut rows = x.clone();
                let mut parts = vec![0.0; 3];
                softmax(level, &mut rows, (width, count), 0.7, &mut parts);
                scale_rows(level, &mut rows, (width, width), &parts);
                rows
            });
            for row in shares.chunks(width) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                assert!(row[count..].iter().all(|x| *x == 0.0));
            }
        }
        let fused = same_bits_everywhere("fill_gelu", |level| {
            let (weight, mut out) = (Int8Panels::new(&weight, width), vec![0.0; 3 * PANEL]);
            let mut steps = Quantised::default();
            steps.fill_gelu(level, &mut x.clone(), width);
            weight.multiply(level, &steps, &[0.0; PANEL], &mut out);
            out
        });
        let mut apart = vec![0.0; 3 * PANEL];
        let mut steps = Quantised::default();
        steps.fill(Level::PLAIN, Rows { values: &bent, stride: width, count: 3 }, width);
        let packed = Int8Panels::new(&weight, width);
        packed.multiply(Level::PLAIN, &steps, &[0.0; PANEL], &mut apart);
        assert_eq!(fused, apart);
        let sums = same_bits_everywhere("add_rows", |level| {
            let mut rows = x.clone();
            add_rows(level, &mut rows, &bias);
            rows
        });
        assert!((sums[width - 1] - x[width - 1] - bias[width - 1]).abs() < 1e-6);
    }
}

#[test]
fn a_row_of_one_number_repeated_has_no_steps() {
    for level in Level::here() {
        let mut steps = Quantised::default();
        steps.fill(level, Rows { values: &[2.5; 8], stride: 8, count: 1 }, 8);
        let mut out = vec![0.0; PANEL];
        Int8Panels::new(&[1.0; 8], 8).multiply(level, &steps, &[0.0; PANEL], &mut out);
        assert!((out[0] - 20.0).abs() < 1e-4, "{}", out[0]);
    }
}

#[test]
fn only_what_the_machine_has_can_be_asked_for() {
    assert_eq!("plain".parse::<Level>(), Ok(Level::PLAIN));
    assert_eq!("auto".parse::<Level>(), Ok(Level::best()));
    for level in Level::here() {
        assert_eq!(level.to_string().parse::<Level>(), Ok(level));
    }
    assert!("sse9".parse::<Level>().unwrap_err().to_string().contains("plain"));
}
