//! `{address}`, `{zone}`, `{address.NAME}` and the like.

use super::{place, service};
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Check, Service, ServiceKind};
use crate::walk::nearest;

/// What may stand in braces, besides `address.NAME`.
const KNOWN: [&str; 8] = [
    "address", "host", "port", "service", "instance", "ordinal", "zone", "egress",
];

/// Checks the placeholders of every supervised service.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (name, one) in &built.file.services {
        for (at, text) in texts(one, &place::service(name)) {
            for word in words(text) {
                if report.is_full() {
                    return;
                }
                placeholder(built, word, &at, report);
            }
        }
    }
}

/// The services whose address a service is given.
pub(super) fn callees(service: &Service) -> Vec<&str> {
    let mut callees: Vec<_> = texts(service, &KeyPath::default())
        .into_iter()
        .flat_map(|(_, text)| words(text))
        .filter_map(|word| word.strip_prefix("address."))
        .collect();
    callees.sort_unstable();
    callees.dedup();
    callees
}

/// All texts in which placeholders are filled in.
fn texts<'s>(service: &'s Service, path: &KeyPath) -> Vec<(KeyPath, &'s str)> {
    let ServiceKind::Supervised(supervised) = &service.kind else {
        return Vec::new();
    };
    let command = |at: &KeyPath, command: &'s [String]| -> Vec<_> {
        command
            .iter()
            .enumerate()
            .map(|(index, argument)| (at.index(index), argument.as_str()))
            .collect()
    };
    let mut texts = command(&path.key("run"), &supervised.run);
    let env = path.key("env");
    texts.extend(
        supervised
            .env
            .iter()
            .map(|(name, value)| (env.key(name), value.as_str())),
    );
    let health = &service.health;
    for (key, probe) in [
        ("startup", &health.startup),
        ("ready", &health.ready),
        ("live", &health.live),
    ] {
        if let Some(Check::Exec { command: exec }) = probe.as_ref().map(|probe| &probe.check) {
            texts.extend(command(&path.key("health").key(key).key("exec"), exec));
        }
    }
    texts
}

/// The words in braces that look like placeholders. `${…}` is the shell's.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        rest = after;
        let Some((word, behind)) = after.split_once('}') else {
            break;
        };
        let looks = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !word.is_empty() && word.chars().all(looks) {
            rest = behind;
            if !before.ends_with('$') {
                words.push(word);
            }
        }
    }
    words
}

fn placeholder(built: &Built<'_, '_>, word: &str, at: &KeyPath, report: &mut Report<'_, '_>) {
    if word == "egress" && !built.file.listeners.iter().any(|listener| listener.egress) {
        let draft = Draft::error("no-egress", at, "no listener is for calls of services");
        let help = "write a `[[listener]]` with `egress = true`";
        return report.check(
            draft.value("{egress}").help(help),
            &[KeyPath::default().key("listener")],
        );
    }
    if KNOWN.contains(&word) {
        return;
    }
    if let Some(name) = word.strip_prefix("address.") {
        if service::known(built, name, at, &format!("`{{{word}}}`"), report)
            && !place::routes(&built.file).any(|(_, route)| &*route.service == name)
        {
            report.check(
                Draft::error(
                    "unrouted-service",
                    at,
                    format!("`{{{word}}}` is the address of a listener that routes to `{name}`, and none does"),
                )
                .value(format!("{{{word}}}"))
                .help(format!("write a `[[listener.route]]` with `service = \"{name}\"`")),
                &[KeyPath::default().key("listener")],
            );
        }
        return;
    }
    let known = format!(
        "known are {} and `{{address.NAME}}`",
        KNOWN.map(|known| format!("`{{{known}}}`")).join(", ")
    );
    let value = format!("{{{word}}}");
    let draft = match nearest(word, KNOWN) {
        Some(near) => Draft::error(
            "unknown-placeholder",
            at,
            format!("`{value}` is no placeholder"),
        )
        .help(format!("did you mean `{{{near}}}`? {known}")),
        None => Draft::warning(
            "unknown-placeholder",
            at,
            format!("`{value}` is no placeholder and stays as it is"),
        )
        .help(known),
    };
    report.check(draft.value(value), &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_in_braces() {
        assert_eq!(words("--listen={address}:{port}"), ["address", "port"]);
        assert_eq!(words("http://{address.db}/x"), ["address.db"]);
        for none in [
            "",
            "{",
            "}{",
            "{}",
            "${HOME}",
            "{\"a\": 1}",
            "awk '{print $1}'",
        ] {
            assert_eq!(words(none), [""; 0], "{none}");
        }
        assert_eq!(words("{a {port}"), ["port"]);
        assert_eq!(words("{{port}}"), ["port"]);
    }
}
