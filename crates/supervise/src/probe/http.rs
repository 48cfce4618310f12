//! The HTTP probe: one GET on a connection of its own.
//!
//! A kept connection would go on working while the service no longer accepts new ones.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ninefold_core::observation::ProbeOutcome;
use tokio::net::TcpStream;

use super::check::Attempt;

/// Asks for `path` and judges the answer's status; its body is not read.
pub(crate) async fn get(stream: TcpStream, address: SocketAddr, path: &str) -> Attempt {
    match status(stream, address, path).await {
        Ok(status) if (200..400).contains(&status) => Attempt::passed(),
        Ok(status) => Attempt::heard(ProbeOutcome::Refused(format!("status {status}"))),
        Err(error) => Attempt::heard(ProbeOutcome::Unreachable(error)),
    }
}

async fn status(stream: TcpStream, address: SocketAddr, path: &str) -> Result<u16, String> {
    let request = Request::get(path)
        .header(http::header::HOST, address.to_string())
        .header(http::header::USER_AGENT, "ninefold-probe")
        .header(http::header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request);
    tokio::pin!(answer, connection);
    tokio::select! {
        biased;
        answer = &mut answer => answer.map(|a| a.status().as_u16()).map_err(|e| e.to_string()),
        ended = &mut connection => match ended {
            // The answer may have come with the end of the connection.
            Ok(()) => answer.await.map(|a| a.status().as_u16()).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        },
    }
}
