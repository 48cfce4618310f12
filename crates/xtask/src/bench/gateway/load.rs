//! The load: `wrk` with a script that prints what it counted, and `h2load` for HTTP/2.

use std::path::{Path, PathBuf};

use super::case::Case;
use super::child;
use crate::failure::{Failure, While};
use crate::step::output;

/// What `wrk` counted in one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counted {
    /// Requests that were answered.
    pub(super) requests: u64,
    /// The run's length.
    pub(super) seconds: f64,
    /// Connects, reads, writes that failed, timeouts and statuses of 400 and above.
    pub(super) errors: u64,
    /// Latency in microseconds.
    pub(super) p50_us: f64,
    /// Latency in microseconds.
    pub(super) p99_us: f64,
}

/// Where the load goes and with how many connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load<'a> {
    /// The core it is pinned to.
    pub(super) core: usize,
    /// The proxy's port for plain text.
    pub(super) port: u16,
    /// The proxy's port for TLS.
    pub(super) tls: u16,
    /// Connections.
    pub(super) connections: u32,
    /// A folder for the script.
    pub(super) folder: &'a Path,
}

impl Load<'_> {
    /// Runs it for so long.
    pub(super) fn run(self, case: Case, seconds: u32) -> Result<Counted, Failure> {
        if case == Case::H2 {
            return self.h2(case, seconds);
        }
        let script = self.folder.join(format!("{}.lua", case.name()));
        let shown = script.display().to_string();
        std::fs::write(&script, lua(case)).while_(&format!("write {shown}"))?;
        let url = self.url(case);
        let connections = self.connections.to_string();
        let duration = format!("{seconds}s");
        let words = [
            "wrk",
            "-t",
            "1",
            "-c",
            &connections,
            "-d",
            &duration,
            "-s",
            &shown,
            &url,
        ];
        let text = output(&mut child::command(self.core, &words))?;
        parse(&text).ok_or_else(|| Failure::new(format!("wrk says something odd: {text}")))
    }

    fn url(self, case: Case) -> String {
        let (scheme, port) = if case.is_encrypted() {
            ("https", self.tls)
        } else {
            ("http", self.port)
        };
        format!("{scheme}://127.0.0.1:{port}{}", case.path())
    }

    /// As many requests at once as there are connections elsewhere, on fewer connections.
    fn h2(self, case: Case, seconds: u32) -> Result<Counted, Failure> {
        let log: PathBuf = self.folder.join("h2load.tsv");
        if log.exists() {
            std::fs::remove_file(&log).while_(&format!("remove {}", log.display()))?;
        }
        let connections = (self.connections / STREAMS).max(1).to_string();
        let (duration, streams) = (seconds.to_string(), STREAMS.to_string());
        let (file, url) = (log.display().to_string(), self.url(case));
        let words = [
            "h2load",
            "-t",
            "1",
            "-c",
            &connections,
            "-m",
            &streams,
            "-D",
            &duration,
            "--log-file",
            &file,
            &url,
        ];
        output(&mut child::command(self.core, &words))?;
        let text = std::fs::read_to_string(&log).while_(&format!("read {file}"))?;
        parse_h2(&text, seconds).ok_or_else(|| Failure::new("h2load has counted nothing"))
    }
}

/// Streams of one HTTP/2 connection at once.
const STREAMS: u32 = 8;

fn lua(case: Case) -> String {
    let mut script = String::new();
    if case.request_bytes() > 0 {
        let bytes = case.request_bytes();
        script.push_str(&format!(
            "wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", {bytes})\n"
        ));
    }
    if case == Case::Close {
        script.push_str("wrk.headers[\"Connection\"] = \"close\"\n");
    }
    script.push_str(
        "done = function(summary, latency)\n\
         local e = summary.errors\n\
         local errors = e.connect + e.read + e.write + e.status + e.timeout\n\
         io.write(string.format(\"COUNTED %d %d %d %.1f %.1f\\n\", summary.requests,\n\
         summary.duration, errors, latency:percentile(50), latency:percentile(99)))\n\
         end\n",
    );
    script
}

/// Lines of start, status and microseconds.
fn parse_h2(log: &str, seconds: u32) -> Option<Counted> {
    let mut micros = Vec::new();
    let mut errors = 0;
    for line in log.lines() {
        let mut fields = line.split('\t').skip(1);
        let status: i32 = fields.next()?.trim().parse().ok()?;
        if (200..400).contains(&status) {
            micros.push(fields.next()?.trim().parse::<u32>().ok()?);
        } else {
            errors += 1;
        }
    }
    micros.sort_unstable();
    let at = |percent: usize| micros.get((micros.len() * percent / 100).min(micros.len() - 1));
    Some(Counted {
        requests: u64::try_from(micros.len())
            .ok()
            .filter(|count| *count > 0)?,
        seconds: f64::from(seconds),
        errors,
        p50_us: f64::from(*at(50)?),
        p99_us: f64::from(*at(99)?),
    })
}

fn parse(text: &str) -> Option<Counted> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("COUNTED "))?;
    let mut fields = line.split(' ');
    let mut next = || fields.next();
    let requests = next()?.parse().ok()?;
    let micros: f64 = next()?.parse().ok()?;
    Some(Counted {
        requests,
        seconds: micros / 1e6,
        errors: next()?.parse().ok()?,
        p50_us: next()?.parse().ok()?,
        p99_us: next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_counted() {
        let text = "Running 5s test\nCOUNTED 1000 5000000 2 1200.0 3400.5\n";
        let counted = parse(text).unwrap();
        assert_eq!((counted.requests, counted.errors), (1_000, 2));
        assert_eq!((counted.seconds, counted.p99_us), (5.0, 3_400.5));
        assert_eq!(parse("COUNTED 1000 5000000\n"), None);
        assert_eq!(parse("nothing"), None);
    }

    #[test]
    fn reads_what_h2load_logged() {
        let counted = parse_h2("17\t200\t300\n18\t200\t100\n19\t503\t9\n", 2).unwrap();
        assert_eq!((counted.requests, counted.errors), (2, 1));
        assert_eq!((counted.p50_us, counted.seconds), (300.0, 2.0));
        assert_eq!(parse_h2("", 2), None);
        assert_eq!(parse_h2("17\t503\t9\n", 2), None);
    }

    #[test]
    fn scripts_differ_where_the_cases_do() {
        assert!(lua(Case::Post).contains("string.rep(\"x\", 4096)"));
        assert!(lua(Case::Close).contains("close"));
        assert_eq!(lua(Case::Small), lua(Case::Large));
    }
}
