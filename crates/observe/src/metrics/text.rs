use prometheus_client::registry::Registry;

use super::exemplar::{self, Exemplar};

/// The media type of what [`encode`] returns.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics of a registry in the Prometheus text format 0.0.4.
///
/// The registry writes OpenMetrics, where a counter's family has no `_total` and its samples have.
/// The older format, which everything reads, wants one name for both; units and the end mark are
/// unknown to it.
///
/// # Errors
///
/// If a collector fails to write itself.
pub fn encode(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut open = String::new();
    prometheus_client::encoding::text::encode(&mut open, registry)?;
    let mut text = String::with_capacity(open.len() + 1_024);
    let mut help: Option<(&str, &str)> = None;
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = kind(line) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            if let Some((of, words)) = help.take().filter(|(of, _)| *of == name) {
                text.push_str(&format!("# HELP {of}{suffix} {words}\n"));
            }
            text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// All metrics of a registry in OpenMetrics 1.0.0, with these exemplars.
///
/// # Errors
///
/// If a collector fails to write itself.
pub fn encode_open(registry: &Registry, exemplars: &[Exemplar]) -> Result<String, std::fmt::Error> {
    let mut open = String::new();
    prometheus_client::encoding::text::encode(&mut open, registry)?;
    Ok(exemplar::complete(&open, exemplars))
}

fn kind(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("# TYPE ")?.split_once(' ')
}
