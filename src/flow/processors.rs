use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Somebody looks at the screen.
    Interactive,
    /// A crawl, which waits.
    Bulk,
}

/// After so many who were let past, one of those who wait longer has its turn, so that no flood of
/// small requests stops a crawl.
const PASSED: usize = 16;

/// As many permits to compute as there are processors, given to the more urgent first.
#[derive(Debug)]
pub(super) struct Processors(Mutex<Lanes>);

#[derive(Debug)]
struct Lanes {
    free: usize,
    interactive: VecDeque<oneshot::Sender<()>>,
    bulk: VecDeque<oneshot::Sender<()>>,
    /// Interactive ones in a row that went before a waiting bulk one.
    passed: usize,
}

impl Lanes {
    fn next(&mut self) -> Option<oneshot::Sender<()>> {
        let urgent = !self.interactive.is_empty();
        if urgent && (self.bulk.is_empty() || self.passed < PASSED) {
            self.passed += usize::from(!self.bulk.is_empty());
            return self.interactive.pop_front();
        }
        self.passed = 0;
        self.bulk.pop_front()
    }
}

/// A permit to compute; dropping it lets the next one in.
#[derive(Debug)]
pub(super) struct Processor(Arc<Processors>);

/// A place among those who wait; a permit that comes when nobody waits any more is passed on.
struct Wait {
    processors: Arc<Processors>,
    turn: oneshot::Receiver<()>,
}

impl Processors {
    pub(super) fn new(count: usize) -> Arc<Self> {
        let (interactive, bulk) = (VecDeque::new(), VecDeque::new());
        Arc::new(Self(Mutex::new(Lanes { free: count, interactive, bulk, passed: 0 })))
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        // No change of the lanes can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit.
    pub(super) async fn take(self: &Arc<Self>, priority: Priority) -> Processor {
        let turn = {
            let mut lanes = self.lanes();
            if lanes.free > 0 {
                lanes.free -= 1;
                return Processor(Arc::clone(self));
            }
            let (call, turn) = oneshot::channel();
            match priority {
                Priority::Interactive => lanes.interactive.push_back(call),
                Priority::Bulk => lanes.bulk.push_back(call),
            }
            turn
        };
        let mut wait = Wait { processors: Arc::clone(self), turn };
        (&mut wait.turn).await.ok();
        Processor(Arc::clone(self))
    }

    fn give_back(&self) {
        let mut lanes = self.lanes();
        while let Some(call) = lanes.next() {
            if call.send(()).is_ok() {
                return;
            }
        }
        lanes.free += 1;
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.turn.close();
        if self.turn.try_recv().is_ok() {
            self.processors.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_more_urgent_goes_first_and_nobody_starves() {
        let processors = Processors::new(1);
        let mut held = processors.take(Priority::Bulk).await;
        let mut bulk = Box::pin(processors.take(Priority::Bulk));
        assert!((&mut bulk).now_or_never().is_none());
        for _ in 0..PASSED {
            let mut urgent = Box::pin(processors.take(Priority::Interactive));
            assert!((&mut urgent).now_or_never().is_none());
            drop(held);
            held = urgent.now_or_never().expect("it is let past");
            assert!((&mut bulk).now_or_never().is_none());
        }
        let mut urgent = Box::pin(processors.take(Priority::Interactive));
        assert!((&mut urgent).now_or_never().is_none());
        drop(held);
        assert!(bulk.now_or_never().is_some(), "it has waited long enough");
        assert!(urgent.now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_leaves_gives_back_what_came_too_late() {
        let processors = Processors::new(1);
        let held = processors.take(Priority::Bulk).await;
        let mut gone = Box::pin(processors.take(Priority::Bulk));
        let mut waits = Box::pin(processors.take(Priority::Bulk));
        assert!((&mut gone).now_or_never().is_none() && (&mut waits).now_or_never().is_none());
        // The permit is sent to the first, who leaves without having seen it.
        drop(held);
        drop(gone);
        assert!(waits.now_or_never().is_some());
        assert!(processors.take(Priority::Bulk).now_or_never().is_some());
    }
}
