//! Free ports, and one request by hand to see that a proxy answers as it should.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use super::case::Case;
use crate::failure::{Failure, While};
use crate::step::output;

/// How long a proxy may take until it answers.
const START_MAX: Duration = Duration::from_secs(15);
/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Ports that were free a moment ago, all different.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], Failure> {
    let bind = || TcpListener::bind("127.0.0.1:0").while_("find a free port");
    // All are held until all are known.
    let held = (0..N).map(|_| bind()).collect::<Result<Vec<_>, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr().while_("find a free port")?.port();
    }
    Ok(ports)
}

/// Waits until this case is answered well on this port; `runs` says whether waiting makes sense.
pub(super) fn wait(port: u16, case: Case, mut runs: impl FnMut() -> bool) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        let answered = if case.is_encrypted() {
            encrypted(port, case)
        } else {
            answer(port, case)
        };
        let why = match answered {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        if !runs() {
            return Err(Failure::new(format!("it has ended; {why}")));
        }
        if begun.elapsed() > START_MAX {
            return Err(Failure::new(format!("not within {START_MAX:?}; {why}")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One request on a connection of its own; its answer must be a 200 of the right length.
fn answer(port: u16, case: Case) -> Result<(), Failure> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX).while_("connect")?;
    stream
        .set_read_timeout(Some(ANSWER_MAX))
        .while_("set a timeout")?;
    let body = "x".repeat(case.request_bytes());
    let method = if body.is_empty() { "GET" } else { "POST" };
    let request = format!(
        "{method} {} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        case.path(),
        body.len()
    );
    stream.write_all(request.as_bytes()).while_("send")?;
    let mut answer = Vec::new();
    let most = u64::try_from(case.answer_bytes() + 16 * 1024).while_("bound the answer")?;
    stream
        .take(most)
        .read_to_end(&mut answer)
        .while_("receive")?;
    judge(&answer, case.answer_bytes())
}

/// The same over TLS, whose certificate is our own.
fn encrypted(port: u16, case: Case) -> Result<(), Failure> {
    let (option, version) = match case {
        Case::H2 => ("--http2", "2"),
        _ => ("--http1.1", "1.1"),
    };
    let url = format!("https://127.0.0.1:{port}{}", case.path());
    let format = "%{http_version} %{http_code} %{size_download}";
    let mut curl = Command::new("curl");
    curl.args([
        "-sk",
        "-m",
        "5",
        "-o",
        "/dev/null",
        "-w",
        format,
        option,
        &url,
    ]);
    let said = output(&mut curl)?;
    let expected = format!("{version} 200 {}", case.answer_bytes());
    if said == expected {
        Ok(())
    } else {
        let text = format!("the answer is `{said}`, not `{expected}` (version, status, bytes)");
        Err(Failure::new(text))
    }
}

fn judge(answer: &[u8], body_bytes: usize) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(answer);
    let status = text.lines().next().unwrap_or("nothing").to_owned();
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    if status.split(' ').nth(1) == Some("200") && body.len() == body_bytes {
        return Ok(());
    }
    let got = body.len();
    let text = format!("the answer is `{status}` with {got} B, not 200 with {body_bytes} B");
    Err(Failure::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ() {
        let [a, b, c] = free_ports().unwrap();
        assert!(a != b && b != c && a != c && a != 0);
    }

    #[test]
    fn only_a_whole_answer_counts() {
        assert!(judge(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n12345", 5).is_ok());
        for bad in [
            &b"HTTP/1.1 200 OK\r\n\r\n1234"[..],
            b"HTTP/1.1 503 No\r\n\r\n12345",
            b"",
        ] {
            assert!(judge(bad, 5).is_err());
        }
    }
}
