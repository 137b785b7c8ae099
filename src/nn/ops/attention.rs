use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{numbers, values};

/// Scaled dot-product attention (Vaswani et al., 2017) inside each text of a packed batch.
///
/// `query`, `key` and `value` are tokens × (heads · width); `bounds` are the texts' first tokens
/// and, last, the number of all tokens. A text's tokens see those of the same text only.
///
/// # Errors
/// When the shapes do not fit or a tensor is not f32.
pub(in crate::nn) fn attention(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    bounds: &Arc<[usize]>,
    heads: usize,
) -> Result<Tensor> {
    let (tokens, hidden) = query.dims2()?;
    let fits = key.dims() == query.dims() && value.dims() == query.dims();
    let ordered = bounds.windows(2).all(|w| w[0] <= w[1]);
    if !fits || !hidden.is_multiple_of(heads) || !ordered || bounds.last() != Some(&tokens) {
        candle_core::bail!("attention of {heads} heads over {:?}, {bounds:?}", query.shape());
    }
    let op = Attention { bounds: bounds.clone(), heads, hidden };
    query.contiguous()?.apply_op3(&key.contiguous()?, &value.contiguous()?, op)
}

struct Attention {
    bounds: Arc<[usize]>,
    heads: usize,
    hidden: usize,
}

/// One head of one text: rows × width, copied together.
struct Head {
    rows: usize,
    width: usize,
    query: Vec<f32>,
    /// width × rows.
    key: Vec<f32>,
    value: Vec<f32>,
    /// rows × rows, each row summing to 1.
    shares: Vec<f32>,
}

/// `out[i][..] += Σ_j a[i][j] · b[j][..]`, with `a` rows × inner and `b` inner × columns.
fn add_product(out: &mut [f32], a: &[f32], b: &[f32], columns: usize) {
    let inner = b.len() / columns;
    for (out, a) in out.chunks_mut(columns).zip(a.chunks(inner)) {
        for (a, b) in a.iter().zip(b.chunks(columns)) {
            for (o, b) in out.iter_mut().zip(b) {
                *o += a * b;
            }
        }
    }
}

fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns;
    let mut out = vec![0.0; matrix.len()];
    for (i, row) in matrix.chunks(columns).enumerate() {
        for (j, x) in row.iter().enumerate() {
            out[j * rows + i] = *x;
        }
    }
    out
}

impl Attention {
    /// The columns of one head.
    fn columns(&self, tokens: &[f32], head: usize) -> Vec<f32> {
        let width = self.hidden / self.heads;
        let mut out = Vec::with_capacity(tokens.len() / self.heads);
        for row in tokens.chunks(self.hidden) {
            out.extend_from_slice(&row[head * width..(head + 1) * width]);
        }
        out
    }

    fn put_back(&self, tokens: &mut [f32], head: usize, columns: &[f32]) {
        let width = self.hidden / self.heads;
        for (row, from) in tokens.chunks_mut(self.hidden).zip(columns.chunks(width)) {
            row[head * width..(head + 1) * width].copy_from_slice(from);
        }
    }

    /// The heads to work through: none for a text without tokens.
    fn heads_of(&self, text: &[f32]) -> std::ops::Range<usize> {
        0..if text.is_empty() { 0 } else { self.heads }
    }

    fn scale(&self) -> f32 {
        1.0 / ((self.hidden / self.heads) as f32).sqrt()
    }

    /// The shares of attention of one head; arguments are one text's tokens.
    fn head(&self, [query, key, value]: [&[f32]; 3], head: usize) -> Head {
        let (width, rows) = (self.hidden / self.heads, query.len() / self.hidden);
        let mut query = self.columns(query, head);
        query.iter_mut().for_each(|x| *x *= self.scale());
        let key = transposed(&self.columns(key, head), width);
        let value = self.columns(value, head);
        let mut shares = vec![0.0; rows * rows];
        add_product(&mut shares, &query, &key, rows);
        for row in shares.chunks_mut(rows) {
            let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for x in row.iter_mut() {
                *x = (*x - highest).exp();
                sum += *x;
            }
            row.iter_mut().for_each(|x| *x /= sum);
        }
        Head { rows, width, query, key, value, shares }
    }

    /// The texts' slices of a tensor's numbers.
    fn texts<'a>(&self, numbers: &'a [f32]) -> Vec<&'a [f32]> {
        self.bounds.windows(2).map(|w| &numbers[w[0] * self.hidden..w[1] * self.hidden]).collect()
    }

    fn texts_mut<'a>(&self, mut numbers: &'a mut [f32]) -> Vec<&'a mut [f32]> {
        let mut out = Vec::with_capacity(self.bounds.len());
        for w in self.bounds.windows(2) {
            let (text, rest) = numbers.split_at_mut((w[1] - w[0]) * self.hidden);
            out.push(text);
            numbers = rest;
        }
        out
    }
}

impl Head {
    fn forward(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.rows * self.width];
        add_product(&mut out, &self.shares, &self.value, self.width);
        out
    }

    /// Gradients of query, key and value.
    fn backward(&self, grad: &[f32], scale: f32) -> [Vec<f32>; 3] {
        let (rows, width) = (self.rows, self.width);
        let mut of_value = vec![0.0; rows * width];
        add_product(&mut of_value, &transposed(&self.shares, rows), grad, width);
        let mut of_scores = vec![0.0; rows * rows];
        add_product(&mut of_scores, grad, &transposed(&self.value, width), rows);
        for (of, shares) in of_scores.chunks_mut(rows).zip(self.shares.chunks(rows)) {
            let dot: f32 = of.iter().zip(shares).map(|(a, b)| a * b).sum();
            for (of, share) in of.iter_mut().zip(shares) {
                *of = share * (*of - dot);
            }
        }
        let (mut of_query, mut of_key) = (vec![0.0; rows * width], vec![0.0; rows * width]);
        add_product(&mut of_query, &of_scores, &transposed(&self.key, rows), width);
        of_query.iter_mut().for_each(|x| *x *= scale);
        add_product(&mut of_key, &transposed(&of_scores, rows), &self.query, width);
        [of_query, of_key, of_value]
    }
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        query: &CpuStorage,
        query_layout: &Layout,
        key: &CpuStorage,
        key_layout: &Layout,
        value: &CpuStorage,
        value_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let query = self.texts(numbers(query, query_layout)?);
        let key = self.texts(numbers(key, key_layout)?);
        let value = self.texts(numbers(value, value_layout)?);
        let mut out = vec![0.0; query_layout.shape().elem_count()];
        self.texts_mut(&mut out).into_par_iter().enumerate().for_each(|(text, out)| {
            for head in self.heads_of(out) {
                let found = self.head([query[text], key[text], value[text]], head).forward();
                self.put_back(out, head, &found);
            }
        });
        Ok((CpuStorage::F32(out), query_layout.shape().clone()))
    }

    fn bwd(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let numbers = [values(query)?, values(key)?, values(value)?, values(grad)?];
        let [queries, keys, texts, grads] = numbers.each_ref().map(|n| self.texts(n));
        let mut outs = [query, key, value].map(|t| vec![0.0_f32; t.elem_count()]);
        {
            let [of_query, of_key, of_value] = &mut outs;
            self.texts_mut(of_query)
                .into_par_iter()
                .zip(self.texts_mut(of_key))
                .zip(self.texts_mut(of_value))
                .enumerate()
                .for_each(|(text, ((of_query, of_key), of_value))| {
                    for head in self.heads_of(of_query) {
                        let at = self.head([queries[text], keys[text], texts[text]], head);
                        let grad = self.columns(grads[text], head);
                        let [q, k, v] = at.backward(&grad, self.scale());
                        self.put_back(of_query, head, &q);
                        self.put_back(of_key, head, &k);
                        self.put_back(of_value, head, &v);
                    }
                });
        }
        let [q, k, v] = outs.map(|out| Tensor::from_vec(out, query.shape(), query.device()));
        Ok((Some(q?), Some(k?), Some(v?)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::D;

    use super::super::gradient;
    use super::*;

    fn inputs(tokens: usize, hidden: usize) -> [Tensor; 3] {
        [1, 2, 3].map(|seed| gradient::noise(seed, &[tokens, hidden], 1.0))
    }

    #[test]
    fn it_is_the_textbooks_formula_within_each_text() {
        let [q, k, v] = inputs(7, 6);
        let bounds: Arc<[usize]> = Arc::from([0, 4, 4, 7]);
        let got = attention(&q, &k, &v, &bounds, 2).unwrap();
        for (start, len) in [(0, 4), (4, 3)] {
            for head in 0..2 {
                let part = |t: &Tensor| {
                    let t = t.narrow(0, start, len).unwrap().narrow(1, head * 3, 3).unwrap();
                    t.contiguous().unwrap()
                };
                let scores =
                    (part(&q).matmul(&part(&k).t().unwrap()).unwrap() / 3_f64.sqrt()).unwrap();
                let shares = scores.exp().unwrap();
                let shares = shares.broadcast_div(&shares.sum_keepdim(D::Minus1).unwrap()).unwrap();
                let want = shares.matmul(&part(&v)).unwrap();
                let off = (part(&got) - want).unwrap().abs().unwrap().max_all().unwrap();
                assert!(off.to_scalar::<f32>().unwrap() < 1e-6);
            }
        }
    }

    #[test]
    fn its_gradients_are_the_slopes() {
        let bounds: Arc<[usize]> = Arc::from([0, 3, 5]);
        gradient::check(&inputs(5, 4), |v| attention(&v[0], &v[1], &v[2], &bounds, 2));
    }

    #[test]
    fn bounds_that_do_not_fit_are_refused() {
        let [q, k, v] = inputs(5, 4);
        for bounds in [&[0, 3][..], &[0, 6], &[0, 4, 3, 5], &[]] {
            assert!(attention(&q, &k, &v, &Arc::from(bounds), 2).is_err(), "{bounds:?}");
        }
        assert!(attention(&q, &k, &v, &Arc::from([0, 5]), 3).is_err());
    }
}
