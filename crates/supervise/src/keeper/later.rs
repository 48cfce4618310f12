//! A run record that the disk refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::disk::{Folder, RunRecord, write_json};

/// How soon a record that could not be written is tried again.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// Writes it as soon as there is room. Without it nobody could adopt or stop the instance should
/// its keeper die together with Ninefold.
#[derive(Debug)]
pub(super) struct RecordLater {
    wanted: Arc<Mutex<bool>>,
}

impl RecordLater {
    /// Tries again and again, in a thread.
    pub(super) fn begin(folder: Folder, run: RunRecord) -> Self {
        let wanted = Arc::new(Mutex::new(true));
        let shared = Arc::clone(&wanted);
        thread::spawn(move || {
            loop {
                thread::sleep(RECORD_AGAIN);
                // Held over the write: once it ended, nobody must read that it runs.
                let wanted = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if !*wanted || write_json(&folder.run(), &run).is_ok() {
                    return;
                }
            }
        });
        Self { wanted }
    }

    /// Gives up: the process ended.
    pub(super) fn end(&self) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use ninefold_core::id::InstanceId;
    use ninefold_core::time::Timestamp;

    use super::*;
    use crate::disk::read_json;
    use crate::process::{ProcessId, boot_id};

    #[test]
    fn a_record_is_written_as_soon_as_there_is_room() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(&temporary.path().join("later"));
        let me = ProcessId::of(std::process::id()).unwrap();
        let run = RunRecord {
            instance: InstanceId::new("a", 0),
            process: me,
            keeper: me,
            boot_id: boot_id(),
            address: "127.0.0.1:1".parse().unwrap(),
            spec: String::new(),
            release: None,
            started: Timestamp::ZERO,
        };
        let later = RecordLater::begin(folder.clone(), run.clone());
        assert!(!folder.run().exists());
        folder.create().unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while !folder.run().exists() {
            assert!(Instant::now() < end, "never written");
            thread::sleep(Duration::from_millis(5));
        }
        let read = read_json::<RunRecord>(&folder.run()).unwrap().unwrap();
        assert_eq!(read, run);
        later.end();
    }
}
