//! A service for the tests: `service IP:PORT`.
//!
//! It answers `/exit/N` by exiting with N, `/fail` and `/heal` by failing and passing `/ready` and
//! `/live` from then on, `/degrade` and `/recover` by saying with `/ready` that it is degraded or not, `/leave` by starting a grandchild in a session of its own, `/say/TEXT` by
//! writing TEXT to its output, and everything else with 200 and its pid.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

fn main() -> ExitCode {
    let Some(listener) = std::env::args()
        .nth(1)
        .and_then(|a| TcpListener::bind(a).ok())
    else {
        return ExitCode::from(2);
    };
    let failing = Arc::new(AtomicBool::new(false));
    let degraded = Arc::new(AtomicBool::new(false));
    for stream in listener.incoming().map_while(Result::ok) {
        let (failing, degraded) = (Arc::clone(&failing), Arc::clone(&degraded));
        thread::spawn(move || answer(stream, &failing, &degraded).ok());
    }
    ExitCode::SUCCESS
}

#[expect(
    clippy::exit,
    reason = "to end in the middle of an answer is what it is asked for"
)]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}

fn answer(mut stream: TcpStream, failing: &AtomicBool, degraded: &AtomicBool) -> io::Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    reader.read_line(&mut line)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut parts = path.split('/').skip(1);
    let mut status = "200 OK";
    let mut body = std::process::id().to_string();
    match (parts.next(), parts.next()) {
        (Some("exit"), Some(code)) => {
            exit(code.parse().unwrap_or(1));
        }
        (Some("fail"), _) => failing.store(true, Ordering::SeqCst),
        (Some("heal"), _) => failing.store(false, Ordering::SeqCst),
        (Some("ready" | "live"), _) if failing.load(Ordering::SeqCst) => {
            status = "503 Service Unavailable";
        }
        (Some("degrade"), _) => degraded.store(true, Ordering::SeqCst),
        (Some("recover"), _) => degraded.store(false, Ordering::SeqCst),
        (Some("ready"), _) if degraded.load(Ordering::SeqCst) => {
            status = "200 OK\r\nx-degraded: cold cache";
        }
        (Some("leave"), _) => {
            let mut command = Command::new("sleep");
            command.arg("1000").process_group(0).stdin(Stdio::null());
            body = command.spawn()?.id().to_string();
        }
        (Some("say"), Some(text)) => writeln!(io::stdout(), "{text}")?,
        (Some("env"), Some(name)) => body = std::env::var(name).unwrap_or_default(),
        _ => {}
    }
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
