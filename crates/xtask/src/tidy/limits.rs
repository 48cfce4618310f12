//! ARCHITECTURE.md's table of limits and the constants of the sources are the same.
//!
//! A row's last cell says where a limit is: a crate (`gateway`) or a source, followed by the names of
//! constants. Every `…_MAX` constant must stand in a row of its crate, and every named constant must
//! be there.

use super::{Finding, Tree, architecture};

const PATH: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Limits";
const RULE: &str = "limits";
/// How the name of a limit ends.
const SUFFIX: &str = "_MAX";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(PATH) else {
        // Another rule misses it.
        return Vec::new();
    };
    let rows: Vec<Row<'_>> = architecture::section(text, HEADING)
        .filter_map(|(index, line)| Row::of(index + 1, line))
        .collect();
    let stale = rows.iter().flat_map(|row| row.stale(tree));
    stale.chain(unlisted(tree, &rows)).collect()
}

/// One row that names a crate or a source.
struct Row<'a> {
    line: usize,
    /// Crates as in `core`, and sources as in `crates/core/src/lib.rs`.
    places: Vec<&'a str>,
    constants: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn of(line: usize, row: &'a str) -> Option<Self> {
        let cell = row.strip_suffix('|')?.rsplit('|').next()?;
        // Every second piece stands between backticks.
        let quoted = cell.split('`').skip(1).step_by(2);
        // What has a dot and is no source is a key of the file.
        let (places, constants) = quoted
            .filter(|word| !word.contains('.') || word.ends_with(".rs"))
            .partition(|word| word.bytes().any(|b| b.is_ascii_lowercase()));
        Some(Self {
            line,
            places,
            constants,
        })
    }

    /// Whether it speaks of this source.
    fn covers(&self, path: &str) -> bool {
        self.places.iter().any(|place| match *place {
            source if source.ends_with(".rs") => source == path,
            name => path.starts_with(&format!("crates/{name}/")),
        })
    }

    /// Places and constants that are not there.
    fn stale(&self, tree: &Tree) -> Vec<Finding> {
        let sources: Vec<&str> = tree
            .sources()
            .filter(|(path, _)| self.covers(path))
            .map(|(_, text)| text)
            .collect();
        let absent = |place: &&&str| place.ends_with(".rs") && tree.text(place).is_none();
        if let Some(place) = self.places.iter().find(absent) {
            return vec![self.finding(format!("`{place}` is not there"))];
        }
        let missing = self.constants.iter().filter(|name| {
            let declared = format!("const {name}:");
            !sources.iter().any(|text| text.contains(&declared))
        });
        let places = self.places.join("`, `");
        missing
            .map(|name| self.finding(format!("`{places}` has no `{name}`")))
            .collect()
    }

    fn finding(&self, message: String) -> Finding {
        Finding {
            path: PATH.to_owned(),
            line: self.line,
            rule: RULE,
            message,
            remedy: "name the constant where it is now".to_owned(),
        }
    }
}

/// Limits that no row names.
fn unlisted(tree: &Tree, rows: &[Row<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.sources() {
        // The developers' own tools bound nothing that runs.
        if !path.contains("/src/") || path.starts_with("crates/xtask/") {
            continue;
        }
        for (line, name) in declared(text) {
            let named = |row: &Row<'_>| row.covers(path) && row.constants.contains(&name);
            if !rows.iter().any(named) {
                findings.push(Finding {
                    path: path.to_owned(),
                    line,
                    rule: RULE,
                    message: format!("the limit `{name}` is in no row of {PATH}'s `{HEADING}`"),
                    remedy: "say what it limits there, or let its name end otherwise".to_owned(),
                });
            }
        }
    }
    findings
}

/// The limits that a source declares, before its tests, with their lines.
fn declared(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter_map(|(index, line)| {
            let name = constant(line)?;
            name.ends_with(SUFFIX).then_some((index + 1, name))
        })
}

/// The name of the constant that a line declares.
fn constant(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("const ")?;
    let visible = before.trim();
    if !visible.is_empty() && !visible.starts_with("pub") {
        return None;
    }
    rest.split_once(':').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &str, sources: &[(&str, &str)]) -> Vec<String> {
        let text = format!("## Limits\n{rows}");
        let mut files = vec![(PATH, text.as_str())];
        files.extend(sources);
        check(&Tree::of(&files))
            .into_iter()
            .map(|f| format!("{}:{}: {}", f.path, f.line, f.message))
            .collect()
    }

    #[test]
    fn a_limit_that_moved_is_found() {
        let rows = "| a | 1 | `limits.idle` |\n\
                    | b | 2 | `x/a.rs` `A_MAX` `B_MAX` |\n\
                    | c | 3 | `x/gone.rs` `C_MAX` |\n\
                    | d | 4 | `core` `RETRY_AFTER` |\n";
        let source = [
            ("x/a.rs", "pub const A_MAX: u32 = 2;"),
            ("crates/core/src/lib.rs", "const AGAIN: u32 = 2;"),
        ];
        assert_eq!(
            found(rows, &source),
            [
                "ARCHITECTURE.md:3: `x/a.rs` has no `B_MAX`",
                "ARCHITECTURE.md:4: `x/gone.rs` is not there",
                "ARCHITECTURE.md:5: `core` has no `RETRY_AFTER`",
            ]
        );
    }

    #[test]
    fn a_limit_that_no_row_names_is_found() {
        let source = "pub(super) const A_MAX: usize = 1;\n    const B_MAX: u8 = 1;\n\
                      const FLOOR_MIN: u8 = 1;\n// const OLD_MAX: gone\n\
                      #[cfg(test)]\nmod tests {\nconst T_MAX: u8 = 1;\n}\n";
        let sources = [
            ("crates/core/src/a.rs", source),
            ("crates/core/tests/it/main.rs", "const T_MAX: u8 = 1;"),
            ("crates/xtask/src/a.rs", "const X_MAX: u8 = 1;"),
            ("crates/core/build.rs", ""),
        ];
        let rows = "| a | 1 | `core` `A_MAX` |\n| b | 1 | `gateway` `limits.b` |\n";
        assert_eq!(
            found(rows, &sources),
            [
                "crates/core/src/a.rs:2: the limit `B_MAX` is in no row of ARCHITECTURE.md's `## Limits`"
            ]
        );
        assert_eq!(
            found("| a | 1 | `core` `A_MAX` `B_MAX` |\n", &sources).len(),
            0
        );
        // The same name in another crate is another limit.
        assert_eq!(found("| a | 1 | `agent` `A_MAX` |\n", &sources).len(), 3);
    }
}
