//! Whom this node heard, and what of it: so that nothing counts twice. The module `seal` says why this is enough.

use std::collections::HashMap;

use super::error::OpenError;
use super::header::{Header, Salt};
use super::key::ProcessKey;
use super::window::Window;

/// Senders that are remembered.
pub const SENDERS_MAX: usize = 65_536;

/// How far the clocks of two processes that meet may differ, with the time that a packet is on its way.
pub(super) const SKEW_MS: u64 = 60_000;

/// How far they may differ where a process meets others right after its start.
pub(super) const START_SKEW_MS: u64 = 2_000;

/// How often it is looked for senders to forget, where there is no room.
const SWEEP_EVERY_MS: u64 = 1_000;

/// What is remembered of all senders.
#[derive(Debug)]
pub(super) struct Senders {
    /// When this process began.
    started_ms: u64,
    by_id: HashMap<u64, Sender>,
    swept_ms: u64,
    limit: usize,
}

/// What is remembered of one.
#[derive(Debug)]
struct Sender {
    /// The latest time that any of its packets was sent at.
    latest_ms: u64,
    current: Process,
    /// The process before it, whose last packets may still be on their way.
    before: Option<Box<Process>>,
}

/// One process of a sender.
#[derive(Debug)]
struct Process {
    salt: Salt,
    key: ProcessKey,
    window: Window,
    /// What was sent earlier could have been accepted before.
    floor_ms: u64,
}

impl Senders {
    pub(super) fn new(started_ms: u64) -> Self {
        Self {
            started_ms,
            by_id: HashMap::new(),
            swept_ms: 0,
            limit: SENDERS_MAX,
        }
    }

    #[cfg(test)]
    pub(super) fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether a packet with this head may count, if it is authentic; with the key of its process, where that is
    /// known. Nothing is changed: anybody can write a head.
    pub(super) fn admit(
        &self,
        head: &Header,
        now_ms: u64,
    ) -> Result<Option<&ProcessKey>, OpenError> {
        if head.sent_ms > now_ms.saturating_add(SKEW_MS) {
            return Err(OpenError::Stale);
        }
        let sender = self.by_id.get(&head.from);
        match sender.and_then(|sender| sender.process(&head.salt)) {
            Some(process) if head.sent_ms < process.floor_ms => Err(OpenError::Stale),
            Some(process) if !process.window.is_new(head.counter) => Err(OpenError::Replayed),
            Some(process) => Ok(Some(&process.key)),
            None if head.sent_ms < self.floor_ms(head.from, now_ms) => Err(OpenError::Stale),
            None if head.counter == 0 => Err(OpenError::Replayed),
            None => Ok(None),
        }
    }

    /// An authentic packet counts.
    pub(super) fn accept(
        &mut self,
        head: &Header,
        key: ProcessKey,
        now_ms: u64,
    ) -> Result<(), OpenError> {
        let floor_ms = self.floor_ms(head.from, now_ms);
        if let Some(sender) = self.by_id.get_mut(&head.from) {
            sender.accept(head, key, floor_ms);
            return Ok(());
        }
        self.make_room(now_ms)?;
        let sender = Sender {
            latest_ms: head.sent_ms,
            current: Process::new(head, key, floor_ms),
            before: None,
        };
        self.by_id.insert(head.from, sender);
        Ok(())
    }

    /// What a process that is not known yet must not have sent earlier than.
    fn floor_ms(&self, from: u64, now_ms: u64) -> u64 {
        let latest = self
            .by_id
            .get(&from)
            .map_or(0, |sender| sender.latest_ms + 1);
        let fresh = now_ms.saturating_sub(SKEW_MS);
        let since_start = self.started_ms.saturating_sub(START_SKEW_MS);
        latest.max(fresh).max(since_start)
    }

    /// Forgets those of whom nothing would be accepted again.
    fn make_room(&mut self, now_ms: u64) -> Result<(), OpenError> {
        if self.by_id.len() < self.limit {
            return Ok(());
        }
        if now_ms < self.swept_ms.saturating_add(SWEEP_EVERY_MS) {
            return Err(OpenError::Full);
        }
        self.swept_ms = now_ms;
        let fresh = now_ms.saturating_sub(SKEW_MS);
        self.by_id.retain(|_, sender| sender.latest_ms >= fresh);
        if self.by_id.len() < self.limit {
            Ok(())
        } else {
            Err(OpenError::Full)
        }
    }
}

impl Sender {
    fn process(&self, salt: &Salt) -> Option<&Process> {
        let before = self.before.as_deref();
        std::iter::once(&self.current)
            .chain(before)
            .find(|process| process.salt == *salt)
    }

    fn accept(&mut self, head: &Header, key: ProcessKey, floor_ms: u64) {
        self.latest_ms = self.latest_ms.max(head.sent_ms);
        let before = self.before.as_deref_mut();
        let known = std::iter::once(&mut self.current)
            .chain(before)
            .find(|process| process.salt == head.salt);
        if let Some(process) = known {
            process.key = key;
            process.window.mark(head.counter);
            return;
        }
        let next = Process::new(head, key, floor_ms);
        self.before = Some(Box::new(std::mem::replace(&mut self.current, next)));
    }
}

impl Process {
    fn new(head: &Header, key: ProcessKey, floor_ms: u64) -> Self {
        let mut window = Window::default();
        window.mark(head.counter);
        Self {
            salt: head.salt,
            key,
            window,
            floor_ms,
        }
    }
}
