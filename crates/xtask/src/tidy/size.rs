//! Files stay small.

use super::{Finding, Tree};

/// No source is longer.
const LINES_MAX: usize = 600;
/// A source of this length asks to be split.
const LINES_NOTED: usize = 400;

/// Sources that may be longer, each with the reason. The list only ever shrinks.
const EXCEPTIONS: [(&str, &str); 0] = [];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    judge(tree, &EXCEPTIONS)
}

fn judge(tree: &Tree, exceptions: &[(&str, &str)]) -> Vec<Finding> {
    let finding = |path: &str, line, message, remedy: &str| Finding {
        path: path.to_owned(),
        line,
        rule: "file-size",
        message,
        remedy: remedy.to_owned(),
    };
    let mut findings = Vec::new();
    for (path, text) in tree.sources() {
        let lines = text.lines().count();
        let excepted = exceptions.iter().any(|(name, _)| *name == path);
        if lines > LINES_MAX && !excepted {
            findings.push(finding(
                path,
                LINES_MAX + 1,
                format!("{lines} lines, of {LINES_MAX} at most"),
                "split it: one main type a file",
            ));
        }
        if lines <= LINES_MAX && excepted {
            findings.push(finding(
                path,
                1,
                format!("{lines} lines need no exception"),
                "take it from the list in tidy/size.rs",
            ));
        }
    }
    for (path, _) in exceptions.iter().filter(|(p, _)| tree.text(p).is_none()) {
        findings.push(finding(
            path,
            1,
            "an exception for a file that is not there".to_owned(),
            "take it from the list in tidy/size.rs",
        ));
    }
    findings
}

/// Sources that ask to be split; no failure yet.
pub(super) fn notes(tree: &Tree) -> Vec<String> {
    let long = tree.sources().filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > LINES_NOTED)
            .then(|| format!("note: {path} has {lines} lines and asks to be split"))
    });
    long.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratchet_holds_both_ways() {
        let long = "\n".repeat(LINES_MAX + 1);
        let fits = "\n".repeat(LINES_MAX);
        let tree = Tree::of(&[("a.rs", &long), ("b.rs", &fits), ("c.md", &long)]);
        let paths = |exceptions: &[(&str, &str)]| -> Vec<String> {
            let found = judge(&tree, exceptions);
            found.into_iter().map(|f| f.path).collect()
        };
        assert_eq!(paths(&[]), ["a.rs"]);
        assert_eq!(paths(&[("a.rs", "generated")]), Vec::<String>::new());
        assert_eq!(
            paths(&[("a.rs", "x"), ("b.rs", "x"), ("gone.rs", "x")]),
            ["b.rs", "gone.rs"]
        );
        assert_eq!(notes(&tree).len(), 2);
    }
}
