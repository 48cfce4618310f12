//! The queue and the threads.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ninefold_core::policy::{Change, InvalidPolicy, Now, PolicyKind, Reason, Rejected, Source};
use ninefold_core::time::Timestamp;

use super::ThreadPoolBulkheadConfig;
use super::seat::Seat;

pub(super) const KIND: PolicyKind = PolicyKind::ThreadPoolBulkhead;

/// What becomes of a call that was taken from the queue.
pub(super) enum Fate {
    Run(Seat),
    Refuse(Rejected),
}

/// A call in the queue. It sees to it that its caller learns its fate.
pub(super) struct Job {
    pub(super) deadline: Option<Timestamp>,
    pub(super) run: Box<dyn FnOnce(Fate) + Send>,
}

pub(super) struct Pool {
    state: Mutex<State>,
    /// Something is in the queue, or the number of threads changed.
    work: Condvar,
    /// A thread ended.
    ended: Condvar,
    clock: Arc<dyn Now + Send + Sync>,
    pub(super) source: Source,
}

pub(super) struct State {
    config: ThreadPoolBulkheadConfig,
    /// By the order of their coming.
    queue: BTreeMap<u64, Job>,
    next: u64,
    threads: usize,
    /// Threads that wait for work.
    idle: usize,
    pub(super) running: usize,
    started: u64,
    closed: bool,
}

/// How many calls and threads there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) queued: usize,
    pub(super) running: usize,
    pub(super) threads: usize,
    pub(super) closed: bool,
}

impl Pool {
    pub(super) fn new(
        config: ThreadPoolBulkheadConfig,
        clock: Arc<dyn Now + Send + Sync>,
        source: Source,
    ) -> Self {
        let state = State {
            config,
            queue: BTreeMap::new(),
            next: 0,
            threads: 0,
            idle: 0,
            running: 0,
            started: 0,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            ended: Condvar::new(),
            clock,
            source,
        }
    }

    pub(super) fn clock(&self) -> Arc<dyn Now + Send + Sync> {
        Arc::clone(&self.clock)
    }

    pub(super) fn source(&self) -> Source {
        self.source.clone()
    }

    pub(super) fn config(&self) -> ThreadPoolBulkheadConfig {
        self.lock().config.clone()
    }

    pub(super) fn load(&self) -> Load {
        let state = self.lock();
        Load {
            queued: state.queue.len(),
            running: state.running,
            threads: state.threads,
            closed: state.closed,
        }
    }

    pub(super) fn reconfigure(
        self: &Arc<Self>,
        config: ThreadPoolBulkheadConfig,
    ) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let mut state = self.lock();
        state.config = config;
        let waiting = state.queue.len();
        drop(state);
        // Those who are too many leave, and those who were missing come for what waits already.
        self.work.notify_all();
        for _ in 0..waiting {
            if !self.start_thread_if_needed() {
                break;
            }
        }
        Ok(())
    }

    /// Puts a call into the queue; says under which number it can be taken out again.
    pub(super) fn submit(self: &Arc<Self>, job: Job) -> Result<u64, Rejected> {
        let queued = self.enqueue(job);
        match queued {
            Ok(_) => {
                self.work.notify_one();
                self.start_thread_if_needed();
            }
            Err(why) => self.source.emit(KIND, || Change::Rejected(why)),
        }
        queued
    }

    fn enqueue(&self, job: Job) -> Result<u64, Rejected> {
        if job.deadline.is_some_and(|at| at <= self.now()) {
            return Err(too_late());
        }
        let mut state = self.lock();
        if state.closed {
            return Err(closed());
        }
        let mut late = Vec::new();
        if state.is_full() {
            late = state.take_late(self.now());
        }
        let full = state.is_full();
        let id = state.next;
        if !full {
            state.next += 1;
            state.queue.insert(id, job);
        }
        drop(state);
        late.into_iter()
            .for_each(|job| self.refuse(job, too_late()));
        if full {
            return Err(Rejected::new(KIND, Reason::QueueFull));
        }
        Ok(id)
    }

    /// Takes a call out of the queue, if nobody works on it yet. It is never run then.
    pub(super) fn withdraw(&self, id: u64) {
        let job = self.lock().queue.remove(&id);
        if job.is_some() {
            self.source.emit(KIND, || Change::Cancelled);
        }
    }

    /// Takes no more calls, and with `abort` forgets those that wait.
    pub(super) fn close(&self, abort: bool) {
        let mut state = self.lock();
        state.closed = true;
        let refused = if abort {
            std::mem::take(&mut state.queue)
        } else {
            BTreeMap::new()
        };
        drop(state);
        self.work.notify_all();
        refused
            .into_values()
            .for_each(|job| self.refuse(job, closed()));
    }

    /// Waits until no thread is left; says whether that was so in time.
    pub(super) fn join(&self, patience: Duration) -> bool {
        let (state, _) = self
            .ended
            .wait_timeout_while(self.lock(), patience, |state| state.threads > 0)
            .unwrap_or_else(PoisonError::into_inner);
        state.threads == 0
    }

    /// Says whether a thread was needed and came.
    fn start_thread_if_needed(self: &Arc<Self>) -> bool {
        let mut state = self.lock();
        if state.queue.len() <= state.idle || state.threads >= state.config.threads as usize {
            return false;
        }
        state.threads += 1;
        state.started += 1;
        let name = format!("{}-{}", state.config.thread_name, state.started);
        drop(state);
        let pool = Arc::clone(self);
        if thread::Builder::new()
            .name(name)
            .spawn(move || pool.serve())
            .is_ok()
        {
            return true;
        }
        // The system gives no thread. Others will take what waits; without any, nobody would.
        let mut state = self.lock();
        state.threads -= 1;
        let stranded = if state.threads == 0 {
            std::mem::take(&mut state.queue)
        } else {
            BTreeMap::new()
        };
        drop(state);
        self.ended.notify_all();
        stranded
            .into_values()
            .for_each(|job| self.refuse(job, Rejected::new(KIND, Reason::Full)));
        false
    }

    /// What a thread does all its life.
    fn serve(self: Arc<Self>) {
        let _mourner = Mourner(Arc::clone(&self));
        while let Some(job) = self.take() {
            let began = self.source.is_heard().then(|| self.now());
            let seat = Seat::new(Arc::clone(&self), began);
            if job.deadline.is_some_and(|at| at <= self.now()) {
                seat.leave();
                self.refuse(job, too_late());
            } else {
                // The caller learns of a panic by the promise that the job leaves broken.
                drop(catch_unwind(AssertUnwindSafe(|| {
                    (job.run)(Fate::Run(seat));
                })));
            }
        }
    }

    /// The next call, or `None` if this thread is not needed any more.
    fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.threads > state.config.threads as usize {
                break;
            }
            if let Some((_, job)) = state.queue.pop_first() {
                state.running += 1;
                return Some(job);
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        state.threads -= 1;
        drop(state);
        self.ended.notify_all();
        None
    }

    fn refuse(&self, job: Job, why: Rejected) {
        self.source.emit(KIND, || Change::Rejected(why));
        (job.run)(Fate::Refuse(why));
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.running + self.queue.len() >= self.config.places()
    }

    fn take_late(&mut self, now: Timestamp) -> Vec<Job> {
        let late = |job: &Job| job.deadline.is_some_and(|at| at <= now);
        let late = self.queue.iter().filter(|(_, job)| late(job));
        let late: Vec<u64> = late.map(|(id, _)| *id).collect();
        late.iter().filter_map(|id| self.queue.remove(id)).collect()
    }
}

/// Sees to it that a thread which dies, by a panic while a result or a panic's own payload is
/// dropped, is counted out and replaced.
struct Mourner(Arc<Pool>);

impl Drop for Mourner {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut state = self.0.lock();
            state.threads -= 1;
            drop(state);
            self.0.ended.notify_all();
            self.0.start_thread_if_needed();
        }
    }
}

fn too_late() -> Rejected {
    Rejected::new(KIND, Reason::DeadlineExceeded).for_good()
}

fn closed() -> Rejected {
    Rejected::new(KIND, Reason::Closed).for_good()
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("source", &self.source)
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}
