//! Which crate may use which.

use toml::Table;

use super::finding::line_of;
use super::{Finding, Tree};

const RULE: &str = "dependencies";

/// The rooms, each with the rooms it may use. ARCHITECTURE.md says why.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("core", &[]),
    ("cluster", &["core"]),
    ("ninefold", &["core"]),
    ("config", &["core"]),
    ("observe", &["core"]),
    ("trust", &["core"]),
    ("gateway", &["core", "ninefold", "config", "observe"]),
    ("supervise", &["core", "cluster", "config", "observe"]),
    ("chaos", &["core", "cluster", "config", "observe", "sim"]),
    (
        "agent",
        &[
            "core",
            "cluster",
            "trust",
            "config",
            "observe",
            "gateway",
            "supervise",
            "chaos",
        ],
    ),
    ("cli", &["core", "cluster", "config", "trust", "agent"]),
    ("sim", &["core", "cluster"]),
    ("xtask", &[]),
];

/// A package outside `crates` is an application as anyone's: it may use the library.
const OUTSIDE: &[&str] = &["ninefold"];

/// Benches look into the library's core as well, and host members of clusters.
const BENCHES: &[&str] = &["core", "sim", "ninefold"];

/// Fuzz targets read all that is read from outside.
const FUZZ: &[&str] = &[
    "core",
    "cluster",
    "config",
    "observe",
    "gateway",
    "supervise",
    "chaos",
    "trust",
    "agent",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in tree.packages() {
        let path = format!("{folder}/Cargo.toml");
        let text = tree.text(&path).unwrap_or_default();
        let room = folder.strip_prefix("crates/");
        let allowed = match room {
            Some(room) => ALLOWED.iter().find(|(name, _)| *name == room),
            None if folder == "fuzz" => Some(&("", FUZZ)),
            None if folder.starts_with("benches/") => Some(&("", BENCHES)),
            None => Some(&("", OUTSIDE)),
        };
        let Some((_, allowed)) = allowed else {
            findings.push(finding(
                &path,
                1,
                format!("the crate `{folder}` is in no row of the allow-table"),
                "add it there and to ARCHITECTURE.md, with what it may use",
            ));
            continue;
        };
        for (name, _) in all(text) {
            let Some(used) = room_of(&name) else {
                continue;
            };
            if !allowed.contains(&used) {
                findings.push(finding(
                    &path,
                    line_of(text, &name),
                    format!("`{folder}` may not use `{used}`"),
                    "dependencies point one way: move the code, or argue for the new arrow in ARCHITECTURE.md",
                ));
            }
        }
    }
    findings
}

/// The room that a crate of this name is. The library is called as the whole is.
pub(super) fn room_of(name: &str) -> Option<&str> {
    if name == "ninefold" {
        return Some(name);
    }
    name.strip_prefix("ninefold-")
}

fn finding(path: &str, line: usize, message: String, remedy: &str) -> Finding {
    Finding {
        path: path.to_owned(),
        line,
        rule: RULE,
        message,
        remedy: remedy.to_owned(),
    }
}

/// Every dependency of a manifest: ordinary, for tests, for building, for some targets.
pub(super) fn all(manifest: &str) -> Vec<(String, toml::Value)> {
    let manifest: Table = manifest.parse().unwrap_or_default();
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(toml::Value::as_table);
    [&manifest]
        .into_iter()
        .chain(targets)
        .flat_map(|table| {
            ["dependencies", "dev-dependencies", "build-dependencies"]
                .iter()
                .filter_map(|section| table.get(*section)?.as_table())
        })
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files))
            .into_iter()
            .map(|f| format!("{}:{} {}", f.path, f.line, f.message))
            .collect()
    }

    #[test]
    fn an_arrow_against_the_direction_is_found() {
        let bad = "[package]\n[dependencies]\nninefold-agent.workspace = true\nserde = \"1\"\n";
        assert_eq!(
            messages(&[("crates/core/Cargo.toml", bad)]),
            ["crates/core/Cargo.toml:3 `crates/core` may not use `agent`"]
        );
        let in_tests = "[dev-dependencies]\nninefold-gateway.workspace = true\n";
        assert_eq!(messages(&[("crates/chaos/Cargo.toml", in_tests)]).len(), 1);
        let for_target = "[target.'cfg(unix)'.dependencies]\nninefold-cli.workspace = true\n";
        assert_eq!(
            messages(&[("crates/agent/Cargo.toml", for_target)]).len(),
            1
        );
        let outside = "[dependencies]\nninefold-core.workspace = true\n";
        assert_eq!(messages(&[("examples/shop/Cargo.toml", outside)]).len(), 1);
        assert_eq!(messages(&[("benches/x/Cargo.toml", in_tests)]).len(), 1);
        assert_eq!(messages(&[("benches/x/Cargo.toml", outside)]).len(), 0);
        assert_eq!(messages(&[("fuzz/Cargo.toml", for_target)]).len(), 1);
        assert_eq!(messages(&[("fuzz/Cargo.toml", in_tests)]).len(), 0);
    }

    #[test]
    fn arrows_in_the_direction_are_fine() {
        let good =
            "[dependencies]\nninefold-core.workspace = true\nninefold-config.workspace = true\n";
        assert_eq!(messages(&[("crates/gateway/Cargo.toml", good)]).len(), 0);
        let library = "[dependencies]\nninefold = { workspace = true, features = [\"http\"] }\n";
        for path in ["examples/shop/Cargo.toml", "benches/policies/Cargo.toml"] {
            assert_eq!(messages(&[(path, library)]).len(), 0, "{path}");
        }
    }

    #[test]
    fn a_new_room_needs_a_row() {
        assert_eq!(
            messages(&[("crates/store/Cargo.toml", "[package]\n")]),
            ["crates/store/Cargo.toml:1 the crate `crates/store` is in no row of the allow-table"]
        );
    }
}
