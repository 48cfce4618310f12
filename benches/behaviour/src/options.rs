//! The command line.

use crate::scenarios::{SCENARIOS, Scenario};

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// What is drawn.
    pub(crate) seed: u64,
    /// What to run.
    pub(crate) scenarios: Vec<Scenario>,
    /// One JSON object instead of tables.
    pub(crate) json: bool,
    /// Where to write the page and its plots, if at all.
    pub(crate) save: Option<String>,
    /// What is shown as the revision.
    pub(crate) revision: String,
}

/// How it is used.
pub(crate) const USAGE: &str = "\
Options: [--seed N] [--scenarios A,B] [--output json] [--save FOLDER] [--revision TEXT]";

impl Options {
    /// From the words after the program's name.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            seed: 1,
            scenarios: SCENARIOS.to_vec(),
            json: false,
            save: None,
            revision: "unknown".to_owned(),
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let value = words
                .next()
                .ok_or_else(|| format!("`{word}` is no option, or needs a value"))?;
            match word.as_str() {
                "--seed" => {
                    options.seed = value
                        .parse()
                        .map_err(|_| format!("`--seed {value}`: a number"))?;
                }
                "--scenarios" => options.scenarios = scenarios(&value)?,
                "--output" => {
                    options.json = match value.as_str() {
                        "json" => true,
                        "text" => false,
                        _ => return Err(format!("`--output {value}`: json or text")),
                    }
                }
                "--save" => options.save = Some(value),
                "--revision" => options.revision = value,
                _ => return Err(format!("unknown option `{word}`")),
            }
        }
        Ok(options)
    }
}

fn scenarios(names: &str) -> Result<Vec<Scenario>, String> {
    names
        .split(',')
        .map(|name| {
            let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
            found.copied().ok_or_else(|| {
                let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
                format!("`{name}` is none of {}", known.join(", "))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, String> {
        Options::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn reads_options_and_refuses_what_it_does_not_know() {
        let options = parse("--seed 7 --scenarios trip,overload --output json").unwrap();
        assert_eq!((options.seed, options.json), (7, true));
        let names: Vec<&str> = options.scenarios.iter().map(|s| s.name).collect();
        assert_eq!(names, ["trip", "overload"]);
        for bad in [
            "--seed",
            "--seed x",
            "--scenarios none",
            "--output xml",
            "--fast 1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
