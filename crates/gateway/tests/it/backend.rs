//! An upstream whose behaviour a test decides byte by byte.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// What an upstream does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Writes these bytes.
    Answer(Vec<u8>),
    /// Writes these bytes and closes.
    AnswerAndClose(Vec<u8>),
    /// Closes without a word.
    Close,
    /// Writes these bytes once it is told to.
    AnswerWhen(Arc<Notify>, Vec<u8>),
    /// Takes one of these places, for so long, and then writes these bytes.
    InTurn(Arc<Semaphore>, Duration, Vec<u8>),
    /// Writes these bytes after so long: a slow upstream.
    AnswerAfter(Duration, Vec<u8>),
    /// Never answers.
    Hang,
    /// Echoes everything after these bytes.
    Tunnel(Vec<u8>),
}

type Script = dyn Fn(&Seen) -> Act + Send + Sync;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A listening upstream.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    pub(crate) raw: Arc<Mutex<Vec<u8>>>,
    /// All that came, by connection.
    pub(crate) streams: Arc<Mutex<Vec<Vec<u8>>>>,
    pub(crate) connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

fn answer(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

pub(crate) fn ok(body: &str) -> Act {
    Act::Answer(answer(body))
}

/// As [`ok`], in one of these places.
pub(crate) fn ok_in_turn(places: &Arc<Semaphore>, takes: Duration) -> Act {
    Act::InTurn(Arc::clone(places), takes, answer("x"))
}

pub(crate) fn status(code: u16) -> Act {
    Act::Answer(format!("HTTP/1.1 {code} X\r\ncontent-length: 2\r\n\r\nno").into_bytes())
}

impl Backend {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    pub(crate) fn on(
        listener: TcpListener,
        script: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let streams = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let script: Arc<Script> = Arc::new(script);
        let (seen2, count) = (seen.clone(), connections.clone());
        let (raw2, streams2) = (raw.clone(), streams.clone());
        let task = tokio::spawn(async move {
            // The connections end with the backend.
            let mut set = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let stream_index = count.fetch_add(1, SeqCst);
                streams2.lock().unwrap().push(Vec::new());
                let tape = Tape {
                    raw: raw2.clone(),
                    streams: streams2.clone(),
                    stream_index,
                };
                set.spawn(serve(stream, script.clone(), seen2.clone(), tape));
            }
        });
        Self {
            address,
            seen,
            raw,
            streams,
            connections,
            task,
        }
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn kill(&self) {
        self.task.abort();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where one connection's bytes are recorded.
#[derive(Debug)]
struct Tape {
    raw: Arc<Mutex<Vec<u8>>>,
    streams: Arc<Mutex<Vec<Vec<u8>>>>,
    stream_index: usize,
}

impl Tape {
    fn record(&self, bytes: &[u8]) {
        self.raw.lock().unwrap().extend_from_slice(bytes);
        self.streams.lock().unwrap()[self.stream_index].extend_from_slice(bytes);
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Seen>>>,
    tape: Tape,
) {
    let mut buffer = Vec::new();
    while let Some(head) = read_until(&mut stream, &mut buffer, b"\r\n\r\n", &tape).await {
        let mut request = Seen {
            head: String::from_utf8_lossy(&head).into_owned(),
            body: Vec::new(),
        };
        if let Some(length) = header(&request.head, "content-length") {
            let length: usize = length.parse().unwrap();
            while buffer.len() < length {
                if more(&mut stream, &mut buffer, &tape).await == 0 {
                    return;
                }
            }
            request.body = buffer.drain(..length).collect();
        } else if header(&request.head, "transfer-encoding").is_some() {
            // Kept as it came, chunk sizes included.
            let Some(body) = read_chunked(&mut stream, &mut buffer, &tape).await else {
                return;
            };
            request.body = body;
        }
        seen.lock().unwrap().push(request.clone());
        match script(&request) {
            Act::Answer(bytes) => stream.write_all(&bytes).await.unwrap(),
            Act::AnswerAndClose(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                return;
            }
            Act::AnswerWhen(told, bytes) => {
                told.notified().await;
                stream.write_all(&bytes).await.unwrap();
            }
            Act::InTurn(places, takes, bytes) => {
                let place = places.acquire().await.unwrap();
                tokio::time::sleep(takes).await;
                drop(place);
                stream.write_all(&bytes).await.unwrap();
            }
            Act::AnswerAfter(took, bytes) => {
                tokio::time::sleep(took).await;
                stream.write_all(&bytes).await.unwrap();
            }
            Act::Close => return,
            Act::Hang => std::future::pending().await,
            Act::Tunnel(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                loop {
                    stream.write_all(&buffer).await.unwrap();
                    buffer.clear();
                    if more(&mut stream, &mut buffer, &tape).await == 0 {
                        return;
                    }
                }
            }
        }
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>, tape: &Tape) -> usize {
    let before = buffer.len();
    let count = stream.read_buf(buffer).await.unwrap_or(0);
    tape.record(&buffer[before..]);
    count
}

async fn read_until(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    end: &[u8],
    tape: &Tape,
) -> Option<Vec<u8>> {
    loop {
        if let Some(at) = buffer.windows(end.len()).position(|window| window == end) {
            return Some(buffer.drain(..at + end.len()).collect());
        }
        if more(stream, buffer, tape).await == 0 {
            return None;
        }
    }
}

async fn read_chunked(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    tape: &Tape,
) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_until(stream, buffer, b"\r\n", tape).await?;
        let size = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).unwrap();
        body.extend_from_slice(&line);
        if size == 0 {
            loop {
                let line = read_until(stream, buffer, b"\r\n", tape).await?;
                body.extend_from_slice(&line);
                if line == b"\r\n" {
                    return Some(body);
                }
            }
        }
        while buffer.len() < size + 2 {
            if more(stream, buffer, tape).await == 0 {
                return None;
            }
        }
        body.extend(buffer.drain(..size + 2));
    }
}

/// The value of a header in a head.
pub(crate) fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}
