//! The side of the process that goes.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use ninefold_gateway::{Counters, Memory, Succession};
use tokio::net::UnixListener;
use tokio::time::timeout;

use super::wire::{PROTOCOL, Said, Wire, portable};
use crate::reload::{CLOSE_LOOK, IDLE_MAX};

/// How long either side waits for the next word of the other.
pub(crate) const GIVE_MAX: Duration = Duration::from_secs(60);

/// How long whoever connects may take to say who it is.
const HELLO_MAX: Duration = Duration::from_secs(2);

/// How often it is told what was counted.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Binds the socket for successors. The folder's lock must be held.
pub(crate) fn bind(socket: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(socket)
}

/// A process that wants to take over.
#[derive(Debug)]
pub struct Taker {
    wire: Wire,
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
}

impl Taker {
    /// The next one that says what it wants. Whoever does not is sent away.
    pub(crate) async fn next(listener: &UnixListener) -> Self {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // For want of descriptors: trying again at once would spin.
                tokio::time::sleep(HELLO_MAX).await;
                continue;
            };
            let mut wire = Wire::new(stream);
            match timeout(HELLO_MAX, wire.hear()).await {
                Ok(Ok(Said::Hello {
                    protocol: PROTOCOL,
                    pid,
                    version,
                })) => return Self { wire, pid, version },
                Ok(Ok(Said::Hello { version, .. })) => {
                    let why = format!(
                        "version {version} hands over in another way than {}; run `ninefold stop`, then `ninefold up`",
                        env!("CARGO_PKG_VERSION")
                    );
                    wire.say(&Said::Failed { why }).await.ok();
                }
                _ => {}
            }
        }
    }

    /// Gives it the sockets, and waits until its gateway holds.
    pub(crate) async fn prepare(
        &mut self,
        gateway: &Succession,
        admin: Option<&TcpListener>,
    ) -> Result<(), String> {
        let sockets = gateway.sockets().map_err(|error| error.to_string())?;
        let given = timeout(GIVE_MAX, self.wire.give(&sockets, admin)).await;
        given
            .map_err(|_elapsed| "it does not take the sockets".to_owned())?
            .map_err(|error| error.to_string())?;
        self.expect("to be prepared", |said| matches!(said, Said::Prepared))
            .await
    }

    /// The folder is its own, and so much is booked; waits until everything stands.
    pub(crate) async fn yours(&mut self, counted: Counters, memory: Memory) -> Result<(), String> {
        let memory = portable(memory);
        self.say(&Said::Yours { counted, memory }).await?;
        self.expect("to stand", |said| matches!(said, Said::Standing))
            .await
    }

    /// Lets it open with what the gateway knows by now, and waits until it has.
    pub(crate) async fn open(&mut self, gateway: &Succession) -> Result<(), String> {
        let memory = portable(gateway.memory());
        self.say(&Said::Go { memory }).await?;
        self.expect("to open", |said| matches!(said, Said::Opened))
            .await
    }

    /// It goes no further.
    pub(crate) async fn refuse(&mut self, why: &str) {
        let why = why.to_owned();
        self.say(&Said::Failed { why }).await.ok();
    }

    /// Drains the gateway and, once it accepts no more, tells what it counts meanwhile, to its end.
    pub(crate) async fn leave(&mut self, gateway: &Succession, limit: Duration) {
        gateway.disown();
        let drain = gateway.drain(IDLE_MAX, limit);
        tokio::pin!(drain);
        let mut wait = CLOSE_LOOK;
        let report = loop {
            tokio::select! {
                report = &mut drain => break report,
                () = tokio::time::sleep(wait) => {}
            }
            if !gateway.accepts() {
                self.tell(gateway.counters()).await;
                wait = TELL_EVERY;
            }
        };
        tracing::info!("drained: {} connections left", report.connections_left);
    }

    /// Tells what was counted so far. A successor that is gone is no reason not to go.
    pub(crate) async fn tell(&mut self, so_far: Counters) {
        self.say(&Said::Counted { so_far }).await.ok();
    }

    async fn say(&mut self, said: &Said) -> Result<(), String> {
        match timeout(GIVE_MAX, self.wire.say(said)).await {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(_elapsed) => Err("it does not listen".to_owned()),
        }
    }

    async fn expect(&mut self, what: &str, is: impl Fn(&Said) -> bool) -> Result<(), String> {
        match timeout(GIVE_MAX, self.wire.hear()).await {
            Ok(Ok(said)) if is(&said) => Ok(()),
            Ok(Ok(Said::Failed { why })) => Err(why),
            Ok(Ok(said)) => Err(format!("it was {what}, and said {said:?}")),
            Ok(Err(error)) => Err(format!("it was {what}, and ended: {error}")),
            Err(_elapsed) => Err(format!("it was {what}, and took longer than {GIVE_MAX:?}")),
        }
    }
}
