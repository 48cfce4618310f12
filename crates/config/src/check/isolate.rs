//! What keeps one trouble from becoming everybody's.

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Breaker, Bulkhead, Listener, Name, Protocol, Ratio, Route};

/// Checks the breakers of services, and the bulkheads of routes.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (name, service) in &built.file.services {
        let at = place::service(name).key("breaker");
        if let Some(breaker) = &service.breaker {
            self::breaker(built, breaker, &at, report);
            unused(built, name, &at, report);
        }
    }
    for (path, route) in place::routes(&built.file) {
        if let Some(bulkhead) = &route.bulkhead {
            hand(bulkhead, &path.key("bulkhead"), report);
            share(built, bulkhead, route, &path, report);
        }
    }
}

fn hand(bulkhead: &Bulkhead, at: &KeyPath, report: &mut Report<'_, '_>) {
    let (hand, shards) = (bulkhead.per_key, bulkhead.shards);
    let related = [at.key("per_key"), at.key("shards")];
    if hand > shards {
        let message = format!("a key has {hand} shards, of {shards}");
        let draft = Draft::error("empty-range", &at.key("shards"), message);
        let help = "write them so that `per_key` is well below `shards`";
        report.check(draft.help(help), &related);
    } else if hand == shards {
        let message = format!("every key has all {shards} shards: nobody is kept apart");
        let draft = Draft::warning("no-effect", &at.key("shards"), message);
        let help = "write them so that `per_key` is well below `shards`";
        report.check(draft.help(help), &related);
    }
}

/// Whether one key alone may take all places at the service.
fn share(
    built: &Built<'_, '_>,
    bulkhead: &Bulkhead,
    route: &Route,
    path: &KeyPath,
    report: &mut Report<'_, '_>,
) {
    let at = path.key("bulkhead").key("concurrency");
    let of_key = u64::from(bulkhead.concurrency) * u64::from(bulkhead.per_key);
    let service = built.file.services.get(&route.service);
    let Some(overload) = service.and_then(|service| service.overload.as_ref()) else {
        return;
    };
    let most = u64::from(overload.max_limit);
    if of_key >= most {
        let message = format!(
            "one key may have {of_key} requests under way, and all together at the service {most}"
        );
        let draft = Draft::warning("no-effect", &at, message);
        let limit = place::service(&route.service)
            .key("overload")
            .key("max_limit");
        report.check(
            draft.help(
                "write a lower `concurrency`, or a higher `overload.max_limit` of the service",
            ),
            &[path.key("bulkhead").key("per_key"), limit],
        );
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
