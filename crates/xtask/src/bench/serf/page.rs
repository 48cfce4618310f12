//! The page.

use serde_json::Value;

use super::options::ROWS;

/// What stands above the figures.
const HEAD: &str = "\
# Serf beside Ninefold under the same faults

Written by `cargo xtask bench serf --save`. On this machine run five nodes of Ninefold (`up --nodes 5`, each with a gateway
and one replica, no requests), and five agents of Debian's `serf` (HashiCorp's, with its memberlist) of each of two profiles: `lan`, its
default, and `local`, which is meant for loopback. All of them meet each fault at the same moment: their processes are killed or
stopped one after the other within milliseconds, and one set of rules of nftables drops the packets of all. Serf is as it comes,
with no encryption; Ninefold seals its gossip, as it always does. Serf makes its connections (a second way to ask a member that
does not answer, and a comparison every 15 or 30 s) from 127.0.0.1: they are dropped by the user of the agent that makes them. Those of
Ninefold, which tell the end of a process, come from there too: to a node that is cut off they are dropped, from it they are not.

When Ninefold convicts is read from the journals of its nodes (a member is `down`), and of serf from the line of
its log (`EventMemberFailed`), stamped as it comes: its event handlers are told a second later at the earliest, which is not
counted against it. Of a killed process Ninefold hears by the end of a connection that it holds for that; serf probes. Ninefold's
parent starts a killed node again after a second, and agents are started again once all have convicted them. All are started
anew before each fault, as Ninefold remembers who was convicted: who is convicted again is let in half a minute later, and
later each time.

| fault | what is done | touched |
|---|---|---|
| node-kill | SIGKILL | the victim |
| node-pause | SIGSTOP for 1 s | the victim |
| pause-again | the same, when all have been well for 9 s after it was paused before | the victim |
| zone-kill | SIGKILL of nodes 1 and 4 at once | both |
| one-way-drop | what node 1 sends to the victim is dropped for 15 s | both ends; nobody should be convicted |
| node-stop | SIGSTOP until all have convicted it, at most 30 s | the victim |
| lossy-link | 80 % of the packets between node 1 and the victim are dropped for 15 s | both ends; nobody should be convicted |
| partition | the victim is cut off from all, until all have convicted it, at most 30 s | the victim |
| deaf-node | what all others send to the victim is dropped, what it sends arrives; as long | the victim |

";

/// Above the table of faults.
const FAULTS: &str = "
**Convicted**: faults in which every healthy node convicted all that were touched, and in which any of them did, of n. For
bad ways it should be neither. Whether one that is silent for a second is to be convicted is a choice: Ninefold does, and takes it
back when it answers, the second time half a minute later; serf waits for longer than that. **First,
median, last**: of the healthy nodes, from the beginning of the fault until it had convicted, in ms, p50 and most over all
faults; *last* where all had it. **False**: convictions of somebody whom the fault does not touch, by healthy nodes, in all.
**By the touched**: the same by those who were touched. **Back**: from the end of the fault (of a kill: from the new process's
start) until all saw all again, where anybody had been convicted, in ms.

| fault | who | n | convicted by all, any | first | median | last | false | by the touched | back |
|---|---|---|---|---|---|---|---|---|---|
";

const REST: &str = "
## At rest

A node's share, the mean of five. Bytes are those of gossip that a node sends, heads of IP included. Ninefold's process is also the gateway
and the supervisor of a replica, which is probed; serf's is a member and nothing else.

| who | seconds | CPU % of a core | memory MiB | UDP packets/s | UDP bytes/s | TCP bytes/s |
|---|---|---|---|---|---|---|
";

const BUSY: &str = "
## On a busy machine

Nobody fails; twice as many loops as there are cores want a core each. All convictions are false.

| who | seconds | loops | convictions |
|---|---|---|---|
";

pub(super) fn markdown(facts: &[(String, String)], rows: &[Value]) -> String {
    let mut out = HEAD.to_owned();
    for (label, fact) in facts {
        out.push_str(&format!("- {label}: {fact}\n"));
    }
    let of = |name: &str| -> Vec<&Value> {
        let of = rows.iter().filter(|row| text(row, "row") == name);
        of.collect()
    };
    for (name, head, line) in [
        ("rest", REST, rest as fn(&Value) -> String),
        ("busy", BUSY, busy),
    ] {
        let of = of(name);
        if !of.is_empty() {
            out.push_str(head);
            of.iter().for_each(|row| out.push_str(&line(row)));
        }
        if let Some(busy) = of
            .first()
            .and_then(|row| row.get("machine_busy_pct")?.as_f64())
        {
            out.push_str(&format!(
                "\nThe cores were busy for {busy:.0} % of that time, with all that ran.\n"
            ));
        }
    }
    let faults: Vec<String> = ROWS.iter().map(|name| fault(name, &of(name))).collect();
    if faults.iter().any(|lines| !lines.is_empty()) {
        out.push_str("\n## Faults\n");
        out.push_str(FAULTS);
        out.push_str(&faults.concat());
    }
    out
}

fn rest(row: &Value) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |\n",
        text(row, "subject"),
        count(row, "seconds"),
        figure(row, "cpu_pct", 1.0, 2),
        figure(row, "rss_kib", 1.0 / 1024.0, 1),
        figure(row, "udp_packets_s", 1.0, 1),
        figure(row, "udp_bytes_s", 1.0, 0),
        figure(row, "tcp_bytes_s", 1.0, 0),
    )
}

fn busy(row: &Value) -> String {
    format!(
        "| {} | {} | {} | {} |\n",
        text(row, "subject"),
        count(row, "seconds"),
        count(row, "loops"),
        count(row, "convictions"),
    )
}

/// A line for each subject.
fn fault(name: &str, rows: &[&Value]) -> String {
    let mut subjects: Vec<&str> = Vec::new();
    for row in rows {
        let subject = text(row, "subject");
        if row.get("figures").is_some() && !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    let line = |subject: &str| {
        let of = rows.iter().filter(|row| text(row, "subject") == subject);
        let of: Vec<&Value> = of.filter_map(|row| row.get("figures")).collect();
        let sum = |key: &str| of.iter().map(|one| count(one, key)).sum::<u64>();
        let all = of
            .iter()
            .filter(|one| count(one, "convicted_by") == count(one, "observers"));
        let any = of
            .iter()
            .filter(|one| one.get("any_convicted").and_then(Value::as_bool) == Some(true));
        format!(
            "| {name} | {subject} | {} | {}, {} | {} | {} | {} | {} | {} | {} |\n",
            of.len(),
            all.count(),
            any.count(),
            spread(&of, "first_ms"),
            spread(&of, "median_ms"),
            spread(&of, "last_ms"),
            sum("false"),
            sum("by_touched"),
            spread(&of, "back_ms"),
        )
    };
    subjects.into_iter().map(line).collect()
}

/// The median and the most of what has the figure.
fn spread(of: &[&Value], key: &str) -> String {
    let mut values: Vec<f64> = of.iter().filter_map(|one| one.get(key)?.as_f64()).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    match (values.get(middle), values.last()) {
        (Some(median), Some(most)) => format!("{median:.0}, {most:.0}"),
        _ => "–".to_owned(),
    }
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or("?")
}

fn count(row: &Value, key: &str) -> u64 {
    row.get(key).and_then(Value::as_u64).unwrap_or(0)
}

fn figure(row: &Value, key: &str, times: f64, digits: usize) -> String {
    let value = row.get(key).and_then(Value::as_f64);
    value.map_or_else(
        || "–".to_owned(),
        |value| format!("{:.digits$}", value * times),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_is_a_line_for_each() {
        let one = |subject: &str, by: u32, last: Option<f64>| {
            json!({ "row": "node-kill", "subject": subject, "figures": {
                "observers": 4, "convicted_by": by, "any_convicted": by > 0, "first_ms": 5.0, "median_ms": 7.0,
                "last_ms": last, "false": 1, "by_touched": 0, "back_ms": null } })
        };
        let rows = [
            one("ninefold", 4, Some(9.0)),
            one("serf lan", 3, None),
            one("ninefold", 4, Some(12.4)),
        ];
        let page = markdown(&[], &rows);
        for line in [
            "| node-kill | ninefold | 2 | 2, 2 | 5, 5 | 7, 7 | 9, 12 | 2 | 0 | – |\n",
            "| node-kill | serf lan | 1 | 0, 1 | 5, 5 | 7, 7 | – | 1 | 0 | – |\n",
        ] {
            assert!(page.contains(line), "{page}");
        }
        assert!(!page.contains("## At rest"));
    }

    #[test]
    fn rest_and_business_have_tables_of_their_own() {
        let rows = [
            json!({ "row": "rest", "subject": "serf lan", "seconds": 60, "cpu_pct": 0.126, "rss_kib": 2048, "udp_packets_s": 3.21, "udp_bytes_s": 99.6, "tcp_bytes_s": 1.0, "machine_busy_pct": 12.3 }),
            json!({ "row": "busy", "subject": "ninefold", "seconds": 150, "loops": 4, "convictions": 0, "machine_busy_pct": 99.9 }),
        ];
        let page = markdown(&[("cores".to_owned(), "2".to_owned())], &rows);
        for part in [
            "- cores: 2\n",
            "| serf lan | 60 | 0.13 | 2.0 | 3.2 | 100 | 1 |\n\nThe cores were busy for 12 %",
            "| ninefold | 150 | 4 | 0 |\n",
        ] {
            assert!(page.contains(part), "{page}");
        }
        assert!(!page.contains("## Faults"));
    }
}
