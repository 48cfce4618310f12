//! What every package's manifest has.

use toml::{Table, Value};

use super::dependencies;
use super::finding::line_of;
use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in tree.packages() {
        let path = format!("{folder}/Cargo.toml");
        let text = tree.text(&path).unwrap_or_default();
        let manifest: Table = match text.parse() {
            Ok(manifest) => manifest,
            Err(why) => {
                let why: toml::de::Error = why;
                findings.push(Finding {
                    path,
                    line: 1,
                    rule: "manifest",
                    message: format!("it cannot be read: {}", why.message()),
                    remedy: "make it valid TOML".to_owned(),
                });
                continue;
            }
        };
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        if lints != Some(&Value::Boolean(true)) {
            findings.push(Finding {
                path: path.clone(),
                line: 1,
                rule: "lints",
                message: "the workspace's lints are not on".to_owned(),
                remedy: "add `[lints]` with `workspace = true`".to_owned(),
            });
        }
        for (name, value) in dependencies::all(text) {
            if value.get("workspace") != Some(&Value::Boolean(true)) {
                findings.push(Finding {
                    path: path.clone(),
                    line: line_of(text, &name),
                    rule: "workspace-dependencies",
                    message: format!("`{name}` has a version of its own here"),
                    remedy: "declare it in the root's `[workspace.dependencies]` and write `workspace = true`".to_owned(),
                });
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(manifest: &str) -> Vec<(&'static str, usize)> {
        check(&Tree::of(&[("crates/core/Cargo.toml", manifest)]))
            .into_iter()
            .map(|f| (f.rule, f.line))
            .collect()
    }

    #[test]
    fn lints_and_versions_come_from_the_workspace() {
        let lints = "[lints]\nworkspace = true\n";
        let good = format!("[dependencies]\nserde.workspace = true\n{lints}");
        assert_eq!(rules(&good), []);
        let version = format!("[dependencies]\nserde = \"1\"\n{lints}");
        assert_eq!(rules(&version), [("workspace-dependencies", 2)]);
        let path = format!("[dev-dependencies]\nx = {{ path = \"../x\" }}\n{lints}");
        assert_eq!(rules(&path), [("workspace-dependencies", 2)]);
        assert_eq!(rules("[package]\n"), [("lints", 1)]);
        assert_eq!(rules("[package"), [("manifest", 1)]);
    }
}
