use rayon::prelude::*;

/// Fewest items worth handing to another thread.
const GRAIN: usize = 8;

/// Applies `f` to every item on the thread pool; results in the items' order.
pub fn map_batch<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    items.par_iter().with_min_len(GRAIN).map(f).collect()
}
