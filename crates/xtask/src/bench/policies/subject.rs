//! Who is measured, as the programs say it.

use serde_json::Value;

use crate::failure::Failure;

/// One library's way to do one thing, and what a call of it allocates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subject {
    /// The case, by name.
    pub(super) case: String,
    /// The case, for people.
    pub(super) about: String,
    /// A name that is unique in its case.
    pub(super) name: String,
    /// The library; `bare` is the service without any.
    pub(super) library: String,
    /// `permit`, `call` or `layer`.
    pub(super) surface: String,
    /// Whether somebody listens.
    pub(super) heard: bool,
    /// Where it differs from the others.
    pub(super) note: String,
    /// Allocations of a call.
    pub(super) allocations: f64,
    /// Bytes they take.
    pub(super) bytes: f64,
}

impl Subject {
    /// From a line of the program `allocations`.
    pub(super) fn parse(line: &str) -> Result<Self, Failure> {
        let unreadable = || Failure::new(format!("`{line}` of `allocations` cannot be read"));
        let value: Value = serde_json::from_str(line).map_err(|_no_json| unreadable())?;
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let number = |key: &str| value.get(key)?.as_f64();
        let subject = || {
            Some(Self {
                case: text("case")?,
                about: text("about")?,
                name: text("subject")?,
                library: text("library")?,
                surface: text("surface")?,
                heard: value.get("heard")?.as_bool()?,
                note: text("note")?,
                allocations: number("allocations")?,
                bytes: number("bytes")?,
            })
        };
        subject().ok_or_else(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line() {
        let line = r#"{"case":"retry","about":"it succeeds","subject":"tower-layer","library":"tower","surface":"layer","heard":false,"note":"","allocations":1.5,"bytes":64.0}"#;
        let subject = Subject::parse(line).unwrap();
        assert_eq!(subject.name, "tower-layer");
        assert_eq!(subject.allocations.to_bits(), 1.5f64.to_bits());
        assert!(Subject::parse("{}").is_err());
        assert!(Subject::parse("thread panicked").is_err());
    }
}
