//! What runs on a server is what the README tells people to run.

use super::{Finding, Tree};

const README: &str = "README.md";
const SCRIPT: &str = ".ci/run";
const COMMAND: &str = "cargo xtask test";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut finding = |path: &str, line, message: String| {
        findings.push(Finding {
            path: path.to_owned(),
            line,
            rule: "test-command",
            message,
            remedy: format!("both run `{COMMAND}` and nothing else"),
        });
    };
    let readme = tree.text(README).unwrap_or_default();
    if !readme.lines().any(|line| line.trim() == COMMAND) {
        finding(README, 1, format!("no line of it is `{COMMAND}`"));
    }
    let script = tree.text(SCRIPT).unwrap_or_default();
    let mut commands = script.lines().enumerate().filter(|(_, line)| {
        let line = line.trim();
        let frame = ["", "set -euo pipefail", "cd \"$(dirname \"$0\")/..\""];
        !line.starts_with('#') && !frame.contains(&line)
    });
    match commands.next() {
        Some((_, line)) if line.trim() == COMMAND => {}
        Some((index, line)) => finding(SCRIPT, index + 1, format!("it runs `{line}`")),
        None => finding(SCRIPT, 1, "it runs nothing".to_owned()),
    }
    if let Some((index, line)) = commands.next() {
        finding(SCRIPT, index + 1, format!("it also runs `{line}`"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(readme: &str, script: &str) -> Vec<String> {
        let tree = Tree::of(&[(README, readme), (SCRIPT, script)]);
        let found = check(&tree);
        found
            .into_iter()
            .map(|f| format!("{}:{}", f.path, f.line))
            .collect()
    }

    #[test]
    fn readme_and_script_are_the_same() {
        let good = "#!/usr/bin/env bash\nset -euo pipefail\n";
        let readme = "```sh\ncargo xtask test\n```\n";
        assert_eq!(
            found(readme, &format!("{good}{COMMAND}\n")),
            Vec::<String>::new()
        );
        assert_eq!(found("", &format!("{good}{COMMAND}\n")), ["README.md:1"]);
        assert_eq!(found(readme, good), [".ci/run:1"]);
        assert_eq!(
            found(readme, &format!("{good}{COMMAND} --fast\n")),
            [".ci/run:3"]
        );
        assert_eq!(
            found(readme, &format!("{good}{COMMAND}\nrm x\n")),
            [".ci/run:4"]
        );
    }
}
