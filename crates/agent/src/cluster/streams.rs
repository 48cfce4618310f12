//! The thread of this node's TLS connections with others, so that none of them keeps the gossiping one waiting: the
//! [lifelines](super::lifeline) that end here, [states](super::sync) that are fetched or served,
//! [renewals](super::renewal) of certificates, and [keys](super::keys) of gossip.
//!
//! All come to one port. Which of them it is the client says in the handshake (ALPN). Whoever has no certificate of
//! the cluster gets no further than that, and is counted.

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ninefold_trust::{renew, rotation};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::credentials::Credentials;
use super::keys::KeyKeeper;
use super::lifeline::{self, AGAIN, SETUP_MAX};
use super::renewal::Renewals;
use super::sync::{self, Ask, Counts, Fetch, SERVED_MAX};
use super::view::Shared;

/// Connections of others at most: each process is observed by ten, and few fetch a state.
const LINES_MAX: usize = 64;
/// Who is told goodbye has so long to take it.
const GOODBYE_MAX: Duration = Duration::from_millis(200);

/// Other nodes' connections, and this node's to fetch a state. They end when the sender of `goodbye` is dropped.
#[derive(Debug)]
pub(super) struct Streams {
    fetches: mpsc::Sender<Fetch>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

/// What serves them.
struct Server {
    credentials: Credentials,
    renewals: Arc<Renewals>,
    keys: Arc<KeyKeeper>,
    shared: Arc<Shared>,
    /// Which process this is.
    number: u64,
    asks: mpsc::Sender<Ask>,
    counts: Arc<Counts>,
    places: Arc<Semaphore>,
    syncs: Arc<Semaphore>,
}

impl Streams {
    /// Begins. What is wanted of the membership comes out of the other end of `asks`.
    ///
    /// # Errors
    /// When no thread is started.
    pub(super) fn start(
        (listener, number): (StdListener, u64),
        (renewals, keys): (Arc<Renewals>, Arc<KeyKeeper>),
        credentials: Credentials,
        goodbye: watch::Receiver<bool>,
        asks: mpsc::Sender<Ask>,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        let counts = Arc::new(Counts::default());
        let server = Arc::new(Server {
            credentials: credentials.clone(),
            renewals: Arc::clone(&renewals),
            keys: Arc::clone(&keys),
            shared: Arc::clone(&shared),
            number,
            asks: asks.clone(),
            counts: Arc::clone(&counts),
            places: Arc::new(Semaphore::new(LINES_MAX)),
            syncs: Arc::new(Semaphore::new(SERVED_MAX)),
        });
        // One at a time is wanted.
        let (fetches, wanted) = mpsc::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let fetched = Arc::clone(&counts);
        let thread = std::thread::Builder::new()
            .name("streams".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let fetching = sync::fetch_all(wanted, credentials, asks.clone(), fetched);
                    tokio::spawn(fetching);
                    tokio::spawn(keys.keep_up(asks.clone(), Arc::clone(&shared)));
                    tokio::spawn(renewals.renew_own(asks, shared));
                    match TcpListener::from_std(listener) {
                        Ok(listener) => server.serve(listener, goodbye).await,
                        Err(error) => tracing::error!(%error, "no other node can connect"),
                    }
                });
            })?;
        Ok(Self {
            fetches,
            counts,
            thread: Some(thread),
        })
    }

    /// Fetches a state; whether that is begun.
    pub(super) fn fetch(&self, fetch: Fetch) -> bool {
        self.fetches.try_send(fetch).is_ok()
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Waits for the end, once the sender of `goodbye` is gone.
    pub(super) fn join(mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of connections ended badly");
        }
    }
}

impl Server {
    async fn serve(self: Arc<Self>, listener: TcpListener, mut goodbye: watch::Receiver<bool>) {
        let mut lines = JoinSet::new();
        let said = loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted,
                said = goodbye.changed() => break said.is_ok(),
                Some(_) = lines.join_next() => continue,
            };
            match stream {
                Ok((stream, _)) => {
                    let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                        continue;
                    };
                    let (server, goodbye) = (Arc::clone(&self), goodbye.clone());
                    lines.spawn(async move {
                        if let Err(error) = server.keep(stream, goodbye).await {
                            tracing::debug!(%error, "a connection of another node broke");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "no connection is accepted");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        };
        // Else they are cut, as by the end of the process.
        if said {
            let told = async { while lines.join_next().await.is_some() {} };
            timeout(GOODBYE_MAX, told).await.ok();
        }
    }

    async fn keep(&self, stream: TcpStream, goodbye: watch::Receiver<bool>) -> io::Result<()> {
        let shown = self.credentials.shown();
        let shaken = timeout(SETUP_MAX, shown.acceptor.accept(stream)).await?;
        let stream = shaken.inspect_err(|error| {
            // Not one that only looks whether somebody listens.
            if error.kind() == io::ErrorKind::InvalidData {
                self.counts.stranger();
            }
        })?;
        let connection = stream.get_ref().1;
        let certificate = connection.peer_certificates();
        let certificate = certificate.and_then(<[_]>::first).cloned();
        let expelled = || {
            let (keys, certificate) = (self.keys.present(), certificate.as_ref()?);
            keys.expelled()
                .shown_by(&shown.identity, certificate)
                .cloned()
        };
        let protocol = connection.alpn_protocol().map(<[u8]>::to_vec);
        if let Some(name) = expelled() {
            self.counts.stranger();
            // By its lifeline it is told.
            if protocol.is_some() {
                return Err(io::Error::other(format!("{name} was expelled")));
            }
        }
        match protocol.as_deref() {
            Some(sync::PROTOCOL) => {
                let place = self.syncs.try_acquire();
                sync::serve(stream, place.is_ok(), &self.asks, &self.counts).await
            }
            Some(rotation::PROTOCOL) => self.keys.serve(stream).await,
            Some(renew::PROTOCOL) => self.renewals.serve(stream, &self.shared).await,
            _ => {
                let is_expelled = || expelled().is_some();
                lifeline::keep(stream, self.number, goodbye, is_expelled).await
            }
        }
    }
}
