//! One line.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{REFERER, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Version};
use ninefold_core::time::{Timestamp, nanos};
use serde::Serialize;

use crate::cache::CacheResult;
use crate::exchange::{Outcome, Phase, Who};
use crate::fallback::FallbackCause;
use crate::peer::Peer;

/// Bytes of a client's text in a line at most.
const TEXT_MAX: usize = 2_048;

/// What is written about one request.
#[derive(Debug)]
pub(crate) struct Record {
    at: SystemTime,
    peer: Peer,
    method: String,
    target: String,
    version: Version,
    host: Option<String>,
    agent: Option<String>,
    referer: Option<String>,
    request_id: String,
    trace_id: String,
    pub(crate) route: Option<Arc<str>>,
    pub(crate) endpoint: Option<Arc<str>>,
    pub(crate) attempts: u32,
    pub(crate) status: u16,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Why it did not end well, in a word.
    pub(crate) cause: Option<&'static str>,
    /// Why the gateway answered itself.
    pub(crate) reason: Option<&'static str>,
    /// How long it waited for a place at its service.
    pub(crate) queued: Duration,
    pub(crate) fallback: Option<FallbackCause>,
    pub(crate) cache: Option<CacheResult>,
    /// The id of a fault that was injected.
    pub(crate) fault: Option<HeaderValue>,
    pub(crate) took: Duration,
    pub(crate) end: (Outcome, Who, Phase),
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    client: String,
    method: &'a str,
    target: &'a str,
    protocol: &'a str,
    host: Option<&'a str>,
    user_agent: Option<&'a str>,
    request_id: &'a str,
    trace_id: &'a str,
    route: Option<&'a str>,
    endpoint: Option<&'a str>,
    attempts: u32,
    status: u16,
    bytes_in: u64,
    bytes_out: u64,
    seconds: f64,
    queued_seconds: f64,
    outcome: &'a str,
    ended_by: &'a str,
    phase: &'a str,
    cause: Option<&'a str>,
    reason: Option<&'a str>,
    fallback: Option<&'a str>,
    cache: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
}

impl Record {
    /// What the request's head says.
    pub(crate) fn new(parts: &Parts, peer: Peer) -> Self {
        let text = |name: HeaderName| parts.headers.get(name).map(shown);
        let mut target = parts.uri.path_and_query().map_or_else(
            || parts.uri.path().to_owned(),
            |target| target.as_str().to_owned(),
        );
        if target.len() > TEXT_MAX {
            target = target.chars().take(TEXT_MAX).collect();
        }
        Self {
            at: SystemTime::now(),
            peer,
            method: parts.method.as_str().to_owned(),
            target,
            version: parts.version,
            host: text(http::header::HOST)
                .or_else(|| parts.uri.authority().map(ToString::to_string)),
            agent: text(USER_AGENT),
            referer: text(REFERER),
            request_id: String::new(),
            trace_id: String::new(),
            route: None,
            endpoint: None,
            attempts: 0,
            status: 0,
            bytes_in: 0,
            bytes_out: 0,
            cause: None,
            reason: None,
            queued: Duration::ZERO,
            fallback: None,
            cache: None,
            fault: None,
            took: Duration::ZERO,
            end: (Outcome::Cancelled, Who::Client, Phase::Head),
        }
    }

    /// The ids of the request.
    pub(crate) fn identify(&mut self, id: &HeaderValue, trace: &HeaderValue) {
        self.request_id = shown(id);
        self.trace_id = shown(trace).get(3..35).unwrap_or_default().to_owned();
    }

    /// Whether the line is written however small the sample is.
    pub(super) fn matters(&self) -> bool {
        !matches!(self.end.0, Outcome::Ok) || self.fallback.is_some()
    }

    const fn protocol(&self) -> &'static str {
        match self.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        }
    }

    fn timestamp(&self) -> Timestamp {
        let since = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(nanos(since))
    }

    /// One JSON object.
    pub(super) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let (outcome, who, phase) = self.end;
        let line = Line {
            time: self.timestamp().to_string(),
            client: self.peer.to_string(),
            method: &self.method,
            target: &self.target,
            protocol: self.protocol(),
            host: self.host.as_deref(),
            user_agent: self.agent.as_deref(),
            request_id: &self.request_id,
            trace_id: &self.trace_id,
            route: self.route.as_deref(),
            endpoint: self.endpoint.as_deref(),
            attempts: self.attempts,
            status: self.status,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            seconds: self.took.as_secs_f64(),
            queued_seconds: self.queued.as_secs_f64(),
            outcome: outcome.name(),
            ended_by: who.name(),
            phase: phase.name(),
            cause: self.cause,
            reason: self.reason,
            fallback: self.fallback.map(FallbackCause::name),
            cache: self.cache.map(CacheResult::name),
            fault: self.fault.as_ref().and_then(|fault| fault.to_str().ok()),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")
    }

    /// The Common Log Format, with who ended the request, in which phase, and where behind it; and
    /// with why it did not end well, why the gateway answered itself, how long a place was waited for, why a fallback answered,
    /// how a cache took part, and the fault that was injected, if any.
    pub(super) fn write_common(&self, out: &mut dyn Write) -> io::Result<()> {
        let (_, who, phase) = self.end;
        write!(
            out,
            "{} - - [{}] \"{} {} {}\" {} {} \"{}\" \"{}\" {}/{} {} {}us {}",
            self.peer.host(),
            common_time(self.timestamp()),
            quoted(&self.method),
            quoted(&self.target),
            self.protocol(),
            self.status,
            self.bytes_out,
            quoted(self.referer.as_deref().unwrap_or("-")),
            quoted(self.agent.as_deref().unwrap_or("-")),
            who.name(),
            phase.name(),
            self.endpoint.as_deref().unwrap_or("-"),
            self.took.as_micros(),
            quoted(&self.request_id),
        )?;
        if let Some(cause) = self.cause {
            write!(out, " cause/{cause}")?;
        }
        if let Some(reason) = self.reason {
            write!(out, " reason/{reason}")?;
        }
        if !self.queued.is_zero() {
            write!(out, " queued/{}us", self.queued.as_micros())?;
        }
        if let Some(cause) = self.fallback {
            write!(out, " fallback/{}", cause.name())?;
        }
        if let Some(result) = self.cache {
            write!(out, " cache/{}", result.name())?;
        }
        if let Some(Ok(fault)) = self.fault.as_ref().map(HeaderValue::to_str) {
            write!(out, " fault/{fault}")?;
        }
        writeln!(out)
    }
}

fn shown(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    String::from_utf8_lossy(bytes.get(..TEXT_MAX).unwrap_or(bytes)).into_owned()
}

/// Without anything that could end the quotation or the line.
fn quoted(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escape = c.is_control() || c == '"' || c == '\\';
            let escaped = escape.then(|| c.escape_default()).into_iter().flatten();
            escaped.chain((!escape).then_some(c))
        })
        .collect()
}

/// `10/Oct/2000:13:55:36 +0000`, from `2000-10-10T13:55:36.000Z`.
fn common_time(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().unwrap_or(1).saturating_sub(1);
    format!(
        "{}/{}/{}:{} +0000",
        part(8, 10),
        MONTHS.get(month).unwrap_or(&"Jan"),
        part(0, 4),
        part(11, 19)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_lines_cannot_be_forged() {
        assert_eq!(quoted("a\"b\\\n\u{1b}"), "a\\\"b\\\\\\n\\u{1b}");
        assert_eq!(
            common_time(Timestamp::from_secs(951_782_400)),
            "29/Feb/2000:00:00:00 +0000"
        );
    }
}
