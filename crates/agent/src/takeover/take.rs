//! The side of the new process.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use ninefold_config::model::File;
use ninefold_gateway::{Counters, Gateway, Memory, StartError, Succession};
use tokio::net::UnixStream;
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::time::timeout;

use super::give::GIVE_MAX;
use super::wire::{PROTOCOL, Said, Wire};
use crate::reload::CLOSE_MAX;
use crate::state::StateFolder;

/// Why nothing was taken over. The one before goes on.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The node before does not speak with this one.
    #[error("the running Ninefold cannot be taken over: {0}")]
    Refused(String),
    /// It broke off.
    #[error("the hand-over broke off: {0}")]
    Broken(#[source] io::Error),
    /// It took too long.
    #[error("the running Ninefold did not answer within {GIVE_MAX:?}")]
    Slow,
    /// The gateway cannot be made from this file.
    #[error(transparent)]
    Gateway(#[from] StartError),
}

/// What the new process has, before anything of the node.
#[derive(Debug)]
pub(crate) struct Taken {
    /// It holds, on the sockets of the one before.
    pub(crate) gateway: Arc<Succession>,
    pub(crate) admin: Option<TcpListener>,
    /// What the one before had counted and booked; nothing if it was killed before it said so.
    pub(crate) counted: Option<Counters>,
    pub(crate) from: u32,
    pub(crate) version: String,
    pub(crate) handing: Handing,
}

/// The rest of the conversation.
#[derive(Debug)]
pub(crate) struct Handing {
    /// None if the one before is gone.
    wire: Option<Wire>,
    gateway: Arc<Succession>,
    /// What the one before knew when it gave up the folder.
    memory: Memory,
}

impl Taken {
    /// Takes the sockets and the word of the one before, if there is one that listens.
    pub(crate) async fn from(
        state: &StateFolder,
        file: &Arc<File>,
    ) -> Result<Option<Self>, TakeError> {
        let Ok(stream) = UnixStream::connect(state.handover()).await else {
            return Ok(None);
        };
        let mut wire = Wire::new(stream);
        match timeout(GIVE_MAX, Self::sockets(&mut wire, state.path(), file)).await {
            Err(_elapsed) => Err(TakeError::Slow),
            Ok(Err(error)) => {
                // If it has gone there is nobody to tell.
                let why = error.to_string();
                wire.say(&Said::Failed { why }).await.ok();
                Err(error)
            }
            Ok(Ok((mut taken, rest))) => {
                match rest {
                    Some((counted, memory)) => {
                        taken.counted = Some(counted);
                        taken.handing.wire = Some(wire);
                        taken.handing.memory = memory;
                    }
                    None => tracing::warn!("the Ninefold before was killed; this one goes on"),
                }
                Ok(Some(taken))
            }
        }
    }

    async fn sockets(
        wire: &mut Wire,
        state: &Path,
        file: &Arc<File>,
    ) -> Result<(Self, Option<(Counters, Memory)>), TakeError> {
        wire.say(&Said::Hello {
            protocol: PROTOCOL,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
        .await
        .map_err(TakeError::Broken)?;
        let (from, version, listeners, admin) = match wire.hear().await {
            Ok(Said::Sockets {
                pid,
                version,
                listeners,
                admin,
            }) => (pid, version, listeners, admin),
            other => return Err(unexpected(other)),
        };
        let (sockets, admin) = wire
            .get(listeners, admin)
            .await
            .map_err(TakeError::Broken)?;
        let (file, state) = (Arc::clone(file), state.to_owned());
        let made = tokio::task::spawn_blocking(move || Gateway::inherit(&file, &state, sockets));
        let made = made
            .await
            .map_err(|error| TakeError::Broken(io::Error::other(error)))?;
        let gateway = Arc::new(Succession::new(made?));
        let taken = Self {
            handing: Handing {
                wire: None,
                gateway: Arc::clone(&gateway),
                memory: Memory::default(),
            },
            gateway,
            admin,
            counted: None,
            from,
            version,
        };
        wire.say(&Said::Prepared).await.map_err(TakeError::Broken)?;
        match wire.hear().await {
            Ok(Said::Yours { counted, memory }) => Ok((taken, Some((counted, memory)))),
            // It was killed: what it had is on disk, and the sockets are here.
            Err(error) if is_end(&error) => Ok((taken, None)),
            other => Err(unexpected(other)),
        }
    }
}

fn unexpected(said: io::Result<Said>) -> TakeError {
    match said {
        Ok(Said::Failed { why }) => TakeError::Refused(why),
        Ok(other) => TakeError::Refused(format!("it said {other:?}")),
        Err(error) => TakeError::Broken(error),
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe)
}

impl Handing {
    /// Everything stands: waits for the word to open, and says what the one before knew last. An error
    /// if that one goes on instead.
    pub(crate) async fn may_open(&mut self) -> Result<Memory, TakeError> {
        let known = std::mem::take(&mut self.memory);
        let Some(wire) = &mut self.wire else {
            return Ok(known);
        };
        let word = async {
            wire.say(&Said::Standing).await?;
            wire.hear().await
        };
        let end = match timeout(GIVE_MAX, word).await {
            Ok(Ok(Said::Go { memory })) => return Ok(memory),
            Ok(Err(error)) if is_end(&error) => error,
            Ok(other) => return Err(unexpected(other)),
            Err(_elapsed) => return Err(TakeError::Slow),
        };
        tracing::warn!("the Ninefold before was killed ({end}); this one goes on");
        self.wire = None;
        self.gateway.settle_elsewhere();
        Ok(known)
    }

    /// Connections are accepted: the one before may drain. Waits until it accepts no more, adds what
    /// it counts from then on, and releases `turn` when it is gone.
    pub(crate) async fn opened(mut self, turn: OwnedMutexGuard<()>) {
        let Some(mut wire) = self.wire.take() else {
            return;
        };
        if let Err(error) = wire.say(&Said::Opened).await {
            tracing::warn!(%error, "the Ninefold before does not hear that it may go");
        }
        let gateway = self.gateway;
        // The first count comes once its doors are closed.
        let (closed_tx, closed) = oneshot::channel::<()>();
        drop(tokio::spawn(async move {
            let mut closed_tx = Some(closed_tx);
            while let Ok(Said::Counted { so_far }) = wire.hear().await {
                gateway.counted_elsewhere(so_far);
                drop(closed_tx.take());
            }
            gateway.settle_elsewhere();
            drop(turn);
        }));
        // Dropped, not sent: then, or when the one before is gone.
        if timeout(CLOSE_MAX, closed).await.is_err() {
            tracing::warn!("the Ninefold before still accepts connections");
        }
    }

    /// It failed: the one before goes on.
    pub(crate) async fn failed(mut self, why: String) {
        if let Some(wire) = &mut self.wire {
            wire.say(&Said::Failed { why }).await.ok();
        }
    }
}
