//! The columns of a row's table.

use std::collections::BTreeMap;

use super::row::Row;
use crate::bench::spread::Spread;

/// The figures of one run by name.
pub(super) type Figures = BTreeMap<String, f64>;

/// One column: its title, and how a cell comes from the runs of all rounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) cell: fn(&[Figures]) -> String,
}

const fn column(title: &'static str, cell: fn(&[Figures]) -> String) -> Column {
    Column { title, cell }
}

/// The columns that say something in this row.
pub(super) fn of(row: Row) -> Vec<Column> {
    let sent = column("sent", |runs| format!("{:.0}", spread(runs, "sent").median));
    if row.is_overload() {
        return vec![
            sent,
            column("goodput %", |runs| shown(spread(runs, "goodput_pct"), 1)),
            column("critical failed %", |runs| {
                shown(spread(runs, "critical_failed_pct"), 1)
            }),
            column("p50 ms", |runs| shown(spread(runs, "p50_during_ms"), 0)),
            column("p99 ms", |runs| shown(spread(runs, "p99_during_ms"), 0)),
            column("p99 × before", |runs| shown(p99_ratio(runs), 1)),
            column("recovered after s", |runs| {
                shown(spread(runs, "recovered_s"), 2)
            }),
        ];
    }
    let mut columns = vec![
        sent,
        column("failed %", |runs| shown(percent(runs, "failed"), 2)),
        column("hurt %", |runs| shown(percent(runs, "hurt"), 2)),
        column("p50 before, during ms", |runs| {
            let before = spread(runs, "p50_before_ms").median;
            let during = spread(runs, "p50_during_ms").median;
            format!("{}, {}", number(before, 0), number(during, 0))
        }),
        column("p99 before ms", |runs| {
            shown(spread(runs, "p99_before_ms"), 0)
        }),
        column("p99 during ms", |runs| {
            shown(spread(runs, "p99_during_ms"), 0)
        }),
        column("× before", |runs| shown(p99_ratio(runs), 1)),
    ];
    let lasts = row.brings_back() || row == Row::Zone;
    if lasts {
        columns.push(column("p99 from 5 s on ms", |runs| {
            shown(spread(runs, "p99_settled_ms"), 0)
        }));
        columns.push(column("isolated after s", |runs| {
            shown(spread(runs, "isolated_s"), 2)
        }));
    }
    if row.brings_back() {
        columns.push(column("back after s", |runs| {
            shown(spread(runs, "back_s"), 2)
        }));
    }
    if row == Row::PostKills {
        columns.push(column("given twice", |runs| {
            shown(spread(runs, "twice"), 0)
        }));
    }
    columns
}

/// A figure over all rounds. Where it never came it is infinite.
pub(super) fn spread(runs: &[Figures], name: &str) -> Spread {
    let of = |run: &Figures| run.get(name).copied().unwrap_or(f64::INFINITY);
    Spread::new(runs.iter().map(of).collect())
}

/// A share of what was sent, in percent.
pub(super) fn percent(runs: &[Figures], name: &str) -> Spread {
    let of = |run: &Figures| Some(100.0 * run.get(name)? / run.get("sent")?.max(1.0));
    Spread::new(runs.iter().filter_map(of).collect())
}

fn p99_ratio(runs: &[Figures]) -> Spread {
    let of = |run: &Figures| Some(run.get("p99_during_ms")? / run.get("p99_before_ms")?);
    Spread::new(runs.iter().filter_map(of).collect())
}

/// The median, and what lies around it where that is not the same.
fn shown(spread: Spread, digits: usize) -> String {
    let [min, median, max] = [spread.min, spread.median, spread.max].map(|x| number(x, digits));
    if min == max {
        median
    } else {
        format!("{median} ({min}–{max})")
    }
}

pub(super) fn number(value: f64, digits: usize) -> String {
    if value.is_finite() {
        format!("{value:.digits$}")
    } else {
        "never".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(figures: &[(&str, f64)]) -> Figures {
        let figures = figures.iter();
        figures
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect()
    }

    fn cell(row: Row, title: &str, runs: &[Figures]) -> String {
        let column = of(row).into_iter().find(|column| column.title == title);
        (column.unwrap().cell)(runs)
    }

    #[test]
    fn cells_show_medians_and_spread() {
        let runs = [
            run(&[("sent", 200.0), ("failed", 1.0), ("isolated_s", 1.0)]),
            run(&[("sent", 200.0), ("failed", 3.0)]),
            run(&[("sent", 200.0), ("failed", 2.0), ("isolated_s", 2.5)]),
        ];
        assert_eq!(cell(Row::Gray, "sent", &runs), "200");
        assert_eq!(cell(Row::Gray, "failed %", &runs), "1.00 (0.50–1.50)");
        assert_eq!(
            cell(Row::Gray, "isolated after s", &runs),
            "2.50 (1.00–never)"
        );
        assert_eq!(cell(Row::Gray, "back after s", &runs), "never");
    }

    #[test]
    fn a_row_has_only_columns_that_say_something() {
        let titles = |row| {
            of(row)
                .iter()
                .map(|c| c.title)
                .collect::<Vec<_>>()
                .join("; ")
        };
        assert!(titles(Row::Overload10).contains("goodput"));
        assert!(!titles(Row::Overload10).contains("isolated"));
        assert!(!titles(Row::Reload).contains("isolated"));
        assert!(titles(Row::PostKills).contains("given twice"));
        assert!(titles(Row::Zone).contains("isolated") && !titles(Row::Zone).contains("back"));
    }
}
