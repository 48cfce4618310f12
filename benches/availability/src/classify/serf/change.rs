//! Who says of whom that it went, or that it is there.

use std::collections::BTreeSet;

use serde_json::Value;

/// What an observer says of a member, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Nanoseconds since the epoch.
    pub(super) at: u64,
    pub(super) observer: usize,
    pub(super) what: What,
}

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The observer's process has just begun: it knows nobody.
    Began,
    /// The member is there.
    Up(usize),
    /// The member is convicted.
    Down(usize),
}

impl Change {
    /// Of a line of an agent's log. It is written when the agent decides; handlers of events get it a second later
    /// at the earliest, as the agent waits for more.
    pub(super) fn of_line(line: &str, observer: usize, at: u64) -> Option<Self> {
        let (_, said) = line.split_once("serf: EventMember")?;
        let (event, rest) = said.split_once(": ")?;
        let member = number(rest.split_whitespace().next()?)?;
        let what = match event {
            "Join" => What::Up(member),
            "Failed" => What::Down(member),
            _ => return None,
        };
        Some(Self { at, observer, what })
    }

    /// Of a line of a node's journal.
    pub(super) fn of_event(line: &str, observer: usize) -> Option<Self> {
        let event: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let at = event.get("at")?.as_u64()?;
        let what = match (text("event")?, text("change")) {
            ("node_started", _) => What::Began,
            ("member", Some("down")) => What::Down(number(text("node")?)?),
            ("member", Some("joined" | "returned" | "restarted")) => {
                What::Up(number(text("node")?)?)
            }
            _ => return None,
        };
        Some(Self { at, observer, what })
    }

    /// The member that is convicted, if one is.
    pub(super) const fn down(&self) -> Option<usize> {
        match self.what {
            What::Down(member) => Some(member),
            What::Began | What::Up(_) => None,
        }
    }
}

/// Whether all of so many see all, themselves included.
pub(super) fn all_see_all(changes: &[Change], nodes: usize) -> bool {
    let sees_all = |observer| {
        let mut seen = BTreeSet::new();
        for change in changes.iter().filter(|one| one.observer == observer) {
            match change.what {
                What::Began => seen.clear(),
                What::Up(member) => drop(seen.insert(member)),
                What::Down(member) => drop(seen.remove(&member)),
            }
        }
        seen.len() == nodes
    };
    (1..=nodes).all(sees_all)
}

fn number(name: &str) -> Option<usize> {
    name.strip_prefix('n')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_are_read() {
        let line = "    2026/11/29 19:27:00 [INFO] serf: EventMemberFailed: n3 127.0.1.3";
        let change = Change::of_line(line, 1, 7).unwrap();
        assert_eq!((change.at, change.down()), (7, Some(3)));
        let line = "    2026/11/29 19:27:00 [INFO] serf: EventMemberJoin: n3 127.0.1.3";
        assert_eq!(
            Change::of_line(line, 1, 7).map(|one| one.what),
            Some(What::Up(3))
        );
        for line in [
            "[INFO] memberlist: Suspect n3 has failed, no acks received",
            "[INFO] serf: EventMemberUpdate: n3",
        ] {
            assert_eq!(Change::of_line(line, 1, 7), None);
        }
        let what = |line| Change::of_event(line, 2).map(|one| one.what);
        assert_eq!(
            what(r#"{"seq":1,"at":9,"event":"member","node":"n2","change":"down"}"#),
            Some(What::Down(2))
        );
        assert_eq!(
            what(r#"{"seq":1,"at":9,"event":"member","node":"n2","change":"silent"}"#),
            None
        );
        assert_eq!(
            what(r#"{"seq":1,"at":9,"event":"node_started","version":"1"}"#),
            Some(What::Began)
        );
    }

    #[test]
    fn who_begins_again_knows_nobody() {
        let says = |observer, what| Change {
            at: 0,
            observer,
            what,
        };
        let mut changes = Vec::new();
        for observer in 1..=2 {
            for member in 1..=2 {
                changes.push(says(observer, What::Up(member)));
            }
        }
        assert!(all_see_all(&changes, 2));
        changes.push(says(1, What::Down(2)));
        assert!(!all_see_all(&changes, 2));
        changes.push(says(1, What::Up(2)));
        assert!(all_see_all(&changes, 2));
        changes.push(says(2, What::Began));
        assert!(!all_see_all(&changes, 2));
    }
}
