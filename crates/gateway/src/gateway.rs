//! The handle of a running gateway.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ninefold_config::model::File;
use prometheus_client::collector::Collector;
use tokio::sync::watch;

use crate::access_log::LogThread;
use crate::collector::GatewayCollector;
use crate::counters::{Counters, DrainReport, Notice};
use crate::fleet::{EndpointView, Hub};
use crate::meter::load;
use crate::start::{Order, StartError, Started, start};
use crate::sums;

/// How often a drain looks whether connections are left.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A running gateway. It serves on its own threads, whatever happens to the control plane, with
/// the endpoints that were published last. Dropping it stops it.
#[derive(Debug)]
pub struct Gateway {
    hub: Arc<Hub>,
    orders: watch::Sender<Order>,
    threads: Vec<JoinHandle<()>>,
    log_thread: Option<LogThread>,
}

impl Gateway {
    /// As [`Gateway::hold`] and [`Gateway::open`]: serves at once, with 503 until endpoints are
    /// published.
    ///
    /// # Errors
    ///
    /// As [`Gateway::hold`].
    pub fn start(file: &File, state: &Path) -> Result<Self, StartError> {
        let gateway = Self::hold(file, state)?;
        gateway.open();
        Ok(gateway)
    }

    /// Binds all listeners, reads certificates, opens access logs (those without a path in the
    /// folder `state`), and starts the data threads. Nothing is accepted yet: connections wait in
    /// the system's queue until [`Gateway::open`].
    ///
    /// # Errors
    ///
    /// If an address is in use or refused, a certificate or log cannot be used, or a thread cannot
    /// be started; nothing runs then.
    pub fn hold(file: &File, state: &Path) -> Result<Self, StartError> {
        let Started {
            hub,
            orders,
            threads,
            log_thread,
        } = start(file, state)?;
        Ok(Self {
            hub,
            orders,
            threads,
            log_thread: Some(log_thread),
        })
    }

    /// Accepts connections from now on, those that wait first.
    pub fn open(&self) {
        self.order(Order::Serve);
    }

    /// The addresses as bound, in the order of the file's listeners.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.hub.addresses.clone()
    }

    /// Replaces the endpoints of all services at once. Requests under way end where they are; an
    /// endpoint of an unknown service is ignored.
    pub fn publish(&self, endpoints: Vec<EndpointView>) {
        self.hub.publish(endpoints);
    }

    /// The counters, summed over the threads.
    #[must_use]
    pub fn counters(&self) -> Counters {
        sums::counters(&self.hub)
    }

    /// What happened since the last call; at most 1,024 notices are kept.
    #[must_use]
    pub fn take_notices(&self) -> Vec<Notice> {
        self.hub.take_notices()
    }

    /// The metrics for a Prometheus registry.
    #[must_use]
    pub fn collector(&self) -> Box<dyn Collector> {
        Box::new(GatewayCollector::new(Arc::clone(&self.hub)))
    }

    /// Stops accepting, tells clients to go (`connection: close`, GOAWAY), and waits up to `limit`
    /// until all connections have ended. The listeners' ports are free from here on.
    pub async fn drain(&self, limit: Duration) -> DrainReport {
        let began = Instant::now();
        self.order(Order::Drain);
        loop {
            let left = self
                .hub
                .listeners
                .iter()
                .map(|cells| load(&cells.open))
                .sum();
            if left == 0 || began.elapsed() >= limit {
                return DrainReport {
                    took: began.elapsed(),
                    connections_left: left,
                };
            }
            tokio::time::sleep(LOOK_EVERY.min(limit.saturating_sub(began.elapsed()))).await;
        }
    }

    /// Ends all threads, whatever is under way, and waits for them.
    pub fn stop(mut self) {
        self.end();
    }

    fn order(&self, order: Order) {
        self.orders.send_if_modified(|current| {
            let later = order > *current;
            if later {
                *current = order;
            }
            later
        });
    }

    fn end(&mut self) {
        self.order(Order::Stop);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the gateway panicked");
            }
        }
        if let Some(log) = self.log_thread.take() {
            self.hub.logs.close();
            log.join();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end();
    }
}
