//! What an observer's journal says of whom.

use serde_json::Value;

/// An opinion that was written down.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Opinion {
    pub(super) seq: u64,
    /// Nanoseconds since the epoch.
    pub(super) at: u64,
    pub(super) subject: String,
    /// Nothing: it is well.
    pub(super) class: Option<String>,
}

/// The opinions of a journal's lines, those after `seq`.
pub(super) fn opinions(lines: &str, seq: u64) -> Vec<Opinion> {
    let parsed = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let opinions = parsed.filter_map(|event| {
        let opinion = Opinion {
            seq: event.get("seq")?.as_u64()?,
            at: event.get("at")?.as_u64()?,
            subject: event.get("subject")?.as_str()?.to_owned(),
            class: event.get("class")?.as_str().map(str::to_owned),
        };
        let is_one = event.get("event")?.as_str()? == "opinion";
        (is_one && opinion.seq > seq).then_some(opinion)
    });
    opinions.collect()
}

/// The newest line's number.
pub(super) fn newest(lines: &str) -> u64 {
    let line = lines.lines().next_back().unwrap_or_default();
    let event: Value = serde_json::from_str(line).unwrap_or_default();
    event.get("seq").and_then(Value::as_u64).unwrap_or(0)
}

/// The class that a subject was given at last, as long as it was not well; `unknown` where no other one was, and
/// `nothing` where none was.
pub(super) fn verdict(opinions: &[Opinion], subject: &str) -> String {
    let said = opinions.iter().filter(|one| one.subject == subject);
    let classes: Vec<&str> = said.filter_map(|one| one.class.as_deref()).collect();
    let named = classes.iter().rev().find(|class| **class != "unknown");
    named
        .or(classes.last())
        .map_or("nothing", |class| class)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{"seq":7,"at":9,"event":"member","node":"n2","change":"down"}
{"seq":8,"at":10,"event":"opinion","subject":"node n2","class":"crash-stop","since":10,"posterior":[]}
{"seq":9,"at":11,"event":"opinion","subject":"node n2","class":"unknown","since":10,"posterior":[]}
{"seq":10,"at":12,"event":"opinion","subject":"node n2","class":null,"since":10,"posterior":[]}
"#;

    #[test]
    fn the_last_class_that_was_named_counts() {
        let opinions = opinions(LINES, 7);
        assert_eq!(opinions.len(), 3);
        assert_eq!(verdict(&opinions, "node n2"), "crash-stop");
        assert_eq!(verdict(&opinions[1..], "node n2"), "unknown");
        assert_eq!(verdict(&opinions, "node n3"), "nothing");
        assert_eq!(newest(LINES), 10);
    }
}
