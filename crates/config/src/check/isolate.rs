//! What keeps one trouble from becoming everybody's.

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Breaker, Listener, Name, Protocol, Ratio, Route};

/// Checks the breakers of services.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (name, service) in &built.file.services {
        let at = place::service(name).key("breaker");
        if let Some(breaker) = &service.breaker {
            self::breaker(built, breaker, &at, report);
            unused(built, name, &at, report);
        }
    }
}

fn unused(built: &Built<'_, '_>, name: &Name, at: &KeyPath, report: &mut Report<'_, '_>) {
    let leads = |listener: &&Listener| {
        let mut services = listener.routes.iter().flat_map(Route::services);
        services.any(|service| service == name)
    };
    let mut listeners = built.file.listeners.iter().filter(leads).peekable();
    if listeners.peek().is_some() && listeners.all(|one| one.protocol == Protocol::Tcp) {
        let draft = Draft::warning("no-effect", at, "`tcp` looks at no request");
        report.check(draft.at_key().help("leave it out"), &[]);
    }
}

fn breaker(built: &Built<'_, '_>, breaker: &Breaker, at: &KeyPath, report: &mut Report<'_, '_>) {
    if breaker.failure_rate == Ratio::percent(0) {
        let draft = Draft::error(
            "empty-range",
            &at.key("failure_rate"),
            "it would open without a failure",
        );
        report.check(draft.help("write more than \"0%\", as in \"80%\""), &[]);
    }
    if breaker.open_wait > breaker.open_wait_max {
        let (low, high) = (at.key("open_wait"), at.key("open_wait_max"));
        let spot = if built.written(&high) { &high } else { &low };
        let (wait, most) = (breaker.open_wait, breaker.open_wait_max);
        let draft = Draft::error(
            "empty-range",
            spot,
            format!("it waits for {wait}, and never longer than {most}"),
        );
        report.check(
            draft.help("write them so that `open_wait` ≤ `open_wait_max`"),
            &[low.clone(), high.clone()],
        );
    }
}
