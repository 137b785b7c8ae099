use rayon::prelude::*;

/// Fewest items worth handing to another thread.
const GRAIN: usize = 8;

/// Applies `f` to every item on the thread pool; results in the items' order.
pub fn map_batch<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    items.par_iter().with_min_len(GRAIN).map(f).collect()
}

/// A thread pool of a known size, for work that should not use the common one.
#[derive(Debug)]
pub struct Pool(rayon::ThreadPool);

/// The threads could not be started.
#[derive(Debug, thiserror::Error)]
#[error("can't start {threads} threads: {source}")]
pub struct PoolError {
    threads: usize,
    source: rayon::ThreadPoolBuildError,
}

impl Pool {
    /// A pool of `threads`; 0 takes as many as the machine has.
    ///
    /// # Errors
    /// When the system starts no more threads.
    pub fn new(threads: usize) -> Result<Self, PoolError> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("score-{i}"))
            .build()
            .map(Self)
            .map_err(|source| PoolError { threads, source })
    }

    /// Runs `work` in the pool and waits: every [`map_batch`] inside uses its threads.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.0.install(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_on_any_number_of_threads() {
        let items: Vec<usize> = (0..1000).collect();
        for threads in [1, 3] {
            let got = Pool::new(threads).unwrap().run(|| map_batch(&items, |i| i * 2));
            assert!(got.iter().enumerate().all(|(i, got)| *got == 2 * i));
        }
    }
}
