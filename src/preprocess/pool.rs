/// Runs `job` on the thread pool, in its turn, and returns at once.
///
/// A panic that leaves `job` ends the process: catch it inside.
pub fn spawn(job: impl FnOnce() + Send + 'static) {
    rayon::spawn_fifo(job);
}

/// How many jobs the thread pool runs at the same time.
pub fn threads() -> usize {
    rayon::current_num_threads()
}
