/// The thread pool cannot be made as asked.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {threads} threads: {source}")]
pub struct ThreadsError {
    threads: usize,
    source: rayon::ThreadPoolBuildError,
}

/// Sets the size of the thread pool, before its first use; 0 for as many as the machine has.
///
/// # Errors
/// When the pool is at work already, or the machine gives no more threads.
pub fn set_threads(threads: usize) -> Result<(), ThreadsError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|source| ThreadsError { threads, source })
}
