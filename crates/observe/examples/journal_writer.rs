//! Records notices into the journal of the folder it is given, and prints the number of each one as
//! soon as it is recorded. The tests kill it and look at what is left.

use std::io::Write;
use std::path::PathBuf;

use ninefold_core::event::EventKind;
use ninefold_core::time::Timestamp;
use ninefold_observe::journal::{Journal, JournalLimits};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("no folder is given")?;
    let limits = JournalLimits {
        file_bytes: 64 * 1024,
        total_bytes: 1024 * 1024 * 1024,
    };
    let (journal, _) = Journal::open(&PathBuf::from(folder), limits)?;
    let mut out = std::io::stdout();
    for number in 0..u64::MAX {
        let text = format!(
            "notice {number} {}",
            "x".repeat(usize::try_from(number % 300)?)
        );
        let event = journal.record(Timestamp::from_nanos(number), EventKind::Notice { text });
        writeln!(out, "{}", event.seq)?;
    }
    Ok(())
}
