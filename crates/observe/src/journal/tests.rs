//! A disk that refuses: full from the start, full in the middle of a line, and well again.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ninefold_core::event::EventKind;
use ninefold_core::time::Timestamp;

use super::line::decode;
use super::sink::Sink;
use super::store::Journal;
use super::writer::Writer;

fn notice(text: &str) -> EventKind {
    EventKind::Notice {
        text: text.to_owned(),
    }
}

/// The kernel's own full disk.
struct DevFull;

impl Sink for DevFull {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        OpenOptions::new()
            .write(true)
            .open("/dev/full")?
            .write_all(line)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that can be switched off.
#[derive(Clone, Default)]
struct Disk {
    off: Arc<AtomicBool>,
    lines: Arc<Mutex<Vec<Vec<u8>>>>,
    tries: Arc<AtomicUsize>,
}

impl Sink for Disk {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.tries.fetch_add(1, Ordering::Relaxed);
        if self.off.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.lines.lock().unwrap().push(line.to_vec());
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk {
    fn numbers(&self) -> Vec<u64> {
        let lines = self.lines.lock().unwrap();
        let lines = lines.iter().map(|line| line.strip_suffix(b"\n").unwrap());
        lines.map(|line| decode(line).unwrap().seq).collect()
    }
}

fn journal(open: impl Fn() -> Box<dyn Sink> + Send + 'static) -> Journal {
    let writer = Writer::new(Path::new("folder"), (1 << 30, 1 << 40), Vec::new());
    let writer = writer.with_sinks(Box::new(move |_, _| Ok(open())));
    Journal::with_writer(writer, 0, [].iter())
}

#[test]
fn a_full_disk_is_told_and_stops_nobody() {
    let journal = journal(|| Box::new(DevFull));
    let event = journal.record(Timestamp::from_secs(1), notice("one"));
    assert_eq!(journal.since(0, 10), [event]);
    let problem = journal.problem().unwrap();
    assert!(problem.contains("No space left"), "{problem}");
    assert!(problem.contains("1 events wait"), "{problem}");
    let error = journal.record_durable(Timestamp::from_secs(1), notice("two"));
    assert!(error.unwrap_err().to_string().contains("No space left"));
}

#[test]
fn what_waited_is_written_in_order_when_the_disk_is_well_again() {
    let disk = Disk::default();
    let sink = disk.clone();
    let journal = journal(move || Box::new(sink.clone()));
    journal.record(Timestamp::from_millis(0), notice("one"));
    disk.off.store(true, Ordering::Relaxed);
    for millis in 1..=500 {
        journal.record(Timestamp::from_millis(millis), notice("more"));
    }
    assert_eq!(
        disk.tries.load(Ordering::Relaxed),
        2,
        "a bad disk is left alone for a while"
    );
    disk.off.store(false, Ordering::Relaxed);
    journal.flush(Timestamp::from_millis(600));
    assert_eq!(disk.numbers(), [1]);
    journal.flush(Timestamp::from_millis(1_100));
    assert_eq!(disk.numbers(), (1..=501).collect::<Vec<_>>());
    assert_eq!(journal.problem(), None);
}

#[test]
fn the_queue_of_a_disk_that_refuses_is_bounded() {
    let disk = Disk::default();
    disk.off.store(true, Ordering::Relaxed);
    let sink = disk.clone();
    let journal = journal(move || Box::new(sink.clone()));
    let text = "x".repeat(100_000);
    for _ in 0..300 {
        journal.record(Timestamp::ZERO, notice(&text));
    }
    let problem = journal.problem().unwrap();
    assert!(problem.contains("133 are lost"), "{problem}");
    disk.off.store(false, Ordering::Relaxed);
    journal.flush(Timestamp::from_secs(2));
    assert_eq!(disk.numbers().len(), 167);
    assert_eq!(
        journal.since(0, 1_000).len(),
        300,
        "memory still tells all of them"
    );
}
