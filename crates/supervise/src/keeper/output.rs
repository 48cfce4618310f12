//! From a service's pipes to its log.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdout};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::wall;

use super::queue::Queue;
use super::rotate::RotatedFile;

/// A line longer than this is cut in pieces, each a line of the log.
const LINE_BYTES_MAX: usize = 16 << 10;
/// Bytes taken from a pipe at once.
const READ_BYTES: usize = 64 << 10;
/// Bytes written to the log at once.
const WRITE_BYTES: usize = 64 << 10;

/// The beginning of a line that waits this long for its end is shown as a line: a prompt, or the
/// last words of a process that hangs.
const PART_PATIENCE: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// The end of a pipe that a service writes to.
pub(crate) trait Pipe: Read + Send {
    /// Waits for something to read, or for the end. False if there is neither for a while.
    fn stirs(&self) -> bool;
}

impl Pipe for ChildStdout {
    fn stirs(&self) -> bool {
        stirs(self)
    }
}

impl Pipe for ChildStderr {
    fn stirs(&self) -> bool {
        stirs(self)
    }
}

fn stirs(pipe: &impl AsFd) -> bool {
    let mut watched = [PollFd::new(pipe, PollFlags::IN)];
    // An error is left to the reader.
    poll(&mut watched, Some(&PART_PATIENCE)) != Ok(0)
}

/// The threads that drain a service's output.
#[derive(Debug)]
pub(crate) struct Output {
    finished: mpsc::Receiver<()>,
}

impl Output {
    /// Drains `stdout` and `stderr` into the log at `path` of at most `total` bytes.
    pub(crate) fn drain(
        stdout: impl Pipe + 'static,
        stderr: impl Pipe + 'static,
        path: PathBuf,
        total: u64,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(2));
        let readers: [(&'static str, Box<dyn Pipe>); 2] =
            [("stdout", Box::new(stdout)), ("stderr", Box::new(stderr))];
        for (stream, pipe) in readers {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name(stream.to_owned())
                .spawn(move || {
                    read_lines(stream, pipe, &queue);
                    queue.close();
                })?;
        }
        let (done, finished) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                write_lines(&queue, RotatedFile::new(path, total));
                drop(done);
            })?;
        Ok(Self { finished })
    }

    /// Waits until everything is written, at most `limit`.
    pub(crate) fn finish(&self, limit: Duration) {
        // The sender is only ever dropped: both ends of the wait mean the same.
        self.finished.recv_timeout(limit).ok();
    }
}

fn read_lines(stream: &str, mut pipe: Box<dyn Pipe>, queue: &Queue) {
    let mut buffer = vec![0; READ_BYTES];
    let mut rest: Vec<u8> = Vec::new();
    loop {
        if !rest.is_empty() && !pipe.stirs() {
            push(&format!("{} {stream} ", wall()), &mut rest, queue);
        }
        let read = match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let prefix = format!("{} {stream} ", wall());
        for piece in buffer
            .get(..read)
            .unwrap_or_default()
            .split_inclusive(|b| *b == b'\n')
        {
            rest.extend_from_slice(piece);
            if rest.ends_with(b"\n") {
                rest.pop();
                push(&prefix, &mut rest, queue);
            } else if rest.len() >= LINE_BYTES_MAX {
                push(&prefix, &mut rest, queue);
            }
        }
    }
    if !rest.is_empty() {
        push(&format!("{} {stream} ", wall()), &mut rest, queue);
    }
}

/// Pushes `line` in pieces of bounded length, each with the prefix.
fn push(prefix: &str, line: &mut Vec<u8>, queue: &Queue) {
    let pieces: Vec<&[u8]> = if line.is_empty() {
        vec![&[]]
    } else {
        line.chunks(LINE_BYTES_MAX).collect()
    };
    for piece in pieces {
        let mut whole = Vec::with_capacity(prefix.len() + piece.len() + 1);
        whole.extend_from_slice(prefix.as_bytes());
        whole.extend_from_slice(piece);
        whole.push(b'\n');
        queue.push(whole);
    }
    line.clear();
}

fn write_lines(queue: &Queue, mut log: RotatedFile) {
    let mut lost = 0;
    while let Some(batch) = queue.take(WRITE_BYTES) {
        lost += batch.dropped;
        if lost > 0 {
            let note = format!("{} ninefold [ninefold: {lost} bytes dropped]\n", wall());
            if log.append(note.as_bytes()).is_err() {
                lost += batch.bytes.len() as u64;
                continue;
            }
            lost = 0;
        }
        if !batch.bytes.is_empty() && log.append(&batch.bytes).is_err() {
            lost += batch.bytes.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Pipe for &[u8] {
        fn stirs(&self) -> bool {
            true
        }
    }

    fn drained(stdout: &'static [u8], stderr: &'static [u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.log");
        Output::drain(stdout, stderr, path.clone(), 1 << 20)
            .unwrap()
            .finish(Duration::from_secs(10));
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn every_line_has_time_and_stream() {
        let text = drained(b"one\n\ntwo without end", b"");
        let lines: Vec<&str> = text.lines().map(|line| &line[24..]).collect();
        assert_eq!(
            lines,
            [" stdout one", " stdout ", " stdout two without end"]
        );
        assert!(text.starts_with("20"), "{text}");
        assert!(drained(b"", b"bad\n").contains(" stderr bad\n"));
    }

    #[test]
    fn long_lines_are_cut() {
        static LONG: [u8; 3 * LINE_BYTES_MAX + 5] = [b'x'; 3 * LINE_BYTES_MAX + 5];
        let text = drained(&LONG, b"");
        assert!(
            text.lines()
                .all(|line| line.len() < LINE_BYTES_MAX + 64 + READ_BYTES)
        );
        let kept: usize = text.lines().map(|line| line.len() - 32).sum();
        assert_eq!(kept, LONG.len());
    }
}
