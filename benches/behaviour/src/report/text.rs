//! For a terminal.

use super::{Report, Table};

/// The report as text.
pub(crate) fn text(report: &Report) -> String {
    let mut text = format!("{}\n{}\n\n", report.title, "=".repeat(report.title.len()));
    text.push_str(&wrapped(&report.setting, 100));
    for table in &report.tables {
        text.push('\n');
        text.push_str(&rows(table));
    }
    text.push('\n');
    for target in &report.targets {
        text.push_str(&format!(
            "target {}: {} ({})\n",
            target.verdict(),
            target.what,
            target.seen
        ));
    }
    for note in &report.notes {
        text.push_str(&wrapped(&format!("note: {note}"), 100));
    }
    text
}

fn rows(table: &Table) -> String {
    let mut text = String::new();
    if !table.caption.is_empty() {
        text.push_str(&format!("{}\n\n", table.caption));
    }
    let lines = table.lines();
    let columns = lines[0].len();
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            let cells = lines.iter().filter_map(|line| line.get(at));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    for (index, line) in lines.iter().enumerate() {
        let padded: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| pad(cell, *width, at > 1))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
        if index == 0 {
            let rule: usize = widths.iter().sum::<usize>() + 2 * (columns - 1);
            text.push_str(&"-".repeat(rule));
            text.push('\n');
        }
    }
    text
}

fn pad(cell: &str, width: usize, right: bool) -> String {
    let space = " ".repeat(width.saturating_sub(cell.chars().count()));
    if right {
        format!("{space}{cell}")
    } else {
        format!("{cell}{space}")
    }
}

/// Lines of at most so many characters, where words allow it.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > width {
            lines.push('\n');
            length = 0;
        }
        if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += word_length;
    }
    lines.push('\n');
    lines
}
