//! One library's way to do one thing.

use std::fmt;
use std::future::poll_fn;
use std::hint::black_box;
use std::task::Context;

use tower::Service;

use crate::bare::REQUEST;
use crate::drive::{drive, enter, waker};

/// Makes so many calls, on whichever thread it is run.
pub type Runner = Box<dyn FnMut(u64) + Send>;

/// Makes the runners of all threads that share one instance.
type Share = Box<dyn Fn() -> Runner>;

/// Which kind of interface is used. Like is compared with like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A question and an answer around the call, without a future of the library's.
    Permit,
    /// A function around a future.
    Call,
    /// A layer around a tower service.
    Layer,
}

impl Surface {
    /// The name in figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Call => "call",
            Self::Layer => "layer",
        }
    }
}

/// One library's way to do one thing.
pub struct Subject {
    /// The library; `bare` is the service without any.
    pub library: &'static str,
    /// The kind of interface.
    pub surface: Surface,
    /// Whether somebody listens to what the policy does.
    pub heard: bool,
    /// Where it differs from the others; empty if it does not.
    pub note: &'static str,
    /// How many threads can share one instance of it.
    pub threads_max: usize,
    refuses: bool,
    build: Box<dyn Fn(bool) -> Share>,
}

impl Subject {
    fn new(
        library: &'static str,
        surface: Surface,
        build: impl Fn(bool) -> Share + 'static,
    ) -> Self {
        Self {
            library,
            surface,
            heard: false,
            note: "",
            threads_max: usize::MAX,
            refuses: false,
            build: Box::new(build),
        }
    }

    /// A subject without futures. `share` builds what all threads share, `worker` what each has.
    pub fn permit<S, C, T, E>(
        library: &'static str,
        share: impl Fn() -> S + 'static,
        worker: impl Fn(&S) -> C + Clone + 'static,
    ) -> Self
    where
        S: 'static,
        C: FnMut(u64) -> Result<T, E> + Send + 'static,
    {
        Self::new(library, Surface::Permit, move |refuses| {
            let (shared, worker) = (share(), worker.clone());
            Box::new(move || {
                let mut call = worker(&shared);
                Box::new(move |calls| {
                    for _ in 0..calls {
                        check(call(black_box(REQUEST)), refuses);
                    }
                })
            })
        })
    }

    /// A subject that is called as a function. `share` builds what all threads share, `worker`
    /// what each has.
    pub fn call<S, C, T, E>(
        library: &'static str,
        share: impl Fn() -> S + 'static,
        worker: impl Fn(&S) -> C + Clone + 'static,
    ) -> Self
    where
        S: 'static,
        C: AsyncFnMut(u64) -> Result<T, E> + Send + 'static,
    {
        Self::asynchronous(library, Surface::Call, share, worker)
    }

    /// A tower service, of which each thread has a clone.
    pub fn layer<S>(library: &'static str, service: impl Fn() -> S + 'static) -> Self
    where
        S: Service<u64> + Clone + Send + 'static,
    {
        Self::asynchronous(library, Surface::Layer, service, |service: &S| {
            ready_and_call(service.clone())
        })
    }

    /// A tower service that cannot be shared.
    pub fn layer_alone<S>(library: &'static str, service: impl Fn() -> S + Clone + 'static) -> Self
    where
        S: Service<u64> + Send + 'static,
    {
        let make = service;
        let subject = Self::asynchronous(
            library,
            Surface::Layer,
            || (),
            move |()| ready_and_call(make()),
        );
        Self {
            threads_max: 1,
            ..subject
        }
    }

    fn asynchronous<S, C, T, E>(
        library: &'static str,
        surface: Surface,
        share: impl Fn() -> S + 'static,
        worker: impl Fn(&S) -> C + Clone + 'static,
    ) -> Self
    where
        S: 'static,
        C: AsyncFnMut(u64) -> Result<T, E> + Send + 'static,
    {
        Self::new(library, surface, move |refuses| {
            let _guard = enter();
            let (shared, worker) = (share(), worker.clone());
            Box::new(move || {
                let _guard = enter();
                let mut call = worker(&shared);
                Box::new(move |calls| {
                    let _guard = enter();
                    let waker = waker();
                    let mut context = Context::from_waker(&waker);
                    for _ in 0..calls {
                        check(drive(call(black_box(REQUEST)), &mut context), refuses);
                    }
                })
            })
        })
    }

    /// The same, with a listener on it.
    #[must_use]
    pub fn heard(self) -> Self {
        Self {
            heard: true,
            ..self
        }
    }

    /// The same, which is meant to refuse every call.
    #[must_use]
    pub fn refusing(self) -> Self {
        Self {
            refuses: true,
            ..self
        }
    }

    /// The same, with a remark.
    #[must_use]
    pub fn noting(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    /// A name that is unique in its case, as in `ninefold-layer-heard`.
    pub fn name(&self) -> String {
        let heard = if self.heard { "-heard" } else { "" };
        format!("{}-{}{heard}", self.library, self.surface.name())
    }

    /// Runners for so many threads, which share one new instance.
    pub fn runners(&self, threads: usize) -> Vec<Runner> {
        let share = (self.build)(self.refuses);
        (0..threads).map(|_| share()).collect()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.name()).finish()
    }
}

fn ready_and_call<S>(
    mut service: S,
) -> impl AsyncFnMut(u64) -> Result<S::Response, S::Error> + Send + 'static
where
    S: Service<u64> + Send + 'static,
{
    async move |request| {
        poll_fn(|context| service.poll_ready(context)).await?;
        service.call(request).await
    }
}

/// A policy that refuses what it should admit, or the reverse, would only look fast.
#[inline]
fn check<T, E>(result: Result<T, E>, refuses: bool) {
    if result.is_err() == refuses {
        drop(black_box(result));
    } else {
        unexpected(refuses);
    }
}

#[cold]
fn unexpected(refuses: bool) {
    let meant = if refuses { "refused" } else { "answered" };
    panic!("a call was to be {meant}, and was not");
}
