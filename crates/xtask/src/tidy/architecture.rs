//! ARCHITECTURE.md names the crates that are there.

use std::collections::BTreeMap;

use super::{Finding, Tree};

const PATH: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Rooms";

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
    gone.chain(unlisted).collect()
}

/// The lines of one section, each with its index.
pub(super) fn section<'a>(
    text: &'a str,
    heading: &'a str,
) -> impl Iterator<Item = (usize, &'a str)> {
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
}
