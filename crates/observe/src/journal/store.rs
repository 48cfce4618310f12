use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ninefold_core::event::{Event, EventKind};
use ninefold_core::time::{Timestamp, nanos};

use super::error::JournalError;
use super::files;
use super::reader::{Reading, read_all};
use super::writer::Writer;

/// Events that [`Journal::since`] can still tell, at most.
pub const RECENT_MAX: usize = 10_000;

/// How much disk the journal may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    /// A file that would grow beyond this is closed and a new one begun. At least one line fits.
    pub file_bytes: u64,
    /// The oldest files go before all together grow beyond this. The newest one always stays.
    pub total_bytes: u64,
}

impl Default for JournalLimits {
    /// 8 MiB a file, 64 MiB in all.
    fn default() -> Self {
        Self {
            file_bytes: 8 * 1024 * 1024,
            total_bytes: 64 * 1024 * 1024,
        }
    }
}

type Callback = Arc<dyn Fn(&Event) + Send + Sync>;

/// The journal that this process writes. Clones share it.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    callbacks: Mutex<Vec<Callback>>,
}

#[derive(Debug)]
struct State {
    next: u64,
    recent: VecDeque<Event>,
    writer: Writer,
}

impl Journal {
    /// Opens the journal in `folder`, which is made if it does not exist. Also returns the events on
    /// disk, oldest first: the newest 100,000 at most.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made or listed, or a file cannot be read. A damaged file is no error,
    /// and neither is a full disk.
    pub fn open(folder: &Path, limits: JournalLimits) -> Result<(Self, Vec<Event>), JournalError> {
        let failed = |source| JournalError::Folder {
            folder: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let mut files = files::list(folder).map_err(failed)?;
        let reading = read_all(&files)?;
        if let Some(newest) = files.last_mut() {
            newest.bytes = reading.whole_bytes;
        }
        // A file whose lines are all damaged still keeps its name from being used again.
        let named = files.last().map_or(0, |file| file.first.saturating_sub(1));
        let newest = reading.newest.max(named);
        let writer = Writer::new(folder, (limits.file_bytes, limits.total_bytes), files);
        let notice = repair(&reading);
        let journal = Self::with_writer(writer, newest, reading.events.iter());
        let mut events: Vec<Event> = reading.events.into();
        if let Some(text) = notice {
            events.push(journal.record(wall_clock(), EventKind::Notice { text }));
        }
        Ok((journal, events))
    }

    pub(super) fn with_writer<'a>(
        writer: Writer,
        newest: u64,
        events: impl DoubleEndedIterator<Item = &'a Event>,
    ) -> Self {
        let mut recent: VecDeque<Event> = events.rev().take(RECENT_MAX).cloned().collect();
        recent.make_contiguous().reverse();
        let state = State {
            next: newest.saturating_add(1),
            recent,
            writer,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                callbacks: Mutex::new(Vec::new()),
            }),
        }
    }

    /// Records an event: when this returns, the end of this process cannot undo it, unless the disk
    /// refuses. Then the event waits in memory, [`Self::problem`] says so, and later calls try again.
    pub fn record(&self, at: Timestamp, kind: EventKind) -> Event {
        let (event, _) = self.append(at, kind, false);
        self.tell(&event);
        event
    }

    /// Records an event and waits until the disk has it.
    ///
    /// # Errors
    ///
    /// If the disk refuses. The event is kept in memory and written when the disk accepts again.
    pub fn record_durable(&self, at: Timestamp, kind: EventKind) -> Result<Event, JournalError> {
        let (event, written) = self.append(at, kind, true);
        self.tell(&event);
        if written {
            return Ok(event);
        }
        let problem = self.problem();
        Err(JournalError::Write(problem.unwrap_or_default()))
    }

    /// Tries again to write what waits. Call it now and then where events are rare.
    pub fn flush(&self, now: Timestamp) {
        self.state().writer.flush(now, false);
    }

    /// The events after the number `seq`, oldest first, at most `limit`, out of the newest 10,000.
    #[must_use]
    pub fn since(&self, seq: u64, limit: usize) -> Vec<Event> {
        let state = self.state();
        let start = state.recent.partition_point(|event| event.seq <= seq);
        state
            .recent
            .iter()
            .skip(start)
            .take(limit)
            .cloned()
            .collect()
    }

    /// The number of the newest event; 0 before the first.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.state().next.saturating_sub(1)
    }

    /// Calls back for every event recorded from now on, in the thread that records it and after the
    /// event is in the journal. With several threads the calls may come out of order. The callback
    /// may use the journal.
    pub fn on_record(&self, callback: Box<dyn Fn(&Event) + Send + Sync>) {
        let callbacks = self.shared.callbacks.lock();
        callbacks
            .unwrap_or_else(PoisonError::into_inner)
            .push(callback.into());
    }

    /// What is wrong with it, in words, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.state().writer.problem()
    }

    fn append(&self, at: Timestamp, kind: EventKind, durable: bool) -> (Event, bool) {
        let mut state = self.state();
        let seq = state.next;
        state.next = seq.saturating_add(1);
        let event = Event { seq, at, kind };
        let written = state.writer.write(&event, at, durable);
        state.recent.push_back(event.clone());
        if state.recent.len() > RECENT_MAX {
            state.recent.pop_front();
        }
        (event, written)
    }

    fn tell(&self, event: &Event) {
        let callbacks = self.shared.callbacks.lock();
        let callbacks = callbacks.unwrap_or_else(PoisonError::into_inner).clone();
        for callback in callbacks {
            callback(event);
        }
    }

    /// A thread that panicked while it held the lock left whole values behind: each change is one
    /// assignment.
    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("state", &*self.state())
            .finish_non_exhaustive()
    }
}

fn repair(reading: &Reading) -> Option<String> {
    let mut damage = Vec::new();
    if reading.damaged > 0 {
        damage.push(format!("{} damaged lines were skipped", reading.damaged));
    }
    if reading.torn_bytes > 0 {
        let torn = reading.torn_bytes;
        damage.push(format!(
            "an unfinished last line of {torn} bytes was cut off"
        ));
    }
    (!damage.is_empty()).then(|| format!("the journal was repaired: {}", damage.join(", ")))
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::from_nanos(since.map_or(0, nanos))
}
