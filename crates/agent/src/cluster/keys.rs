//! The keys of gossip: this node has the newest, gives them to others, and takes the next step of a
//! [rotation] where it has the authority. With them it learns who was expelled.
//!
//! Each node says which generation it has. One that hears of a later one fetches it, and so does one that is sent packets
//! by keys that it does not know.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ninefold_core::status::KeysStep;
use ninefold_trust::rotation::{self, Keys, Rotator};
use ninefold_trust::{Expelled, SecretsFolder};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::credentials::{Credentials, Shown};
use super::sync::{Ask, Fetch, ask, connect, message, text, write};
use super::view::{MemberView, Shared};
use crate::control;
use crate::lock::lock;

/// Under this name a node says which generation it has, if it is not the first.
pub(super) const KEYS_KEY: &str = "keys";

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Who takes the next step has run, and had the present one, for so long: by then it knows who is there.
const STEP_AFTER: Duration = Duration::from_secs(5);
/// Asking for keys, and answering, may take so long.
const KEYS_TIME_MAX: Duration = Duration::from_secs(5);

/// Which generation a member has, as it says.
pub(crate) fn generation_of(member: &MemberView) -> u64 {
    member.entries.get(KEYS_KEY).map_or(0, |said| parse(said))
}

/// What is said under that name.
pub(super) fn parse(said: &[u8]) -> u64 {
    let said = std::str::from_utf8(said).ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(0)
}

/// This node's keys.
pub(super) struct KeyKeeper {
    credentials: Credentials,
    secrets: SecretsFolder,
    /// With the authority, where it is here.
    rotator: Option<Arc<Rotator>>,
    present: Mutex<Arc<Keys>>,
}

impl KeyKeeper {
    /// # Errors
    /// When the files cannot be used.
    pub(super) fn load(credentials: Credentials, secrets: SecretsFolder) -> io::Result<Self> {
        let own = credentials.shown();
        let rotator = Rotator::load(&secrets, own.identity.cluster(), control::now());
        let present = Keys::load(&secrets).map_err(io::Error::other)?;
        Ok(Self {
            credentials,
            secrets,
            rotator: rotator.map_err(io::Error::other)?.map(Arc::new),
            present: Mutex::new(Arc::new(present)),
        })
    }

    pub(super) fn present(&self) -> Arc<Keys> {
        Arc::clone(&lock(&self.present))
    }

    /// Sees to it that this node has the newest keys, and says when they change.
    pub(super) async fn keep_up(self: Arc<Self>, asks: mpsc::Sender<Ask>, shared: Arc<Shared>) {
        let (mut since, mut failed) = (Instant::now(), false);
        loop {
            sleep(LOOK).await;
            // Also where the authority is: its folder may have been restored from a copy.
            let mut newer = self.fetch(&asks).await;
            if let (Some(rotator), Ok(None)) = (&self.rotator, &newer) {
                newer = self.next(rotator, since.elapsed(), &asks).await;
            }
            match newer {
                Ok(Some((keys, by))) => {
                    shared.note(words(&keys, by.as_deref()));
                    for note in expulsions(self.present().expelled(), keys.expelled()) {
                        shared.note(note);
                    }
                    let keys = Arc::new(keys);
                    *lock(&self.present) = Arc::clone(&keys);
                    asks.send(Ask::Adopt(keys)).await.ok();
                    (since, failed) = (Instant::now(), false);
                }
                Ok(None) => {}
                Err(why) => {
                    // Once is enough for the journal, until there are others.
                    if !failed {
                        shared.note(format!("keys of gossip not changed: {why}"));
                    }
                    tracing::warn!("the keys of gossip are not changed: {why}");
                    failed = true;
                }
            }
        }
    }

    /// Where the authority is: what the folder has meanwhile, or the next step.
    async fn next(
        &self,
        rotator: &Arc<Rotator>,
        for_so_long: Duration,
        asks: &mpsc::Sender<Ask>,
    ) -> Result<Option<(Keys, Option<String>)>, String> {
        let present = self.present();
        let secrets = self.secrets.clone();
        let there = blocking(move || Keys::load(&secrets)).await?;
        if there.generation() > present.generation() {
            return Ok(Some((there, None)));
        }
        if present.step() == KeysStep::Settled || for_so_long < STEP_AFTER {
            return Ok(None);
        }
        let generation = present.generation();
        let behind = ask(asks, |reply| Ask::Behind(generation, reply)).await;
        let (behind, rotator) = (behind.map_err(text)?, Arc::clone(rotator));
        let next = blocking(move || rotator.go_on(behind, control::now())).await?;
        Ok(next.map(|keys| (keys, None)))
    }

    /// What another member has, and who that is.
    async fn fetch(
        &self,
        asks: &mpsc::Sender<Ask>,
    ) -> Result<Option<(Keys, Option<String>)>, String> {
        let present = self.present();
        let generation = present.generation();
        let newer = ask(asks, |reply| Ask::NewerKeys(generation, reply)).await;
        let Some((of, by)) = newer.map_err(text)? else {
            return Ok(None);
        };
        let shown = self.credentials.shown();
        let asked = timeout(KEYS_TIME_MAX, ask_member(&shown, &present, of)).await;
        let answer = asked.map_err(text)?.map_err(|why| format!("{by}: {why}"))?;
        let taken = present.taken(&answer, &shown.identity);
        let Some(keys) = taken.map_err(|why| format!("{by}: {why}"))? else {
            return Ok(None);
        };
        let (secrets, written) = (self.secrets.clone(), keys.clone());
        blocking(move || written.save(&secrets)).await?;
        Ok(Some((keys, Some(by))))
    }

    /// Answers one that asks.
    pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
    ) -> io::Result<()> {
        let present = self.present();
        let answered = async {
            let request = message(&mut stream, rotation::MESSAGE_MAX).await?;
            let answer = present.answer(&request).map_err(text)?;
            write(&mut stream, &answer).await.map_err(text)?;
            stream.shutdown().await.map_err(text)
        };
        let answered = timeout(KEYS_TIME_MAX, answered).await?;
        answered.map_err(|why: String| io::Error::other(why))
    }
}

async fn ask_member(shown: &Shown, present: &Keys, of: Fetch) -> Result<Vec<u8>, String> {
    let mut stream = connect(of, &shown.keys, rotation::PROTOCOL).await?;
    let request = present.request().map_err(text)?;
    write(&mut stream, &request).await.map_err(text)?;
    message(&mut stream, rotation::MESSAGE_MAX).await
}

/// Files are read and written where that keeps nobody waiting.
async fn blocking<T: Send + 'static, E: fmt::Display + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(text)?.map_err(text)
}

/// Who is expelled now, and who is not any more, for the journal.
fn expulsions(before: &Expelled, now: &Expelled) -> Vec<String> {
    let expelled = now.names().filter(|name| !before.has(name));
    let expelled = expelled.map(|name| format!("{name} was expelled from the cluster"));
    let back = before.names().filter(|name| !now.has(name));
    let back = back.map(|name| format!("{name} may be a member of the cluster again"));
    expelled.chain(back).collect()
}

/// For the journal.
fn words(keys: &Keys, by: Option<&str>) -> String {
    let (generation, primary) = (keys.generation(), keys.ring().primary().id());
    let how = match keys.step() {
        KeysStep::Settled => format!("{primary} alone"),
        KeysStep::Spreading => format!("{primary} seals, a new one is opened with"),
        KeysStep::Retiring => format!("{primary} seals, the one before is opened with"),
    };
    let by = by.map_or_else(String::new, |by| format!(", fetched from {by}"));
    format!("keys of gossip: generation {generation}, {how}{by}")
}
