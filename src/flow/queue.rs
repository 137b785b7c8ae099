use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::processors::{Priority, Processors};
use crate::preprocess;
use crate::telemetry::metrics::{QUEUE_ITEMS, QUEUE_REFUSED};

/// The way from the async threads to the thread pool, with room for so many listings.
///
/// Two bounds: the listings that wait, and the jobs that are being computed (one a processor).
/// Waiting is async, so that a job whose client has left is dropped before it costs anything.
#[derive(Debug, Clone)]
pub struct Queue {
    room: Arc<Semaphore>,
    capacity: u32,
    processors: Arc<Processors>,
}

/// No room for this many listings now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} listings wait already, the limit is {capacity}")]
pub struct QueueFull {
    pub waiting: usize,
    pub capacity: u32,
}

/// The work ended without a result, because it panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work did not finish")]
pub struct Unfinished;

/// A place in the queue; dropping it gives the place back.
pub struct Ticket {
    room: OwnedSemaphorePermit,
    processors: Arc<Processors>,
    priority: Priority,
    waiting: Waiting,
    since: Instant,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("listings", &self.room.num_permits()).finish()
    }
}

/// Keeps the gauge right wherever the ticket ends.
struct Waiting(u32);

impl Waiting {
    fn new(items: u32) -> Self {
        metrics::gauge!(QUEUE_ITEMS).increment(f64::from(items));
        Self(items)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        metrics::gauge!(QUEUE_ITEMS).decrement(f64::from(self.0));
    }
}

impl Queue {
    /// A queue with room for `items` listings in front of the thread pool.
    pub fn new(items: usize) -> Self {
        let capacity = u32::try_from(items).unwrap_or(u32::MAX).max(1);
        Self {
            room: Arc::new(Semaphore::new(capacity as usize)),
            capacity,
            processors: Processors::new(preprocess::threads()),
        }
    }

    /// What `items` listings take; a batch larger than the queue takes all of it.
    fn share(&self, items: usize) -> u32 {
        u32::try_from(items).unwrap_or(u32::MAX).min(self.capacity)
    }

    fn ticket(&self, room: OwnedSemaphorePermit, items: u32, priority: Priority) -> Ticket {
        Ticket {
            room,
            processors: Arc::clone(&self.processors),
            priority,
            waiting: Waiting::new(items),
            since: Instant::now(),
        }
    }

    /// A place for `items` listings now.
    ///
    /// # Errors
    /// When there is no room.
    pub fn admit(&self, items: usize, priority: Priority) -> Result<Ticket, QueueFull> {
        let items = self.share(items);
        match Arc::clone(&self.room).try_acquire_many_owned(items) {
            Ok(room) => Ok(self.ticket(room, items, priority)),
            Err(_) => {
                metrics::counter!(QUEUE_REFUSED).increment(1);
                let waiting = self.capacity as usize - self.room.available_permits();
                Err(QueueFull { waiting, capacity: self.capacity })
            }
        }
    }

    /// Runs `job` on the thread pool once a processor is free for bulk work, without a place in the
    /// queue: nobody is refused for it.
    ///
    /// # Errors
    /// When `job` panics.
    pub(super) async fn aside<R: Send + 'static>(
        &self,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Unfinished> {
        let processor = self.processors.take(Priority::Bulk).await;
        compute(move || {
            let done = job();
            drop(processor);
            done
        })
        .await
    }

    /// Whether there is room for one listing at least: what can only be refused need not be read.
    ///
    /// # Errors
    /// When there is none.
    pub fn check(&self) -> Result<(), QueueFull> {
        if self.room.available_permits() > 0 {
            return Ok(());
        }
        metrics::counter!(QUEUE_REFUSED).increment(1);
        Err(QueueFull { waiting: self.capacity as usize, capacity: self.capacity })
    }

    /// A place for `items` listings as soon as there is room, behind those who do not wait so.
    pub async fn wait(&self, items: usize) -> Ticket {
        let items = self.share(items);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(items)
            .await
            .expect("the semaphore is never closed");
        self.ticket(room, items, Priority::Bulk)
    }
}

impl Ticket {
    /// Runs `jobs` on the thread pool, each as soon as a processor is free for it; what they give,
    /// in order, and how long the first waited.
    ///
    /// Dropping the future drops the jobs that have not begun.
    ///
    /// # Errors
    /// When a job panics.
    pub async fn run<R: Send + 'static>(
        self,
        jobs: impl IntoIterator<Item = impl FnOnce() -> R + Send + 'static>,
    ) -> Result<(Vec<R>, Duration), Unfinished> {
        let Self { room, processors, priority, waiting, since } = self;
        let mut place = Some((room, waiting));
        let (mut waited, mut running) = (Duration::ZERO, Vec::new());
        for job in jobs {
            let processor = processors.take(priority).await;
            if place.take().is_some() {
                waited = since.elapsed();
            }
            running.push(begin(move || {
                let done = job();
                drop(processor);
                done
            }));
        }
        let mut done = Vec::with_capacity(running.len());
        for result in running {
            done.push(result.await.map_err(|_| Unfinished)?);
        }
        Ok((done, waited))
    }
}

/// Runs `job` on the thread pool, without a place in the queue.
///
/// # Errors
/// When `job` panics.
pub async fn compute<R: Send + 'static>(
    job: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Unfinished> {
    begin(job).await.map_err(|_| Unfinished)
}

/// Sends `job` to the thread pool; it is dropped there if by then nobody waits for its result.
fn begin<R: Send + 'static>(job: impl FnOnce() -> R + Send + 'static) -> oneshot::Receiver<R> {
    let (answer, result) = oneshot::channel();
    preprocess::spawn(move || {
        if !answer.is_closed()
            && let Ok(done) = catch_unwind(AssertUnwindSafe(job))
        {
            // An error here means that the client left meanwhile.
            answer.send(done).ok();
        }
    });
    result
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::Priority::Bulk;
    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_and_takes_again_once_there_is_room() {
        let queue = Queue::new(10);
        let first = queue.admit(8, Bulk).unwrap();
        assert_eq!(queue.admit(3, Bulk).unwrap_err(), QueueFull { waiting: 8, capacity: 10 });
        assert!(queue.check().is_ok());
        let rest = queue.admit(2, Bulk).unwrap();
        assert_eq!(queue.check().unwrap_err(), QueueFull { waiting: 10, capacity: 10 });
        drop(rest);
        assert_eq!(first.run([|| 5, || 6]).await.map(|done| done.0), Ok(vec![5, 6]));
        assert!(queue.admit(10, Bulk).is_ok());
        assert!(queue.admit(99, Bulk).is_ok(), "a batch larger than the queue goes through alone");
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_frees_its_places() {
        let queue = Queue::new(4);
        for _ in 0..2 * preprocess::threads() {
            let ticket = queue.admit(4, Bulk).unwrap();
            let job = || panic!("on purpose");
            assert_eq!(ticket.run([job]).await, Err::<(Vec<()>, _), _>(Unfinished));
        }
        assert!(queue.admit(4, Bulk).is_ok());
    }

    #[tokio::test]
    async fn work_of_a_client_that_left_never_runs() {
        let queue = Queue::new(100);
        let mut busy = Vec::new();
        for _ in 0..preprocess::threads() {
            busy.push(queue.processors.take(Bulk).await);
        }
        let (ran, seen) = mpsc::channel();
        let mut gone = Box::pin(queue.admit(1, Bulk).unwrap().run([move || ran.send(()).unwrap()]));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        drop(busy);
        assert!(queue.admit(100, Bulk).unwrap().run([|| ()]).await.is_ok());
        assert!(seen.recv().is_err(), "the job was dropped, its sender with it");
    }

    #[tokio::test]
    async fn work_aside_takes_a_processor_and_no_room() {
        let queue = Queue::new(4);
        let full = queue.admit(4, Bulk).unwrap();
        assert_eq!(queue.aside(|| 7).await, Ok(7));
        drop(full);
        let mut busy = Vec::new();
        for _ in 0..preprocess::threads() {
            busy.push(queue.processors.take(Bulk).await);
        }
        let mut waits = Box::pin(queue.aside(|| 8));
        assert!((&mut waits).now_or_never().is_none());
        drop(busy);
        assert_eq!(waits.await, Ok(8));
        for _ in 0..2 * preprocess::threads() {
            assert_eq!(queue.aside(|| panic!("on purpose")).await, Err::<(), _>(Unfinished));
        }
        assert_eq!(queue.aside(|| 9).await, Ok(9), "a panic gives its processor back");
    }
}
