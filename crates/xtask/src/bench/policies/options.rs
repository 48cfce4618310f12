//! The command line of the bench.

use crate::bench::arguments::{Words, number};
use crate::failure::Failure;

/// What to measure, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Short measurements, to see that everything runs. The figures are worth little.
    pub(super) quick: bool,
    /// How often each time is measured; `None` is 3, or 1 if quick.
    rounds: Option<u32>,
    /// Threads that share one instance.
    pub(super) threads: Vec<u32>,
    /// Cases by name, between commas; empty for all. The programs know the names.
    pub(super) cases: String,
    /// One JSON object instead of tables.
    pub(super) json: bool,
    /// Whether to write `docs/bench/policies.md`.
    pub(super) save: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quick: false,
            rounds: None,
            threads: vec![1, 2, 4],
            cases: String::new(),
            json: false,
            save: false,
        }
    }
}

impl Options {
    pub(super) fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = Words::new(words);
        while let Some(option) = words.next() {
            match option {
                "--quick" => options.quick = true,
                "--rounds" => options.rounds = Some(words.number(100)?),
                "--threads" => {
                    let numbers = words
                        .value()?
                        .split(',')
                        .map(|text| number(option, text, 64));
                    options.threads = numbers.collect::<Result<_, _>>()?;
                }
                "--cases" => words.value()?.clone_into(&mut options.cases),
                "--output" => options.json = words.is_json()?,
                "--save" => options.save = true,
                _ => return Err(words.unknown()),
            }
        }
        if options.quick && options.save {
            let text = "`--save` with `--quick`: figures that are worth little are not kept";
            return Err(Failure::usage(text));
        }
        Ok(options)
    }

    /// How often each time is measured.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 1 } else { 3 })
    }

    /// The threads as the programs take them.
    pub(super) fn threads_text(&self) -> String {
        let threads: Vec<String> = self.threads.iter().map(u32::to_string).collect();
        threads.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_options() {
        assert_eq!(Options::parse(&[]).unwrap(), Options::default());
        let words = ["--quick", "--threads", "1,8", "--cases", "retry"];
        let options = Options::parse(&words).unwrap();
        assert_eq!(options.threads_text(), "1,8");
        assert_eq!((options.rounds(), options.cases.as_str()), (1, "retry"));
        assert_eq!(Options::parse(&["--rounds", "5"]).unwrap().rounds(), 5);
        assert_eq!(Options::default().rounds(), 3);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for words in [
            &["--rounds"][..],
            &["--rounds", "0"],
            &["--threads", "1,0"],
            &["--threads", ""],
            &["--output", "xml"],
            &["--fast"],
            &["--quick", "--save"],
        ] {
            assert_eq!(Options::parse(words).unwrap_err().status(), 2, "{words:?}");
        }
    }
}
