use std::fmt;
use std::str::FromStr;

/// Steps of a path at most.
const STEPS_MAX: usize = 16;

/// Members of JSON that do not count, as a path: `$.time`, `$.items[*].age`. A part of JSONPath
/// (RFC 9535).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The member of this name.
    Member(String),
    /// Every element, or every member.
    Each,
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// It does not begin with the whole.
    #[error("it begins with `$`, as in \"$.time\"")]
    Root,
    /// The whole answer would not count.
    #[error("`$` is the whole answer: name a member of it, as in \"$.time\"")]
    Whole,
    /// What follows is no step.
    #[error("`{0}` is no step: `.name`, `.*` or `[*]`")]
    Step(String),
    /// There are too many steps.
    #[error("it has more than {STEPS_MAX} steps")]
    Long,
}

impl Ignore {
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl FromStr for Ignore {
    type Err = IgnoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text.strip_prefix('$').ok_or(IgnoreError::Root)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if steps.len() == STEPS_MAX {
                return Err(IgnoreError::Long);
            }
            let no_step = || IgnoreError::Step(rest.to_owned());
            if let Some(after) = rest.strip_prefix("[*]").or_else(|| rest.strip_prefix(".*")) {
                steps.push(Step::Each);
                rest = after;
                continue;
            }
            let name = rest.strip_prefix('.').ok_or_else(no_step)?;
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at_checked(end).ok_or_else(no_step)?;
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
            if name.is_empty() || !name.chars().all(plain) {
                return Err(no_step());
            }
            steps.push(Step::Member(name.to_owned()));
            rest = after;
        }
        if steps.is_empty() {
            return Err(IgnoreError::Whole);
        }
        Ok(Self(steps))
    }
}

impl fmt::Display for Ignore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|step| match step {
            Step::Member(name) => write!(f, ".{name}"),
            Step::Each => f.write_str("[*]"),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_reads_as_it_is_written() {
        for text in ["$.time", "$.items[*].age", "$[*]", "$.a-b._c"] {
            assert_eq!(text.parse::<Ignore>().unwrap().to_string(), text);
        }
        assert_eq!("$.*".parse::<Ignore>().unwrap().to_string(), "$[*]");
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[$.\\[\\]*a-c é]{0,12}") {
            if let Ok(path) = text.parse::<Ignore>() {
                let again: Ignore = path.to_string().parse().unwrap();
                prop_assert_eq!(again, path);
            }
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for (text, error) in [
            ("time", IgnoreError::Root),
            ("$", IgnoreError::Whole),
            ("$time", IgnoreError::Step("time".to_owned())),
            ("$.", IgnoreError::Step(".".to_owned())),
            ("$.a..b", IgnoreError::Step("..b".to_owned())),
            ("$.a[0]", IgnoreError::Step("[0]".to_owned())),
            ("$.a b", IgnoreError::Step(".a b".to_owned())),
        ] {
            assert_eq!(text.parse::<Ignore>(), Err(error), "{text}");
        }
        let long = format!("${}", ".a".repeat(STEPS_MAX + 1));
        assert_eq!(long.parse::<Ignore>(), Err(IgnoreError::Long));
    }
}
