//! Answers those who want to become nodes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::time::Timestamp;
use rustls::ServerConfig;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::decide::{Decider, Member};
use super::limits::{Failures, Place, Places};
use super::message::{Admitted, Answer, REQUEST_MAX, ReadError, Refusal, Request, line, read};
use super::proof::{Binding, LABEL};
use crate::authority::{Authority, AuthorityError};
use crate::clock::now;
use crate::folder::{FolderError, SecretsFolder};
use crate::identity::{Identity, IdentityError};
use crate::tls::{self, TlsError};

/// A join takes so long at most, from the first byte of the handshake to the last one of the answer.
const JOIN_TIME_MAX: Duration = Duration::from_secs(10);

/// How old the certificate gets that is shown.
const CERTIFICATE_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long nothing is accepted after that has failed, as where there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers joins, on the node that has the cluster's authority. See the module for whom it is against.
#[derive(Debug)]
pub struct JoinServer {
    decider: Arc<Decider>,
    places: Arc<Places>,
    failures: Arc<Reported>,
}

/// How many failures are reported.
#[derive(Debug, Default)]
struct Reported {
    /// To who was refused, and in the log.
    answered: Failures,
    /// In the log only: of those who have gone, or said nothing. They must not keep others from being answered.
    logged: Failures,
}

/// Joins cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum JoinServerError {
    /// The files.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The node's identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// TLS.
    #[error("joins cannot be answered: {0}")]
    Tls(#[from] TlsError),
}

impl JoinServer {
    /// With the authority and the identity of a folder, and whoever tells the live members; it is called for each
    /// newcomer with a good token, and should not wait. None where there is no authority: another node answers joins
    /// then.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub fn load(
        folder: SecretsFolder,
        roster: impl Fn() -> Vec<Member> + Send + Sync + 'static,
    ) -> Result<Option<Self>, JoinServerError> {
        let now = now();
        let Some(own) = Identity::load(&folder, now)? else {
            return Ok(None);
        };
        let Some(authority) = Authority::load(&folder, own.cluster(), now)? else {
            return Ok(None);
        };
        let decider = Decider::new(folder, authority, own, Box::new(roster));
        Ok(Some(Self {
            decider: Arc::new(decider),
            places: Arc::default(),
            failures: Arc::default(),
        }))
    }

    /// Answers whoever comes, until it is dropped; joins under way end with it.
    ///
    /// # Errors
    /// When no certificate can be made any more.
    pub async fn serve(self, listener: TcpListener) -> Result<(), JoinServerError> {
        let mut shown: Option<(Arc<ServerConfig>, Timestamp)> = None;
        let mut joins = JoinSet::new();
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_ended) = joins.join_next() => continue,
            };
            let (stream, peer) = match stream {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("joins: nothing can be accepted: {error}");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(place) = self.places.take(peer.ip().to_canonical()) else {
                continue;
            };
            let now = now();
            let config = match &shown {
                Some((config, made)) if now.since(*made) < CERTIFICATE_AGE => Arc::clone(config),
                _ => {
                    let config = self.config(now)?;
                    Arc::clone(&shown.insert((config, now)).0)
                }
            };
            joins.spawn(Join::new(&self, peer, place).run(stream, config));
        }
    }

    fn config(&self, now: Timestamp) -> Result<Arc<ServerConfig>, JoinServerError> {
        let authority = &self.decider.authority;
        let certificate = authority.join_certificate(now)?;
        let config = tls::join_server(authority.certificate(), &certificate)?;
        Ok(Arc::new(config))
    }
}

/// One connection.
struct Join {
    decider: Arc<Decider>,
    failures: Arc<Reported>,
    peer: SocketAddr,
    _place: Place,
}

impl Join {
    fn new(server: &JoinServer, peer: SocketAddr, place: Place) -> Self {
        Self {
            decider: Arc::clone(&server.decider),
            failures: Arc::clone(&server.failures),
            peer,
            _place: place,
        }
    }

    async fn run(self, stream: TcpStream, config: Arc<ServerConfig>) {
        let peer = self.peer;
        let failures = Arc::clone(&self.failures);
        let ended = timeout(JOIN_TIME_MAX, self.talk(stream, config)).await;
        let why = match ended {
            Ok(Ok(())) => return,
            Ok(Err(why)) => why,
            Err(_elapsed) => format!("it took longer than {JOIN_TIME_MAX:?}"),
        };
        if failures.logged.has_room(now()) {
            tracing::warn!("joins: {peer}: {why}");
        }
    }

    async fn talk(self, stream: TcpStream, config: Arc<ServerConfig>) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let stream = TlsAcceptor::from(config).accept(stream).await;
        let stream = stream.map_err(|error| text(&error))?;
        let (_, connection) = stream.get_ref();
        let binding = connection.export_keying_material(Binding::default(), LABEL, None);
        let binding = binding.map_err(|error| text(&error))?;
        let mut stream = BufReader::new(stream);
        let answer = match read::<Request>(&mut stream, REQUEST_MAX).await {
            Ok(request) => self.decide(request, binding).await?,
            Err(ReadError::Wrong(why)) => Err(Refusal::Request(why)),
            Err(ReadError::Gone(why)) => return Err(why),
        };
        if let Err(refusal) = &answer
            && !self.may_refuse(refusal)
        {
            return Ok(());
        }
        let answer = answer.map_or_else(Answer::Refused, Answer::Admitted);
        stream
            .write_all(&line(&answer)?)
            .await
            .map_err(|error| text(&error))?;
        stream.shutdown().await.map_err(|error| text(&error))
    }

    /// The files are read and written on a thread that may wait for them.
    async fn decide(
        &self,
        request: Request,
        binding: Binding,
    ) -> Result<Result<Admitted, Refusal>, String> {
        let decider = Arc::clone(&self.decider);
        let peer = self.peer;
        let decided = tokio::task::spawn_blocking(move || {
            let decided = decider.decide(&request, &binding, now());
            if decided.is_ok() {
                tracing::info!("joins: {peer} was admitted as {}", request.node);
            }
            decided
        });
        decided.await.map_err(|error| error.to_string())
    }

    fn may_refuse(&self, refusal: &Refusal) -> bool {
        let answered = self.failures.answered.has_room(now());
        if answered {
            tracing::warn!("joins: {} was refused: {refusal}", self.peer);
        }
        answered
    }
}
