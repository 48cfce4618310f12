//! Work that goes on in the background: a cache's new answer, a coalesced call that everybody gave up.
//!
//! Nothing here spawns unless it is told to, by `with_spawner`.

/// Takes work that nobody waits for. [`Inline`] refuses all; `TokioSpawner` gives it to tokio.
///
/// Closures `Fn(F) -> Result<(), F>` are spawners too, for other runtimes.
pub trait Spawn<F: Future> {
    /// Takes the work, or gives it back to whoever asked.
    ///
    /// # Errors
    ///
    /// The work itself, if it cannot be taken.
    fn spawn(&self, work: F) -> Result<(), F>;
}

/// No background: whoever has the work does it. Needs no runtime and no `'static`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inline;

impl<F: Future> Spawn<F> for Inline {
    fn spawn(&self, work: F) -> Result<(), F> {
        Err(work)
    }
}

impl<F: Future, S: Fn(F) -> Result<(), F>> Spawn<F> for S {
    fn spawn(&self, work: F) -> Result<(), F> {
        self(work)
    }
}

/// The tokio runtime of whoever asks; without one the work is given back.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokioSpawner;

#[cfg(feature = "tokio")]
impl<F> Spawn<F> for TokioSpawner
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn spawn(&self, work: F) -> Result<(), F> {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                drop(runtime.spawn(work));
                Ok(())
            }
            Err(_no_runtime) => Err(work),
        }
    }
}
