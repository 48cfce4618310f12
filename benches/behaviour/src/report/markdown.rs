//! The page that is committed.

use super::{Report, Table};

/// All reports as one page beside their plots.
pub(crate) fn markdown(reports: &[Report], seed: u64, revision: &str) -> String {
    let mut page = format!(
        "# How the policies behave\n\n\
         Simulations on virtual time: one thread, no sleep, everything random drawn from one seed. \
         Ninefold's policies are called with the simulation's time; so are the peers' (*driven*) \
         where they take a clock or need none, else what they do is *modelled*. Each subject stands \
         in a setting that its own documentation proposes, written beside it where that matters.\n\n\
         Seed {seed}, revision {revision}. The same seed and revision give the same bytes.\n\n\
         ```sh\ncargo xtask bench behaviour          # print the tables\n\
         cargo xtask bench behaviour --save   # write this page and its plots\n```\n\n\
         | | |\n|---|---|\n"
    );
    for report in reports {
        for target in &report.targets {
            page.push_str(&format!(
                "| {} | {}: {} |\n",
                target.what,
                target.verdict(),
                target.seen
            ));
        }
    }
    for report in reports {
        page.push('\n');
        page.push_str(&section(report));
    }
    page
}

fn section(report: &Report) -> String {
    let mut text = format!("## {}\n\n{}\n\n", report.title, report.setting);
    text.push_str(&format!(
        "![{}]({}.svg)\n\n",
        report.title.to_lowercase(),
        report.name
    ));
    for table in &report.tables {
        text.push_str(&rows(table));
        text.push('\n');
    }
    for note in &report.notes {
        text.push_str(&format!("- {note}\n"));
    }
    text
}

fn rows(table: &Table) -> String {
    let mut text = String::new();
    if !table.caption.is_empty() {
        text.push_str(&format!("**{}**\n\n", table.caption));
    }
    for (index, line) in table.lines().iter().enumerate() {
        text.push_str(&format!("| {} |\n", line.join(" | ")));
        if index == 0 {
            let numbers = "---:|".repeat(line.len() - 2);
            text.push_str(&format!("|---|---|{numbers}\n"));
        }
    }
    text
}
