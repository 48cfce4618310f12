//! Reports, their tables, rows and columns.

use super::{Target, Value};
use crate::svg::Plot;

/// All that a scenario says.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Its name on the command line and of its files.
    pub(crate) name: &'static str,
    /// Its heading.
    pub(crate) title: &'static str,
    /// What is simulated.
    pub(crate) setting: String,
    /// The figures.
    pub(crate) tables: Vec<Table>,
    /// How to read them.
    pub(crate) notes: Vec<String>,
    /// What was wanted.
    pub(crate) targets: Vec<Target>,
    /// The picture.
    pub(crate) plot: Plot,
}

/// Figures of subjects.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// What it is of; empty if it is the only one.
    pub(crate) caption: &'static str,
    /// What is said of each subject.
    pub(crate) columns: Vec<Column>,
    /// The subjects; the first is what the others are compared with.
    pub(crate) rows: Vec<Row>,
}

/// What is said of each subject.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its heading, with the unit where the cells have none.
    pub(crate) title: &'static str,
    /// Whether cells also say how many times the first row's they are.
    pub(crate) ratio: bool,
}

impl Column {
    /// A column of figures.
    pub(crate) const fn plain(title: &'static str) -> Self {
        Self {
            title,
            ratio: false,
        }
    }

    /// A column of figures and their ratios to the first.
    pub(crate) const fn with_ratio(title: &'static str) -> Self {
        Self { title, ratio: true }
    }
}

/// How a subject was put into the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The library's own code, called with the simulation's time.
    Driven,
    /// Our model of what the library does, in part or in whole.
    Modelled,
    /// There is no library.
    Nothing,
}

impl How {
    /// In tables.
    pub(super) const fn shown(self) -> &'static str {
        match self {
            Self::Driven => "driven",
            Self::Modelled => "modelled",
            Self::Nothing => "–",
        }
    }
}

/// One subject.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) name: String,
    /// How it takes part.
    pub(crate) how: How,
    /// One for each column.
    pub(crate) cells: Vec<Value>,
}

impl Row {
    /// A subject and its figures.
    pub(crate) fn new(name: impl Into<String>, how: How, cells: Vec<Value>) -> Self {
        Self {
            name: name.into(),
            how,
            cells,
        }
    }
}

impl Table {
    /// It as text, the heading first.
    pub(super) fn lines(&self) -> Vec<Vec<String>> {
        let mut head = vec![String::new(), "how".to_owned()];
        head.extend(self.columns.iter().map(|column| column.title.to_owned()));
        let mut lines = vec![head];
        for (index, row) in self.rows.iter().enumerate() {
            let mut line = vec![row.name.clone(), row.how.shown().to_owned()];
            for (at, cell) in row.cells.iter().enumerate() {
                let first = self.rows[0].cells.get(at).filter(|_| index > 0);
                let wants = self.columns.get(at).is_some_and(|column| column.ratio);
                let ratio = first
                    .filter(|_| wants)
                    .and_then(|first| cell.ratio_to(first));
                line.push(match ratio {
                    Some(ratio) => format!("{} ({ratio})", cell.shown()),
                    None => cell.shown(),
                });
            }
            lines.push(line);
        }
        lines
    }
}
