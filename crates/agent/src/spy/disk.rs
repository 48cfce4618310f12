use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::board::Board;
use super::spies::monotonic;

/// How often the state folder is written to.
const EVERY: Duration = Duration::from_secs(5);

/// Writes a few bytes again and again, down to the disk. A folder that is read well enough may still take nothing.
pub(super) fn watch(board: &Board, file: &Path) {
    while !board.is_ended() {
        let now = monotonic();
        board.write_begins(now);
        let written = write(file, now).map_err(|error| error.to_string());
        board.write_ended(monotonic(), written);
        if !board.is_ended() {
            thread::park_timeout(EVERY);
        }
    }
}

fn write(path: &Path, now: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    writeln!(file, "{now}")?;
    file.sync_data()
}
