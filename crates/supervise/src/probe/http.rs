//! The HTTP probe: one GET on a connection of its own.
//!
//! A kept connection would go on working while the service no longer accepts new ones.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ninefold_core::observation::ProbeOutcome;

use super::check::Attempt;
use super::line::Line;

/// The header of an answer that passes by which an instance says that it is degraded, and how: it
/// works, but others should be asked first.
const DEGRADED: &str = "x-degraded";
/// Characters of it that are shown.
const DEGRADED_CHARS_MAX: usize = 200;

/// Asks for `path` and judges the head of the answer; its body is not read.
pub(crate) async fn get(stream: Line, authority: &str, path: &str) -> Attempt {
    match head(stream, authority, path).await {
        Ok((status, degraded)) if (200..400).contains(&status) => Attempt {
            degraded,
            ..Attempt::passed()
        },
        Ok((status, _)) => Attempt::heard(ProbeOutcome::Refused(format!("status {status}"))),
        Err(error) => Attempt::heard(ProbeOutcome::Unreachable(error)),
    }
}

/// The status, and what the answer says of being degraded.
type Head = (u16, Option<String>);

fn read<B>(answer: &http::Response<B>) -> Head {
    (answer.status().as_u16(), degraded(answer.headers()))
}

/// In which way an instance says that it is degraded, if it says so.
pub(super) fn degraded(headers: &http::HeaderMap) -> Option<String> {
    let value = headers.get(DEGRADED)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    Some(text.trim().chars().take(DEGRADED_CHARS_MAX).collect())
}

async fn head(stream: Line, authority: &str, path: &str) -> Result<Head, String> {
    let request = Request::get(path)
        .header(http::header::HOST, authority)
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
        answer = &mut answer => answer.map(|a| read(&a)).map_err(|e| e.to_string()),
        ended = &mut connection => match ended {
            // The answer may have come with the end of the connection.
            Ok(()) => answer.await.map(|a| read(&a)).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        },
    }
}
