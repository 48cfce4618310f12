//! Words that are not left behind, and names that say nothing.

use super::code::{code, comments};
use super::{Finding, Tree};

/// Left in a comment, they are promises that nobody keeps.
const IN_COMMENTS: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];
/// Left in code.
const IN_CODE: [(&str, &str); 5] = [
    ("todo!", "write it"),
    ("unimplemented!", "write it"),
    ("#[ignore", "make the test run everywhere, or take it away"),
    ("#[allow(", "write `#[expect(lint, reason = \"…\")]`"),
    ("#![allow(", "write `#[expect(lint, reason = \"…\")]`"),
];
/// Names of modules that would be filled with anything.
const NAMES: [&str; 7] = [
    "manager", "managers", "helper", "helpers", "util", "utils", "common",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.sources() {
        left_behind(path, text, &mut findings);
        module_names(path, text, &mut findings);
    }
    for (path, text) in tree.files().filter(|(path, _)| path.ends_with(".toml")) {
        promises(path, text, &mut findings);
    }
    findings
}

fn left_behind(path: &str, text: &str, findings: &mut Vec<Finding>) {
    promises(path, &comments(text), findings);
    for (index, line) in code(text).lines().enumerate() {
        let dense: String = line.split_whitespace().collect();
        for (word, remedy) in IN_CODE.iter().filter(|(word, _)| dense.contains(word)) {
            findings.push(finding(
                path,
                index,
                "left-behind",
                format!("`{word}`"),
                remedy,
            ));
        }
    }
}

fn promises(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric());
        if let Some(word) = words.find(|word| IN_COMMENTS.contains(word)) {
            let remedy = "do it, or open an issue";
            findings.push(finding(
                path,
                index,
                "left-behind",
                format!("`{word}`"),
                remedy,
            ));
        }
    }
}

fn module_names(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let remedy = "name it after what it does";
    let parts = path.strip_suffix(".rs").unwrap_or(path).split('/');
    for part in parts.filter(|part| NAMES.contains(part)) {
        findings.push(finding(
            path,
            0,
            "name",
            format!("a module called `{part}`"),
            remedy,
        ));
    }
    for (index, line) in code(text).lines().enumerate() {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let name = words.find(|word| *word == "mod").and_then(|_| words.next());
        if let Some(name) = name.filter(|name| NAMES.contains(name)) {
            findings.push(finding(
                path,
                index,
                "name",
                format!("a module called `{name}`"),
                remedy,
            ));
        }
    }
}

fn finding(path: &str, index: usize, rule: &'static str, message: String, remedy: &str) -> Finding {
    Finding {
        path: path.to_owned(),
        line: index + 1,
        rule,
        message,
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        check(&Tree::of(&[(path, text)]))
            .into_iter()
            .map(|f| (f.line, f.rule))
            .collect()
    }

    #[test]
    fn what_is_left_behind_is_found() {
        for word in IN_COMMENTS {
            assert_eq!(
                found("a.rs", &format!("x\n// {word}: later")),
                [(2, "left-behind")]
            );
            assert_eq!(found("a.toml", &format!("# {word}")), [(1, "left-behind")]);
        }
        assert_eq!(found("a.rs", "fn f() { todo!() }"), [(1, "left-behind")]);
        assert_eq!(
            found("a.rs", "\n#[ ignore = \"slow\"]"),
            [(2, "left-behind")]
        );
        assert_eq!(found("a.rs", "#[allow(dead_code)]"), [(1, "left-behind")]);
        assert_eq!(found("a.rs", "#![allow(dead_code)]"), [(1, "left-behind")]);
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        assert_eq!(found("crates/a/src/util.rs", ""), [(1, "name")]);
        assert_eq!(found("crates/a/src/helpers/x.rs", ""), [(1, "name")]);
        assert_eq!(found("a.rs", "\npub(crate) mod common {}"), [(2, "name")]);
    }

    #[test]
    fn texts_and_parts_of_words_are_fine() {
        assert_eq!(
            found("a.rs", "f(\"todo! #[allow(x)]\"); // todos, ignore"),
            []
        );
        assert_eq!(found("crates/a/src/common_log.rs", "mod utility;"), []);
    }
}
