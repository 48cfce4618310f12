//! What the integration tests run as processes of their own: a small HTTP server, the reaper, and
//! a controller that injects a hang and then waits to be killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use ninefold_chaos::ledger::{Entry, Ledger, Undo};
use ninefold_chaos::process::Process;
use ninefold_chaos::reaper;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let end = match arguments.as_slice() {
        ["reaper", ledger] => return reaper::main(Path::new(ledger)),
        ["server", store] => serve(store),
        ["controller", ledger, pid, ttl_ms] => control(ledger, pid, ttl_ms),
        _ => {
            Err("usage: fixture reaper LEDGER | server STORE | controller LEDGER PID TTL_MS".into())
        }
    };
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Stops a process by the book, says so, and waits for its own death.
fn control(ledger: &str, pid: &str, ttl_ms: &str) -> Result<(), Failure> {
    let mut reaper = Command::new(std::env::current_exe()?)
        .args(["reaper", ledger])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    BufReader::new(reaper.stdout.take().ok_or("no output")?).read_line(&mut said)?;
    let ledger = Ledger::open(Path::new(ledger))?;
    let target = Process::find(pid.parse()?).ok_or("no target")?;
    let own = Process::own().ok_or("no /proc")?;
    let mut entry = Entry::new("f-test".to_owned(), "hang".to_owned(), own);
    entry.undo = vec![Undo::Resume {
        leader: target,
        members: vec![target],
    }];
    entry.expires_in(std::time::Duration::from_millis(ttl_ms.parse()?));
    ledger.plan(&entry)?;
    target.signal_group(rustix::process::Signal::STOP)?;
    ledger.applied(&entry.id)?;
    say(&format!("applied {}\n", reaper.id()))?;
    // Waiting closes what it still holds of the child's input, and its end is the reaper's signal.
    let _input = reaper.stdin.take();
    reaper.wait()?;
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(line.as_bytes())?;
    out.flush()
}

/// Where PUTs go: this process's memory, or files that outlive it.
enum Store {
    Memory(Mutex<std::collections::HashSet<String>>),
    Folder(PathBuf),
}

/// One request a connection: `PUT /orders/ID` stores, `GET /orders/ID` finds, any other GET says ok.
fn serve(store: &str) -> Result<(), Failure> {
    let store = Arc::new(match store {
        "memory" => Store::Memory(Mutex::default()),
        folder => Store::Folder(folder.into()),
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    say(&format!("{}\n", listener.local_addr()?.port()))?;
    for stream in listener.incoming() {
        let (store, stream) = (Arc::clone(&store), stream?);
        std::thread::spawn(move || {
            // A client that goes away harms nobody.
            drop(answer(&stream, &store));
        });
    }
    Ok(())
}

fn answer(mut stream: &TcpStream, store: &Store) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0u64;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let status = match (method, path.strip_prefix("/orders/")) {
        ("PUT", Some(id)) => {
            store.put(id)?;
            "201 Created"
        }
        (_, Some(id)) if !store.has(id) => "404 Not Found",
        _ => "200 OK",
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
    )
}

impl Store {
    fn put(&self, id: &str) -> std::io::Result<()> {
        match self {
            Self::Memory(ids) => {
                let mut ids = ids.lock().unwrap_or_else(PoisonError::into_inner);
                ids.insert(id.to_owned());
                Ok(())
            }
            Self::Folder(folder) => std::fs::write(folder.join(id), b""),
        }
    }

    fn has(&self, id: &str) -> bool {
        match self {
            Self::Memory(ids) => {
                let ids = ids.lock().unwrap_or_else(PoisonError::into_inner);
                ids.contains(id)
            }
            Self::Folder(folder) => folder.join(id).exists(),
        }
    }
}
