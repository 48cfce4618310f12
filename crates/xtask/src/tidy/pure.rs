//! The pure crates stay pure, and a crate's own clippy.toml loses none of the root's keys.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::finding::line_of;
use super::{Finding, Tree, dependencies};

/// Pure crates, each with the third-party crates it may use outside its tests. An allow-list: a
/// runtime, a socket or a clock comes in by names that no ban could foresee.
const PURE: [(&str, &[&str]); 3] = [
    ("core", &["loom", "schemars", "serde", "thiserror"]),
    ("cluster", &["thiserror"]),
    ("sim", &[]),
];

/// What the clippy.toml of a pure crate bans.
const BANNED_METHODS: [&str; 3] = [
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::sleep",
];
const BANNED_TYPES: [&str; 5] = [
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, allowed) in PURE {
        if tree.crates().contains(name) {
            third_party(tree, name, allowed, &mut findings);
            bans(tree, name, &mut findings);
        }
    }
    root_keys(tree, &mut findings);
    findings
}

fn third_party(tree: &Tree, name: &str, allowed: &[&str], findings: &mut Vec<Finding>) {
    let path = format!("crates/{name}/Cargo.toml");
    let text = tree.text(&path).unwrap_or_default();
    let manifest: Table = text.parse().unwrap_or_default();
    let in_tests: BTreeSet<&String> = manifest
        .get("dev-dependencies")
        .and_then(Value::as_table)
        .map(|table| table.keys().collect())
        .unwrap_or_default();
    for (used, _) in dependencies::all(text) {
        let known = allowed.contains(&used.as_str()) || used.starts_with("ninefold-");
        if !known && !in_tests.contains(&used) {
            findings.push(Finding {
                path: path.clone(),
                line: line_of(text, &used),
                rule: "pure-dependencies",
                message: format!("the pure crate `{name}` may not use `{used}`"),
                remedy: "do it in a driver and hand the result in as a value".to_owned(),
            });
        }
    }
}

fn bans(tree: &Tree, name: &str, findings: &mut Vec<Finding>) {
    let path = format!("crates/{name}/clippy.toml");
    let table: Table = tree
        .text(&path)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    let banned = |key: &str| -> BTreeSet<String> {
        let list = table.get(key).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|item| item.get("path").unwrap_or(item).as_str())
            .map(str::to_owned)
            .collect()
    };
    let (methods, types) = (banned("disallowed-methods"), banned("disallowed-types"));
    let missing = BANNED_METHODS
        .iter()
        .filter(|path| !methods.contains(**path))
        .map(|path| (path, "disallowed-methods"))
        .chain(
            BANNED_TYPES
                .iter()
                .filter(|path| !types.contains(**path))
                .map(|path| (path, "disallowed-types")),
        );
    for (banned, key) in missing {
        findings.push(Finding {
            path: path.clone(),
            line: 1,
            rule: "pure-bans",
            message: format!("the pure crate `{name}` does not ban `{banned}`"),
            remedy: format!("add it to `{key}`"),
        });
    }
}

/// A crate's clippy.toml replaces the root's, so it repeats it.
fn root_keys(tree: &Tree, findings: &mut Vec<Finding>) {
    let root = tree.text("clippy.toml").unwrap_or_default();
    let root: Table = root.parse().unwrap_or_default();
    for (path, text) in tree.files() {
        if !path.ends_with("/clippy.toml") {
            continue;
        }
        let own: Table = text.parse().unwrap_or_default();
        for (key, value) in root
            .iter()
            .filter(|(key, value)| own.get(*key) != Some(value))
        {
            findings.push(Finding {
                path: path.to_owned(),
                line: line_of(text, key),
                rule: "clippy-root-keys",
                message: format!("`{key} = {value}` of the root is not repeated here"),
                remedy: "repeat it: this file replaces the root's".to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(files: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        check(&Tree::of(files))
            .into_iter()
            .map(|f| (f.rule, f.message))
            .collect()
    }

    fn all_bans() -> String {
        let list = |paths: &[&str]| {
            let items: Vec<String> = paths
                .iter()
                .map(|p| format!("{{ path = \"{p}\" }}"))
                .collect();
            items.join(", ")
        };
        format!(
            "disallowed-methods = [{}]\ndisallowed-types = [{}]\n",
            list(&BANNED_METHODS),
            list(&BANNED_TYPES)
        )
    }

    #[test]
    fn a_runtime_in_the_core_is_found() {
        let bans = all_bans();
        let manifest = "[dependencies]\nserde.workspace = true\ntokio.workspace = true\n[dev-dependencies]\nproptest.workspace = true\n";
        assert_eq!(
            rules(&[
                ("crates/core/Cargo.toml", manifest),
                ("crates/core/clippy.toml", &bans)
            ]),
            [(
                "pure-dependencies",
                "the pure crate `core` may not use `tokio`".into()
            )]
        );
    }

    #[test]
    fn a_ban_that_is_gone_is_found() {
        let bans = all_bans().replace("std::time::Instant::now", "std::time::Instant::elapsed");
        assert_eq!(
            rules(&[
                ("crates/core/Cargo.toml", ""),
                ("crates/core/clippy.toml", &bans)
            ]),
            [(
                "pure-bans",
                "the pure crate `core` does not ban `std::time::Instant::now`".into()
            )]
        );
        let none = rules(&[("crates/core/Cargo.toml", "")]);
        assert_eq!(none.len(), BANNED_METHODS.len() + BANNED_TYPES.len());
    }

    #[test]
    fn a_root_key_that_is_lost_or_changed_is_found() {
        let found = rules(&[
            ("clippy.toml", "a = true\nb = 70\nc = 1\n"),
            ("crates/cli/clippy.toml", "a = true\nb = 90\n"),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|(rule, _)| *rule == "clippy-root-keys"));
    }
}
