//! All rules in a row.

use super::{Finding, Tree};
use super::{architecture, ci, dependencies, limits, manifest, pure, roots, size, words};
use crate::failure::Failure;
use crate::say;
use crate::workspace;

/// Every finding of every rule, by file and line.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let rules = [
        dependencies::check,
        manifest::check,
        pure::check,
        size::check,
        roots::check,
        architecture::check,
        limits::check,
        words::check,
        ci::check,
    ];
    let mut findings: Vec<Finding> = rules.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    findings
}

/// Checks the workspace and prints what it finds.
pub(crate) fn run() -> Result<(), Failure> {
    let tree = Tree::read(&workspace::root()?)?;
    for note in size::notes(&tree) {
        say::progress(&note);
    }
    let findings = check(&tree);
    for finding in &findings {
        say::out(&finding.to_string());
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err(Failure::new("1 finding")),
        n => Err(Failure::new(format!("{n} findings"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        let tree = Tree::read(&workspace::root().unwrap()).unwrap();
        assert!(tree.crates().contains("xtask"));
        let findings: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }
}
