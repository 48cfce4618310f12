//! All that was measured.

use std::collections::BTreeMap;

use serde_json::Value;

use super::instructions::Instructions;
use super::subject::Subject;
use crate::bench::spread::Spread;
use crate::failure::Failure;

/// The library that the others are held against.
pub(super) const OURS: &str = "ninefold";
/// The service without any library.
pub(super) const BARE: &str = "bare";

/// All that was measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    /// Who was measured, in the order of the report.
    pub(super) subjects: Vec<Subject>,
    /// If they could be counted.
    pub(super) instructions: Option<Instructions>,
    /// Nanoseconds by case, name and threads; one of each round.
    times: BTreeMap<(String, String, u32), Vec<f64>>,
}

impl Figures {
    pub(super) fn new(subjects: Vec<Subject>, instructions: Option<Instructions>) -> Self {
        Self {
            subjects,
            instructions,
            times: BTreeMap::new(),
        }
    }

    /// Adds a round: a JSON object a line, as the program `measure` writes them.
    pub(super) fn add(&mut self, lines: &str) -> Result<(), Failure> {
        for line in lines.lines() {
            let unreadable = || Failure::new(format!("`{line}` of `measure` cannot be read"));
            let value: Value = serde_json::from_str(line).map_err(|_no_json| unreadable())?;
            let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
            let time = || {
                let threads = u32::try_from(value.get("threads")?.as_u64()?).ok()?;
                let key = (text("case")?, text("subject")?, threads);
                Some((key, value.get("ns")?.as_f64()?))
            };
            let (key, ns) = time().ok_or_else(unreadable)?;
            self.times.entry(key).or_default().push(ns);
        }
        Ok(())
    }

    /// The cases, with what they are, in order.
    pub(super) fn cases(&self) -> Vec<(&str, &str)> {
        let mut cases: Vec<(&str, &str)> = Vec::new();
        for subject in &self.subjects {
            if cases.last().is_none_or(|(case, _)| *case != subject.case) {
                cases.push((&subject.case, &subject.about));
            }
        }
        cases
    }

    /// Who takes part in a case.
    pub(super) fn of<'a, 'c>(
        &'a self,
        case: &'c str,
    ) -> impl Iterator<Item = &'a Subject> + use<'a, 'c> {
        self.subjects.iter().filter(move |s| s.case == case)
    }

    /// Nanoseconds of a call.
    pub(super) fn time(&self, subject: &Subject, threads: u32) -> Option<Spread> {
        let key = (subject.case.clone(), subject.name.clone(), threads);
        Some(Spread::new(self.times.get(&key)?.clone()))
    }

    /// Instructions of a call.
    pub(super) fn instructions(&self, subject: &Subject) -> Option<f64> {
        let key = (subject.case.clone(), subject.name.clone());
        self.instructions.as_ref()?.get(&key).copied()
    }

    /// The one of ours that a subject is held against: of the same surface, and heard or not as it
    /// is; else of the same surface; else the call.
    pub(super) fn ours(&self, subject: &Subject) -> Option<&Subject> {
        let ours = |surface: &str, heard: bool| {
            self.of(&subject.case)
                .find(|s| s.library == OURS && s.surface == surface && s.heard == heard)
        };
        ours(&subject.surface, subject.heard)
            .or_else(|| ours(&subject.surface, false))
            .or_else(|| ours("call", false))
    }

    /// How many times our time a subject takes.
    pub(super) fn ratio(&self, subject: &Subject, threads: u32) -> Option<f64> {
        let ours = self.time(self.ours(subject)?, threads)?.median;
        let theirs = self.time(subject, threads)?.median;
        (ours > 0.0).then_some(theirs / ours)
    }

    /// One subject by its parts, without a listener.
    pub(super) fn find(&self, case: &str, library: &str, surface: &str) -> Option<&Subject> {
        self.of(case)
            .find(|s| s.library == library && s.surface == surface && !s.heard)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn subject(case: &str, library: &str, surface: &str) -> Subject {
        Subject {
            case: case.to_owned(),
            about: format!("about {case}"),
            name: format!("{library}-{surface}"),
            library: library.to_owned(),
            surface: surface.to_owned(),
            heard: false,
            note: String::new(),
            allocations: 0.0,
            bytes: 0.0,
        }
    }

    /// Each with its nanoseconds on one thread; on four it is four times that.
    pub(in super::super) fn figures(subjects: &[(&str, &str, &str, u32)]) -> Figures {
        let listed = subjects.iter().map(|(c, l, s, _)| subject(c, l, s));
        let mut figures = Figures::new(listed.collect(), None);
        for (case, library, surface, ns) in subjects {
            for threads in [1, 4] {
                let ns = ns * threads;
                let line = format!(
                    r#"{{"case":"{case}","subject":"{library}-{surface}","threads":{threads},"ns":{ns}.0}}"#
                );
                figures.add(&line).unwrap();
            }
        }
        figures
    }

    #[test]
    fn like_is_held_against_like() {
        let figures = figures(&[
            ("retry", "ninefold", "call", 10),
            ("retry", "ninefold", "layer", 20),
            ("retry", "tower", "layer", 30),
            ("retry", "backon", "permit", 30),
        ]);
        let ratio = |index: usize| {
            let ratio = figures.ratio(figures.subjects.get(index)?, 1)?;
            Some(format!("{ratio:.1}"))
        };
        assert_eq!(ratio(2).as_deref(), Some("1.5"));
        assert_eq!(ratio(3).as_deref(), Some("3.0"));
        assert_eq!(figures.ratio(&figures.subjects[2], 2), None);
        assert_eq!(figures.cases(), [("retry", "about retry")]);
    }

    #[test]
    fn lines_that_say_nothing_are_refused() {
        let mut figures = Figures::default();
        for line in ["{}", "thread panicked", r#"{"case":"a","subject":"b"}"#] {
            assert!(figures.add(line).is_err(), "{line}");
        }
        assert!(figures.add("").is_ok());
    }
}
