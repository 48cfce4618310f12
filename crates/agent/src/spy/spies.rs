use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle, Thread};

use ninefold_core::spy::{Clocks, HANG_MIN, PERIOD, Spy};
use rustix::time::{ClockId, clock_gettime};

use super::board::Board;
use super::disk;
use super::listeners::{self, Doors};

/// Threads that end with this. A write that hangs is not waited for, nor a connection.
#[derive(Debug)]
pub(crate) struct Spies {
    board: Arc<Board>,
    clocks: Option<JoinHandle<()>>,
    disk: Option<Thread>,
    listeners: Option<Thread>,
}

impl Spies {
    /// Begins; `file` is written to again and again, and what is at the `doors` is connected to. Without threads to be had nothing is watched, and that is said.
    pub(crate) fn start(file: PathBuf, doors: Doors) -> Self {
        let board = Arc::new(Board::new(monotonic()));
        let begin = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
            thread
                .inspect_err(|error| tracing::warn!(%error, "no thread `{name}`: the node is not watched by it"))
                .ok()
        };
        let [to_clocks, to_disk, to_listeners] = [(); 3].map(|()| Arc::clone(&board));
        let clocks = begin("spy", Box::new(move || watch_clocks(&to_clocks)));
        let disk = begin("spy-disk", Box::new(move || disk::watch(&to_disk, &file)));
        let listeners = begin(
            "spy-listen",
            Box::new(move || listeners::watch(&to_listeners, &doors)),
        );
        let thread = |handle: JoinHandle<()>| handle.thread().clone();
        Self {
            board,
            clocks,
            disk: disk.map(thread),
            listeners: listeners.map(thread),
        }
    }

    pub(crate) fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }
}

impl Drop for Spies {
    fn drop(&mut self) {
        self.board.end();
        for thread in [&self.disk, &self.listeners].into_iter().flatten() {
            thread.unpark();
        }
        if let Some(clocks) = self.clocks.take() {
            clocks.thread().unpark();
            // It does nothing that could hang; if it panicked, that was told.
            let _ended = clocks.join();
        }
    }
}

fn watch_clocks(board: &Board) {
    let mut spy = Spy::new(clocks());
    let mut warned = false;
    while !board.is_ended() {
        thread::park_timeout(PERIOD);
        let now = clocks();
        for disturbance in spy.look(now, board.last_beat()) {
            board.put(disturbance);
        }
        board.look_at_disk(now.monotonic);
        // The journal is the control plane's: this is all that is seen of it before it runs again.
        let hangs = spy.hung_since().is_some();
        if hangs && !warned {
            tracing::warn!(
                "the control plane of this node has not run for {HANG_MIN:?}; its gateway serves on"
            );
        }
        warned = hangs;
    }
}

/// The clocks now.
fn clocks() -> Clocks {
    let read = |id| {
        let time = clock_gettime(id);
        let secs = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
        secs.saturating_mul(1_000_000_000).saturating_add(nanos)
    };
    Clocks {
        monotonic: read(ClockId::Monotonic),
        boot: read(ClockId::Boottime),
        wall: read(ClockId::Realtime),
    }
}

/// The clock that [`Board::beat`] counts by, in nanoseconds.
pub(super) fn monotonic() -> u64 {
    clocks().monotonic
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use ninefold_core::event::Disturbance;

    use super::*;

    fn nowhere() -> Doors {
        Doors {
            gateway: std::sync::Weak::new(),
            admin: None,
        }
    }

    /// What is found until something is, for at most 5 s.
    fn found(board: &Board) -> Vec<Disturbance> {
        let began = Instant::now();
        let mut all = Vec::new();
        while all.is_empty() && began.elapsed() < Duration::from_secs(5) {
            all = board.take();
            thread::sleep(Duration::from_millis(10));
        }
        all
    }

    #[test]
    fn a_control_plane_that_stops_for_a_while_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let spies = Spies::start(folder.path().join("canary"), nowhere());
        let board = spies.board();
        board.beat();
        // Longer than it takes to be noticed by a thread that is late itself.
        thread::sleep(HANG_MIN * 3);
        board.beat();
        let all = found(&board);
        // On a host that has no time for the spy either it is seen to stand still.
        let noticed = |one: &Disturbance| {
            matches!(
                one,
                Disturbance::ControlHung { .. } | Disturbance::Stalled { .. }
            )
        };
        assert!(all.iter().any(noticed), "{all:?}");
        let began = Instant::now();
        drop(spies);
        assert!(began.elapsed() < Duration::from_secs(5), "it ends");
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_told_of_once_and_its_recovery() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("missing").join("canary");
        let spies = Spies::start(file.clone(), nowhere());
        let board = spies.board();
        let disk = |all: Vec<Disturbance>| -> Vec<Disturbance> {
            let of = all.into_iter();
            of.filter(|one| one.name().starts_with("disk")).collect()
        };
        let said = disk(found(&board));
        assert!(
            matches!(&said[..], [Disturbance::DiskFailed { error }] if error.contains("No such file")),
            "{said:?}"
        );
        assert!(board.problems()[0].contains("No such file"));
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        spies.disk.as_ref().unwrap().unpark();
        assert_eq!(disk(found(&board)), [Disturbance::DiskRecovered]);
        assert!(board.problems().is_empty());
        assert!(board.write_time().is_some());
    }
}
