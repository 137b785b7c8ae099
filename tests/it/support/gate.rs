use std::sync::{Arc, Condvar, Mutex};

use thatgia::domain::{Assessment, ModelRef};
use thatgia::scoring::{Ask, Assess, Subject};

use super::FakeScorer;

/// Holds scoring up until it is opened, and says how many listings came to it.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<(bool, usize)>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn open(&self) {
        self.state.lock().unwrap().0 = true;
        self.changed.notify_all();
    }

    pub(crate) fn entered(&self) -> usize {
        self.state.lock().unwrap().1
    }

    /// Waits, off the async threads, until `n` listings have come.
    pub(crate) async fn wait_for(self: &Arc<Self>, n: usize) {
        let gate = Arc::clone(self);
        let wait = move || {
            let state = gate.state.lock().unwrap();
            drop(gate.changed.wait_while(state, |(_, entered)| *entered < n).unwrap());
        };
        tokio::task::spawn_blocking(wait).await.unwrap();
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(open, _)| !*open).unwrap());
    }
}

/// The fake scorer behind a [`Gate`].
#[derive(Debug)]
pub(crate) struct GatedScorer {
    gate: Arc<Gate>,
    inner: Arc<dyn Assess>,
}

impl GatedScorer {
    #[expect(clippy::new_ret_no_self, reason = "every caller wants the trait object")]
    pub(crate) fn new(gate: &Arc<Gate>) -> Arc<dyn Assess> {
        Self::around(gate, FakeScorer::new())
    }

    pub(crate) fn around(gate: &Arc<Gate>, inner: Arc<dyn Assess>) -> Arc<dyn Assess> {
        Arc::new(Self { gate: Arc::clone(gate), inner })
    }
}

impl Assess for GatedScorer {
    fn model(&self) -> &ModelRef {
        self.inner.model()
    }

    fn assess_all(&self, subjects: &[Subject<'_>], ask: Ask) -> Vec<Assessment> {
        self.gate.pass();
        self.inner.assess_all(subjects, ask)
    }
}
