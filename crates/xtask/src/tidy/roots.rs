//! `lib.rs` and `mod.rs` document, declare and re-export.

use super::code::code;
use super::{Finding, Tree};

/// What an implementation begins with, after its visibility and qualifiers.
const IMPLEMENTATIONS: [&str; 8] = [
    "fn",
    "impl",
    "struct",
    "enum",
    "union",
    "trait",
    "macro_rules!",
    "thread_local!",
];
/// Words that may stand before it.
const QUALIFIERS: [&str; 6] = ["pub", "const", "async", "unsafe", "extern", "default"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.sources() {
        let is_root = path.ends_with("/lib.rs") || path.ends_with("/mod.rs");
        if is_root && path.contains("/src/") {
            findings.extend(
                implementations(text)
                    .into_iter()
                    .map(|(line, word)| Finding {
                        path: path.to_owned(),
                        line,
                        rule: "module-root",
                        message: format!("`{word}` is implemented here"),
                        remedy: "move it to a file of its own and re-export it".to_owned(),
                    }),
            );
        }
    }
    findings
}

/// The lines at the outermost level that begin an implementation, without those of a test module.
fn implementations(text: &str) -> Vec<(usize, &'static str)> {
    let code = code(text);
    let mut found = Vec::new();
    let (mut depth, mut in_tests) = (0i64, false);
    for (index, line) in code.lines().enumerate() {
        if depth == 0 {
            in_tests |= line.trim_start().starts_with("#[cfg(test)]");
            if let Some(word) = implementation(line)
                && !in_tests
            {
                found.push((index + 1, word));
            }
        }
        for c in line.chars() {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
        }
        // The item that the attribute stands on ends with its block or its semicolon.
        if depth == 0 && line.trim_end().ends_with(['}', ';']) {
            in_tests = false;
        }
    }
    found
}

fn implementation(line: &str) -> Option<&'static str> {
    let mut rest = line.trim_start();
    loop {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "_!".contains(c)));
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        if let Some(found) = IMPLEMENTATIONS.iter().find(|name| **name == word) {
            return Some(found);
        }
        if !QUALIFIERS.contains(&word) {
            return None;
        }
        rest = after.trim_start();
        if let Some(scope) = rest.strip_prefix('(') {
            rest = scope.split_once(')')?.1.trim_start();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check(&Tree::of(&[("crates/core/src/lib.rs", text)]))
            .into_iter()
            .map(|f| f.line)
            .collect()
    }

    #[test]
    fn implementations_are_found() {
        assert_eq!(lines("//! Docs.\n\npub(crate) const fn f() {}\n"), [3]);
        assert_eq!(lines("mod a;\nimpl<T> X for T {\n  fn g() {}\n}\n"), [2]);
        assert_eq!(lines("pub async unsafe fn f() {}\npub struct X;\n"), [1, 2]);
        assert_eq!(lines("macro_rules! m { () => {} }\n"), [1]);
    }

    #[test]
    fn declarations_exports_and_tests_are_fine() {
        let good = "//! fn impl struct\npub mod a {\n    pub use b::C;\n}\n\
                    pub use d::{\n    E,\n    impl_name,\n};\nconst X: &str = \"fn f() {}\";\n\
                    #[cfg(test)]\nmod tests {\n    fn f() {}\n}\n";
        assert_eq!(lines(good), [0usize; 0]);
        let after_tests = "#[cfg(test)]\nmod tests;\nfn f() {}\n";
        assert_eq!(lines(after_tests), [3]);
    }

    #[test]
    fn other_files_may_implement() {
        let tree = Tree::of(&[
            ("crates/core/src/time.rs", "fn f() {}"),
            ("crates/core/tests/it/rig/mod.rs", "fn f() {}"),
        ]);
        assert_eq!(check(&tree), []);
    }
}
