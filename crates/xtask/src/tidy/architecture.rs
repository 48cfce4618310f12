//! ARCHITECTURE.md names the crates and the limits that are there.

use std::collections::BTreeMap;

use super::{Finding, Tree};

const PATH: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Rooms";
const LIMITS: &str = "## Limits";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let finding = |line, message, remedy: &str| Finding {
        path: PATH.to_owned(),
        line,
        rule: "architecture",
        message,
        remedy: remedy.to_owned(),
    };
    let Some(text) = tree.text(PATH) else {
        return vec![finding(1, "it is not there".to_owned(), "write it")];
    };
    let listed = listed(text);
    let there = tree.crates();
    let gone = listed
        .iter()
        .filter(|(name, _)| !there.contains(*name))
        .map(|(name, line)| {
            finding(
                *line,
                format!("the crate `{name}` is not in `crates`"),
                "take its row away",
            )
        });
    let unlisted = there
        .iter()
        .filter(|name| !listed.contains_key(*name))
        .map(|name| {
            finding(
                1,
                format!("the crate `{name}` is in no row of `{HEADING}`"),
                "say what it is for and what it may use",
            )
        });
    gone.chain(unlisted)
        .chain(
            limits(tree, text)
                .into_iter()
                .map(|(line, message)| finding(line, message, "name the constant where it is now")),
        )
        .collect()
}

/// Rows of the table of limits that name a constant and its file, where the file has it not.
fn limits(tree: &Tree, text: &str) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for (index, row) in section(text, LIMITS) {
        // Every second piece stands between backticks.
        let quoted: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let Some(path) = quoted.iter().find(|word| word.ends_with(".rs")) else {
            continue;
        };
        let constant = |word: &&&str| !word.bytes().any(|b| b.is_ascii_lowercase());
        match tree.text(path) {
            None => wrong.push((index + 1, format!("`{path}` is not there"))),
            Some(source) => {
                let missing = quoted
                    .iter()
                    .filter(constant)
                    .filter(|name| !source.contains(&format!("const {name}:")));
                wrong.extend(missing.map(|name| (index + 1, format!("`{path}` has no `{name}`"))));
            }
        }
    }
    wrong
}

/// The lines of one section, each with its index.
fn section<'a>(text: &'a str, heading: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    text.lines()
        .enumerate()
        .skip_while(move |(_, line)| line.trim_end() != heading)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("## "))
}

/// The names in the first column of the table of rooms, with their lines.
fn listed(text: &str) -> BTreeMap<&str, usize> {
    let mut names = BTreeMap::new();
    for (index, line) in section(text, HEADING) {
        let name = line
            .strip_prefix("| `")
            .and_then(|rest| rest.split_once("` |"));
        if let Some((name, _)) = name {
            names.insert(name, index + 1);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rooms: &str) -> Vec<String> {
        let tree = Tree::of(&[
            (PATH, rooms),
            ("crates/core/Cargo.toml", ""),
            ("crates/cli/Cargo.toml", ""),
            ("examples/shop/Cargo.toml", ""),
        ]);
        let found = check(&tree);
        found
            .into_iter()
            .map(|f| format!("{}: {}", f.line, f.message))
            .collect()
    }

    #[test]
    fn the_list_and_the_tree_are_the_same() {
        let table = "# A\n\n## Rooms\n\n| crate | for |\n|---|---|\n| `core` | x |\n";
        assert_eq!(
            found(&format!("{table}| `cli` | y |\n## Other\n| `gone` | z |\n")),
            Vec::<String>::new()
        );
        assert_eq!(
            found(&format!("{table}| `store` | y |\n")),
            [
                "8: the crate `store` is not in `crates`",
                "1: the crate `cli` is in no row of `## Rooms`"
            ]
        );
        assert_eq!(found("# A\n").len(), 2);
        assert_eq!(check(&Tree::default()).len(), 1);
    }

    #[test]
    fn a_limit_that_moved_is_found() {
        let text = "## Rooms\n## Limits\n| a | 1 | `limits.idle` |\n\
                    | b | 2 | `x/a.rs` `A_MAX` `B_MAX` |\n| c | 3 | `x/gone.rs` `C_MAX` |\n";
        let tree = Tree::of(&[(PATH, text), ("x/a.rs", "pub const A_MAX: u32 = 2;")]);
        let found: Vec<_> = check(&tree)
            .into_iter()
            .map(|f| (f.line, f.message))
            .collect();
        assert_eq!(
            found,
            [
                (4, "`x/a.rs` has no `B_MAX`".to_owned()),
                (5, "`x/gone.rs` is not there".to_owned())
            ]
        );
    }
}
