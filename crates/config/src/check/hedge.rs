//! Second attempts beside slow ones.

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Hedge, Ratio, Route};

/// Checks the hedges of every route.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (path, route) in place::routes(&built.file) {
        if let Some(hedge) = &route.hedge {
            budget(route, &path, report);
            numbers(hedge, route, &path.key("hedge"), report);
        }
    }
}

fn budget(route: &Route, path: &KeyPath, report: &mut Report<'_, '_>) {
    if route.retry.is_none() {
        let draft = Draft::error(
            "not-applicable",
            &path.key("hedge"),
            "hedges come out of the retry budget, and there is none",
        );
        let help = "leave `retry` at its default, or `hedge` out";
        report.check(draft.at_key().help(help), &[path.key("retry")]);
    }
}

fn numbers(hedge: &Hedge, route: &Route, at: &KeyPath, report: &mut Report<'_, '_>) {
    let quantile = at.key("quantile");
    let share = hedge.quantile.as_f64();
    if !(0.5..=0.999).contains(&share) {
        let draft = Draft::error(
            "out-of-range",
            &quantile,
            "a hedge follows a share of requests between 50% and 99.9%",
        );
        let most = Ratio::percent(95);
        report.check(
            draft
                .value(hedge.quantile)
                .help(format!("the default is \"{most}\"")),
            &[],
        );
    }
    if hedge.min_delay > hedge.max_delay {
        let draft = Draft::error(
            "empty-range",
            &at.key("min_delay"),
            format!("it is longer than `max_delay`, {}", hedge.max_delay),
        );
        report.check(
            draft.value(hedge.min_delay).help("write them in order"),
            &[at.key("max_delay")],
        );
    }
    if hedge.min_delay >= route.try_timeout {
        let draft = Draft::warning(
            "no-effect",
            &at.key("min_delay"),
            format!(
                "a try ends after {} already, and nothing is hedged",
                route.try_timeout
            ),
        );
        report.check(draft.help("write a shorter `min_delay`"), &[]);
    }
}
