//! The open loop.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use ninefold_core::time::nanos;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::request::idempotent;
use super::{Client, Comparison, Outcome, Plan, Record};

/// Operations in flight at most; what is due beyond is recorded as saturated.
const IN_FLIGHT_MAX: usize = 2_000;
/// Operations of one load at most; it ends there.
const OPERATIONS_MAX: u64 = 4_000_000;

/// How an operation ended, with the status and the hash of its answer.
type End = (Outcome, u16, Option<u64>);

/// A running load. Dropping it aborts it.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    plan: Plan,
    client: Client,
    began: Instant,
    records: Mutex<Vec<Record>>,
}

impl Load {
    /// Starts the load now.
    #[must_use]
    pub fn start(plan: Plan) -> Self {
        let shared = Arc::new(Shared {
            client: Client::new(plan.address),
            plan,
            began: Instant::now(),
            records: Mutex::new(Vec::new()),
        });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(generate(Arc::clone(&shared), stopped));
        Self { shared, stop, task }
    }

    /// The time since the load began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.shared.began.elapsed()
    }

    /// The operations that ended so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.shared.lock().clone()
    }

    /// Starts no more, waits for what is in flight (each has its own timeout), and returns all.
    pub async fn finish(mut self) -> Vec<Record> {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the load ended early");
        }
        std::mem::take(&mut *self.shared.lock())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, number: u64, due: Instant, end: End, uses_id: bool) {
        let (outcome, status, print) = end;
        let record = Record {
            number,
            intended_ns: nanos(due.duration_since(self.began)),
            latency_ns: nanos(due.elapsed()),
            outcome,
            status,
            uses_id,
            print,
        };
        self.lock().push(record);
    }
}

async fn generate(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut operations = JoinSet::new();
    for number in 0..OPERATIONS_MAX {
        let due = shared.began + shared.plan.due(number);
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => break,
            () = tokio::time::sleep_until(due) => {}
        }
        while operations.try_join_next().is_some() {}
        if operations.len() >= IN_FLIGHT_MAX {
            shared.record(number, due, (Outcome::Saturated, 0, None), false);
        } else {
            operations.spawn(operate(Arc::clone(&shared), number, due));
        }
    }
    while operations.join_next().await.is_some() {}
}

async fn operate(shared: Arc<Shared>, number: u64, due: Instant) {
    let Some((request, uses_id)) = shared.plan.request(number) else {
        return;
    };
    let repeatable = idempotent(request.method());
    let mut sent = false;
    // Who writes is answered in ways of its own.
    let reads = request.method() == Method::GET && !uses_id;
    let comparison = shared.plan.comparison.as_ref().filter(|_| reads);
    let body_max = comparison.map_or(0, |_| Comparison::body_max());
    let exchange = shared.client.fetch(request, &mut sent, body_max);
    let answer = tokio::time::timeout(shared.plan.timeout, exchange).await;
    let end = match &answer {
        Ok(Ok(answer)) => {
            let print = comparison.zip(answer.body.as_ref());
            let print = print
                .map(|(comparison, body)| comparison.print(answer.status, &answer.headers, body));
            match answer.status {
                status @ ..500 => (Outcome::Acked, status, print),
                status => (Outcome::Failed, status, None),
            }
        }
        Ok(Err(_)) | Err(_) if repeatable || !sent => (Outcome::Failed, 0, None),
        Ok(Err(_)) | Err(_) => (Outcome::Unknown, 0, None),
    };
    if let Ok(Err(error)) = &answer {
        tracing::debug!(number, %error, "operation without an answer");
    }
    shared.record(number, due, end, uses_id);
}
