//! The page.

use std::fmt::Write;

use ninefold_core::time::short;

use crate::pool::{Pool, Results};

/// Detection times that one may be ready to wait for, in seconds.
const BUDGETS: [f64; 6] = [0.2, 0.35, 0.5, 1.0, 2.0, 5.0];

pub(crate) fn page(models: &[Results], seeds: u64, count: usize, revision: &str) -> String {
    let mut page = format!(
        "# Failure detectors on modelled traces\n\n\
         Written by `cargo xtask bench detection --save` at {revision}. Of each model {seeds} traces of {count} steps,\n\
         seeds 1 to {seeds}; the models are distributions, listed in `crates/cluster/src/model/mod.rs`, and no recordings.\n\
         What the columns mean is in [detection.md](../detection.md). T_D is the mean over the traces, with the least and\n\
         the greatest of them; mistakes are those of all together.\n"
    );
    for results in models {
        model(&mut page, results);
    }
    page
}

fn model(page: &mut String, results: &Results) {
    let hours = results.shipped.first().map(Pool::observed);
    let hours = hours.unwrap_or_default().as_secs_f64() / 3_600.0;
    add(
        page,
        &format!(
            "\n## {}\n\n{hours:.0} hours observed.\n",
            results.model.name().to_uppercase()
        ),
    );
    add(
        page,
        "\nAs shipped; those without a default are given the detection time that is asked of ours:\n\n",
    );
    add(
        page,
        "| detector | setting | T_D mean | T_D p99 | mistakes | T_MR | T_M mean | P_A |\n|---|---|---|---|---|---|---|---|\n",
    );
    for pool in &results.shipped {
        let count = pool.mistakes();
        let (recurrence, wrong) = match count {
            0 => (format!("> {}", seconds(hours * 3_600.0)), "–".to_owned()),
            _ => (
                seconds(hours * 3_600.0 / count as f64),
                seconds(pool.wrong() / count as f64),
            ),
        };
        let accuracy = 100.0 * (1.0 - pool.wrong() / (hours * 3_600.0));
        add(
            page,
            &format!(
                "| {} | {} | {} | {} | {count} | {recurrence} | {wrong} | {accuracy:.5} % |\n",
                pool.kind(),
                pool.setting,
                spread(pool.mean()),
                spread(pool.p99()),
            ),
        );
    }
    budgets(page, results, "mean", Pool::mean);
    budgets(page, results, "p99", Pool::p99);
}

/// The fewest mistakes that a detector makes, its knob where it likes, within a detection time.
fn budgets(page: &mut String, results: &Results, name: &str, time: fn(&Pool) -> [f64; 3]) {
    add(
        page,
        &format!(
            "\nMistakes an hour at the best place of the knob whose T_D, {name}, is at most\n\n| detector |"
        ),
    );
    for budget in BUDGETS {
        add(page, &format!(" {} |", seconds(budget)));
    }
    add(page, &format!("\n|---|{}\n", "---|".repeat(BUDGETS.len())));
    for curve in &results.curves {
        let kind = curve.first().map(|pool| pool.kind().name());
        add(page, &format!("| {} |", kind.unwrap_or_default()));
        for budget in BUDGETS {
            let fewest = curve
                .iter()
                .filter(|pool| time(pool)[0] <= budget)
                .map(Pool::rate)
                .min_by(f64::total_cmp);
            let text = fewest.map_or_else(|| "–".to_owned(), rate);
            add(page, &format!(" {text} |"));
        }
        add(page, "\n");
    }
}

fn rate(rate: f64) -> String {
    match rate {
        r if r <= 0.0 => "0".to_owned(),
        r if r < 10.0 => format!("{r:.2}"),
        r => format!("{r:.0}"),
    }
}

fn spread([mean, least, most]: [f64; 3]) -> String {
    format!("{} ({}–{})", seconds(mean), seconds(least), seconds(most))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a simulation"
)]
fn seconds(seconds: f64) -> String {
    short((seconds * 1e9).round() as u64)
}

fn add(page: &mut String, text: &str) {
    // Writing to a text cannot fail.
    page.write_str(text).ok();
}
