//! What another service would refuse, as it said itself.

use std::time::Duration;

use super::super::level::Level;
use super::super::sync::atomic::{AtomicU64, Ordering};
use super::super::{
    Admission, Change, Now, Outcome, PolicyKind, Reason, Rejected, RequestMeta, Source,
};
use crate::rng::SharedRng;
use crate::time::{Timestamp, nanos};

/// The header in which an answer carries the level.
pub const LEVEL_HEADER: &str = "x-admission-level";

/// How long a level holds that nobody repeats.
const FRESH: Duration = Duration::from_secs(2);

/// Bits of a level; those above hold the time until which it holds, about a millisecond each.
const LEVEL_BITS: u32 = 20;

/// The level of one service that is called, for those who call it: what it would refuse is not sent.
///
/// A level that no answer has repeated for 2 s is forgotten, so that a service whose callers all
/// hold back is asked again.
///
/// ```
/// use ninefold_core::policy::prioritizer::PeerLevel;
/// use ninefold_core::policy::{Admission, RequestMeta};
/// use ninefold_core::time::Timestamp;
///
/// let (peer, call) = (PeerLevel::default(), RequestMeta::default());
/// peer.learn_text("critical-plus/127", Timestamp::from_secs(10));
/// assert!(peer.try_acquire(&call, Timestamp::from_secs(11)).is_err());
/// assert!(peer.try_acquire(&call, Timestamp::from_secs(13)).is_ok());
/// ```
#[derive(Debug)]
pub struct PeerLevel {
    /// Until when, and the level, in one word.
    word: AtomicU64,
    rng: SharedRng,
    source: Source,
}

impl Default for PeerLevel {
    fn default() -> Self {
        Self {
            word: AtomicU64::new(0),
            rng: SharedRng::new(1),
            source: Source::default(),
        }
    }
}

impl PeerLevel {
    /// The same, with a name and a listener.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// An answer said so.
    pub fn learn(&self, level: Level, now: Timestamp) {
        let until = nanos(FRESH).saturating_add(now.as_nanos());
        let word = (until >> LEVEL_BITS << LEVEL_BITS) | u64::from(level.bits());
        self.word.store(word, Ordering::Relaxed);
    }

    /// An answer said so in its header. What cannot be read is as if there were no header.
    pub fn learn_text(&self, text: &str, now: Timestamp) {
        if let Ok(level) = text.parse() {
            self.learn(level, now);
        }
    }

    /// What the service lets in, as far as is known.
    #[must_use]
    pub fn level(&self, now: Timestamp) -> Level {
        let word = self.word.load(Ordering::Relaxed);
        if now.as_nanos() >> LEVEL_BITS >= word >> LEVEL_BITS {
            return Level::ALL;
        }
        let bits = word & ((1 << LEVEL_BITS) - 1);
        Level::of_bits(u32::try_from(bits).unwrap_or(0))
    }
}

impl Admission for PeerLevel {
    type Token = ();

    const KIND: PolicyKind = PolicyKind::Prioritizer;

    #[inline]
    fn try_acquire(&self, request: &RequestMeta, now: impl Now) -> Result<(), Rejected> {
        if self.word.load(Ordering::Relaxed) & ((1 << LEVEL_BITS) - 1) == 0 {
            return Ok(());
        }
        if self
            .level(now.now())
            .admits(request, || self.rng.next_u64())
        {
            return Ok(());
        }
        let rejected = Rejected::new(Self::KIND, Reason::Shed);
        self.source.emit(Self::KIND, || Change::Rejected(rejected));
        Err(rejected)
    }

    #[inline]
    fn settle(&self, (): (), _: Outcome, _: impl Now) {}

    #[inline]
    fn cancel(&self, (): ()) {}
}
