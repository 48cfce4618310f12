//! Clients of every kind that count what fails. None of them repeats a request that it sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};

/// How long a client rests between two requests.
const PACE: Duration = Duration::from_millis(1);

const PATIENCE: Duration = Duration::from_secs(20);

/// What the clients saw.
#[derive(Debug, Default)]
struct Seen {
    ok: AtomicU64,
    failures: Mutex<Vec<String>>,
    end: AtomicBool,
}

/// Clients that run until they are told to end.
#[derive(Debug)]
pub(crate) struct Load {
    seen: Arc<Seen>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Two clients that keep their connections, one that posts, one that connects for each request,
    /// one that reads a slow body, and one that speaks HTTP/2.
    pub(crate) fn begin(address: SocketAddr) -> Self {
        Self::of(address, true)
    }

    /// The same without the slow body: what stops an instance waits for heads of answers only.
    pub(crate) fn of_short_answers(address: SocketAddr) -> Self {
        Self::of(address, false)
    }

    fn of(address: SocketAddr, slow: bool) -> Self {
        let seen = Arc::new(Seen::default());
        let get = "GET / HTTP/1.1\r\nhost: t\r\n\r\n";
        let stream = "GET /stream HTTP/1.1\r\nhost: t\r\n\r\n";
        let post = "POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nhello";
        let mut clients: Vec<_> = [
            (get, true),
            (get, true),
            (post, true),
            (get, false),
            (stream, true),
        ]
        .into_iter()
        .filter(|(request, _)| slow || *request != stream)
        .map(|(request, keeps)| {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || seen.drive(address, request, keeps))
        })
        .collect();
        let multiplexed = Arc::clone(&seen);
        clients.push(std::thread::spawn(move || multiplexed.drive_http2(address)));
        Self { seen, clients }
    }

    pub(crate) fn ok(&self) -> u64 {
        self.seen.ok.load(Relaxed)
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.seen.failures.lock().unwrap().clone()
    }

    /// Ends all clients and expects that nothing failed.
    pub(crate) fn end(mut self) -> u64 {
        self.seen.end.store(true, Relaxed);
        for client in self.clients.drain(..) {
            client.join().unwrap();
        }
        let failures = self.seen.failures.lock().unwrap();
        assert!(failures.is_empty(), "{failures:#?}");
        self.seen.ok.load(Relaxed)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.seen.end.store(true, Relaxed);
    }
}

impl Seen {
    fn count(&self, result: Result<(), String>) {
        match result {
            Ok(()) => {
                self.ok.fetch_add(1, Relaxed);
                // Probes are to find a moment on the same machine.
                std::thread::sleep(PACE);
            }
            Err(why) => {
                self.failures.lock().unwrap().push(why);
                // A gateway that is gone must not fill the memory.
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    fn drive(&self, address: SocketAddr, request: &str, keeps: bool) {
        let mut connection = None;
        while !self.end.load(Relaxed) {
            let result = ask(address, request, &mut connection);
            if !keeps {
                connection = None;
            }
            self.count(result.map_err(|why| format!("{}: {why}", &request[..12])));
        }
    }

    fn drive_http2(&self, address: SocketAddr) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            while !self.end.load(Relaxed) {
                let stream = match tokio::net::TcpStream::connect(address).await {
                    Ok(stream) => stream,
                    Err(error) => {
                        self.count(Err(format!("HTTP/2 connect: {error}")));
                        continue;
                    }
                };
                let shaken = hyper::client::conn::http2::handshake(
                    TokioExecutor::new(),
                    TokioIo::new(stream),
                );
                let (mut sender, connection) = shaken.await.unwrap();
                tokio::spawn(connection);
                while !self.end.load(Relaxed) && sender.ready().await.is_ok() {
                    let request = Request::get("http://t/")
                        .body(Empty::<Bytes>::new())
                        .unwrap();
                    let answer = match sender.try_send_request(request).await {
                        Ok(answer) => answer,
                        // It was told to go before it sent anything.
                        Err(error) if error.message().is_some() => break,
                        Err(error) => {
                            self.count(Err(format!("HTTP/2: {:?}", error.error())));
                            break;
                        }
                    };
                    let status = answer.status();
                    let body = answer.into_body().collect().await;
                    self.count(match body {
                        Ok(_) if status == 200 => Ok(()),
                        body => Err(format!("HTTP/2: {status} {:?}", body.map(drop))),
                    });
                }
            }
        });
    }
}

/// One request, on the connection that is kept, if one is.
fn ask(
    address: SocketAddr,
    request: &str,
    kept: &mut Option<BufReader<TcpStream>>,
) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => {
            let stream =
                TcpStream::connect(address).map_err(|error| format!("connect: {error}"))?;
            stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
            BufReader::new(stream)
        }
    };
    connection
        .get_mut()
        .write_all(request.as_bytes())
        .map_err(text)?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).map_err(text)? == 0 {
            return Err(format!("the connection ended in {head:?}"));
        }
    }
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    match header("content-length") {
        Some(length) => {
            let mut body = vec![0; length.parse().unwrap()];
            connection.read_exact(&mut body).map_err(text)?;
        }
        None => loop {
            let mut line = String::new();
            if connection.read_line(&mut line).map_err(text)? == 0 {
                return Err("the body broke off".to_owned());
            }
            let size = usize::from_str_radix(line.trim_end(), 16).map_err(|e| e.to_string())?;
            let mut piece = vec![0; size + 2];
            connection.read_exact(&mut piece).map_err(text)?;
            if size == 0 {
                break;
            }
        },
    }
    if !head.starts_with("HTTP/1.1 200") {
        return Err(head);
    }
    if header("connection") != Some("close") {
        *kept = Some(connection);
    }
    Ok(())
}
