//! On what it was measured.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;
use crate::step::output;

/// Labels and what they say, in order.
pub(super) fn facts() -> Result<Vec<(String, String)>, Failure> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let facts = [
        (
            "date",
            output(Command::new("date").args(["-u", "+%F %H:%M UTC"]))?,
        ),
        ("CPU", field(&read("/proc/cpuinfo"), "model name")),
        ("cores", cores.to_string()),
        ("memory", memory),
        ("kernel", read("/proc/sys/kernel/osrelease")),
    ];
    let trimmed = facts.map(|(label, text)| (label.to_owned(), text.trim_end().to_owned()));
    Ok(trimmed.into())
}

/// The same as JSON.
pub(super) fn json(facts: &[(String, String)]) -> Value {
    let facts = facts
        .iter()
        .map(|(label, fact)| (label.clone(), Value::from(fact.as_str())));
    Value::Object(facts.collect())
}

/// The value of a `name : value` line of a file in `/proc`.
fn field(text: &str, name: &str) -> String {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map_or_else(
            || "unknown".to_owned(),
            |(_, value)| value.trim().to_owned(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_field() {
        let text = "processor\t: 0\nmodel name\t: Some CPU: fast\n";
        assert_eq!(field(text, "model name"), "Some CPU: fast");
        assert_eq!(field(text, "flags"), "unknown");
    }
}
