//! Tables for people, one object for programs.

use serde_json::{Value, json};

use super::busy::BUSY_MAX;
use super::figures::Figures;
use super::goals::goals;
use super::options::Options;
use super::subject::Subject;
use crate::bench::machine;

/// All figures, and under which conditions they were taken.
#[derive(Clone, Debug)]
pub(super) struct Report {
    facts: Vec<(String, String)>,
    /// The share of the machine that others used meanwhile.
    others: f64,
    quick: bool,
    threads: Vec<u32>,
    figures: Figures,
}

impl Report {
    pub(super) fn new(
        options: &Options,
        facts: Vec<(String, String)>,
        others: f64,
        figures: Figures,
    ) -> Self {
        Self {
            facts,
            others,
            quick: options.quick,
            threads: options.threads.clone(),
            figures,
        }
    }

    /// Why the times should not be believed.
    fn doubts(&self) -> Option<String> {
        let busy = self.others > BUSY_MAX;
        let share = self.others * 100.0;
        match (busy, self.quick) {
            (true, _) => Some(format!(
                "Others used {share:.0} % of the machine meanwhile: these times compare nothing."
            )),
            (false, true) => Some("A quick run: these times are worth little.".to_owned()),
            (false, false) => None,
        }
    }

    /// Markdown that can also be read as it is.
    pub(super) fn to_markdown(&self) -> String {
        let mut text = String::from("# The policies beside their peers\n\n");
        text.push_str(
            "Written by `cargo xtask bench policies --save`. Times are of one call, in nanoseconds: the median of all\n\
             rounds, and the least and the most of them. With more threads all share one instance, and the time is that of\n\
             a call on each of them; where there are fewer cores than threads it grows by that alone. `× ours` holds a\n\
             library against Ninefold's interface of the same kind. All call the same service, which is ready at once.\n\
             Instructions are callgrind's; to read the clock costs time but hardly any of them.\n\n",
        );
        for (label, fact) in &self.facts {
            line(&mut text, format_args!("- {label}: {fact}"));
        }
        if let Some(doubts) = self.doubts() {
            line(&mut text, format_args!("\n**{doubts}**"));
        }
        self.goals(&mut text);
        for (case, about) in self.figures.cases() {
            line(&mut text, format_args!("\n## {case}: {about}\n"));
            self.table(case, &mut text);
        }
        text
    }

    fn goals(&self, text: &mut String) {
        text.push_str("\n## Aims\n\n| aim | seen | |\n|---|---|---|\n");
        for goal in goals(&self.figures) {
            let reached = match goal.reached {
                Some(true) => "reached",
                Some(false) => "**missed**",
                None => "–",
            };
            line(
                text,
                format_args!("| {} | {} | {reached} |", goal.aim, goal.seen),
            );
        }
    }

    fn table(&self, case: &str, text: &mut String) {
        let mut head = "| library | interface |".to_owned();
        let mut rule = "|---|---|".to_owned();
        for threads in &self.threads {
            let plural = if *threads == 1 { "" } else { "s" };
            head.push_str(&format!(" {threads} thread{plural}, ns | × ours |"));
            rule.push_str("---|---|");
        }
        head.push_str(" allocations | bytes | instructions | |");
        rule.push_str("---|---|---|---|");
        line(text, format_args!("{head}"));
        line(text, format_args!("{rule}"));
        for subject in self.figures.of(case) {
            line(text, format_args!("{}", self.row(subject)));
        }
    }

    fn row(&self, subject: &Subject) -> String {
        let heard = if subject.heard { ", heard" } else { "" };
        let mut row = format!("| {} | {}{heard} |", subject.library, subject.surface);
        for threads in &self.threads {
            let time = self.figures.time(subject, *threads);
            let time = time.map(|t| format!("{:.1} ({:.1}–{:.1})", t.median, t.min, t.max));
            let ratio = self.figures.ratio(subject, *threads);
            let ratio = ratio.map(|ratio| format!("{ratio:.2}"));
            row.push_str(&format!(" {} | {} |", or_dash(time), or_dash(ratio)));
        }
        let instructions = self.figures.instructions(subject);
        let instructions = instructions.map(|count| format!("{count:.0}"));
        row.push_str(&format!(
            " {} | {:.0} | {} | {} |",
            allocations(subject.allocations),
            subject.bytes,
            or_dash(instructions),
            subject.note
        ));
        row
    }

    /// `{"machine": {…}, "others": 0.01, "goals": […], "results": [{"case", "subject", …}]}`.
    pub(super) fn to_json(&self) -> Value {
        let machine = machine::json(&self.facts);
        let goals: Vec<Value> = goals(&self.figures)
            .into_iter()
            .map(|goal| json!({ "aim": goal.aim, "seen": goal.seen, "reached": goal.reached }))
            .collect();
        let results: Vec<Value> = self
            .figures
            .subjects
            .iter()
            .map(|s| self.result(s))
            .collect();
        json!({
            "machine": machine,
            "used_by_others": self.others,
            "doubts": self.doubts(),
            "goals": goals,
            "results": results,
        })
    }

    fn result(&self, subject: &Subject) -> Value {
        let times: Vec<Value> = self
            .threads
            .iter()
            .filter_map(|threads| {
                let time = self.figures.time(subject, *threads)?;
                Some(json!({
                    "threads": threads,
                    "ns": { "min": time.min, "median": time.median, "max": time.max },
                    "ratio": self.figures.ratio(subject, *threads),
                }))
            })
            .collect();
        json!({
            "case": subject.case,
            "subject": subject.name,
            "library": subject.library,
            "surface": subject.surface,
            "heard": subject.heard,
            "note": subject.note,
            "times": times,
            "allocations": subject.allocations,
            "bytes": subject.bytes,
            "instructions": self.figures.instructions(subject),
        })
    }
}

/// Whole numbers as such; rarer than one a call, with its digits.
fn allocations(mean: f64) -> String {
    if (mean - mean.round()).abs() < 1e-3 {
        format!("{:.0}", mean.round())
    } else {
        format!("{mean:.3}")
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.push_str(&arguments.to_string());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::figures;
    use super::*;

    fn report(others: f64) -> Report {
        let options = Options::parse(&["--threads", "1,4"]).unwrap();
        let facts = vec![("CPU".to_owned(), "a fast one".to_owned())];
        let figures = figures(&[
            ("breaker-closed", "ninefold", "call", 10),
            ("breaker-closed", "recloser", "call", 25),
        ]);
        Report::new(&options, facts, others, figures)
    }

    #[test]
    fn tables_show_times_and_ratios() {
        let text = report(0.0).to_markdown();
        assert!(text.contains("- CPU: a fast one\n"), "{text}");
        assert!(!text.contains("compare nothing"), "{text}");
        let rows: Vec<&str> = text.lines().filter(|l| l.contains("| call |")).collect();
        assert_eq!(
            rows,
            [
                "| ninefold | call | 10.0 (10.0–10.0) | 1.00 | 40.0 (40.0–40.0) | 1.00 | 0 | 0 | – |  |",
                "| recloser | call | 25.0 (25.0–25.0) | 2.50 | 100.0 (100.0–100.0) | 2.50 | 0 | 0 | – |  |",
            ]
        );
    }

    #[test]
    fn a_busy_machine_is_said() {
        assert!(
            report(0.3)
                .to_markdown()
                .contains("used 30 % of the machine")
        );
        assert!(report(0.3).to_json()["doubts"].is_string());
        assert!(report(0.01).to_json()["doubts"].is_null());
    }

    #[test]
    fn programs_get_the_same() {
        let value = report(0.0).to_json();
        assert_eq!(value["results"][1]["times"][1]["ns"]["median"], 100.0);
        assert_eq!(value["results"][1]["times"][0]["ratio"], 2.5);
        assert_eq!(value["goals"][0]["reached"], true);
    }
}
