//! Latency at a rate that leaves everybody time.
//!
//! An open loop: each request has its intended start, and its latency counts from there. Threads
//! that sleep wake up later than they should; they do so alike without a proxy, so what a proxy adds
//! is told by the difference to the backend alone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::case::SMALL_BYTES;
use crate::failure::{Failure, While};

/// Requests a second.
pub(super) const RATE_HZ: u32 = 1_000;
/// Connections; each has every sixteenth request, so that a slow one holds up few.
const CONNECTIONS: u32 = 16;
/// When an answer is given up.
const ANSWER_TIME: Duration = Duration::from_secs(5);
const REQUEST: &[u8] = b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// Latency in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Latency {
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    /// Requests.
    pub(super) requests: u32,
}

/// Asks for the small answer on this port for so long.
pub(super) fn measure(port: u16, seconds: u32) -> Result<Latency, Failure> {
    let began = Instant::now() + Duration::from_millis(100);
    let asking: Vec<_> = (0..CONNECTIONS)
        .map(|first| thread::spawn(move || ask(port, first, began, seconds)))
        .collect();
    let mut all = Vec::new();
    for asked in asking {
        let asked = asked
            .join()
            .map_err(|_panic| Failure::new("a load broke off"))?;
        all.extend(asked?);
    }
    summary(all).ok_or_else(|| Failure::new("nothing was asked"))
}

/// Every sixteenth request, on one connection.
fn ask(port: u16, first: u32, began: Instant, seconds: u32) -> Result<Vec<Duration>, Failure> {
    let mut stream = connect(port)?;
    let mut took = Vec::new();
    let step = usize::try_from(CONNECTIONS).while_("count")?;
    for number in (first..RATE_HZ * seconds).step_by(step) {
        let due = began + Duration::from_secs(1) / RATE_HZ * number;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        exchange(&mut stream)?;
        took.push(due.elapsed());
    }
    Ok(took)
}

/// A connection that has nothing to wait for but answers.
pub(super) fn connect(port: u16) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(("127.0.0.1", port)).while_("connect")?;
    stream.set_nodelay(true).while_("set TCP_NODELAY")?;
    let limit = Some(ANSWER_TIME);
    stream.set_read_timeout(limit).while_("set a timeout")?;
    Ok(stream)
}

/// One request and its whole answer, which is the same each time but for its head.
pub(super) fn exchange(stream: &mut TcpStream) -> Result<(), Failure> {
    stream.write_all(REQUEST).while_("send")?;
    let mut answer = Vec::with_capacity(1_024);
    let mut piece = [0; 4_096];
    loop {
        let length = stream.read(&mut piece).while_("receive")?;
        answer.extend_from_slice(piece.get(..length).unwrap_or_default());
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        match end {
            _ if length == 0 => return Err(Failure::new("the connection was closed")),
            Some(end) if answer.len() >= end + 4 + SMALL_BYTES => break,
            _ => {}
        }
    }
    if answer.starts_with(b"HTTP/1.1 200") {
        Ok(())
    } else {
        Err(Failure::new("an answer was not 200"))
    }
}

fn summary(mut all: Vec<Duration>) -> Option<Latency> {
    all.sort_unstable();
    let at = |percent: usize| {
        let value = all.get((all.len() * percent / 100).min(all.len().saturating_sub(1)))?;
        Some(value.as_secs_f64() * 1e6)
    };
    Some(Latency {
        p50_us: at(50)?,
        p99_us: at(99)?,
        requests: u32::try_from(all.len()).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn percentiles_are_of_all() {
        let all = (1..=200).map(Duration::from_micros).collect();
        let latency = summary(all).unwrap();
        assert_eq!(
            (latency.p50_us.round(), latency.p99_us.round()),
            (101.0, 199.0)
        );
        assert_eq!(latency.requests, 200);
        assert_eq!(summary(Vec::new()), None);
    }

    #[test]
    fn only_a_whole_good_answer_counts() {
        for (head, good) in [("HTTP/1.1 200 OK", true), ("HTTP/1.1 503 No", false)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 256];
                let length = stream.read(&mut request).unwrap();
                assert_eq!(&request[..length], REQUEST);
                let body = "x".repeat(SMALL_BYTES);
                stream
                    .write_all(format!("{head}\r\n\r\n").as_bytes())
                    .unwrap();
                stream.write_all(body.as_bytes()).unwrap();
            });
            assert_eq!(
                exchange(&mut connect(port).unwrap()).is_ok(),
                good,
                "{head}"
            );
            server.join().unwrap();
        }
    }
}
