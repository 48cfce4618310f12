//! Timeouts that exceed their caller's.

use super::place;
use super::placeholder::callees;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Name, Route, Span};

/// Checks the timeouts of every route, and those along calls from service to service.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (path, route) in place::routes(&built.file) {
        tries(built, route, &path, report);
        connect(built, route, &path, report);
    }
    calls(built, report);
}

fn tries(built: &Built<'_, '_>, route: &Route, path: &KeyPath, report: &mut Report<'_, '_>) {
    let (timeout, one) = (route.timeout, route.try_timeout);
    let at = path.key("try_timeout");
    let related = [path.key("timeout"), path.key("retry")];
    if one > timeout {
        report.check(
            Draft::error(
                "timeout-order",
                &at,
                format!("one attempt may take {one}, but all of them together only {timeout}"),
            )
            .value(one)
            .help(format!(
                "write a `try_timeout` of at most \"{timeout}\", or a longer `timeout`"
            )),
            &related,
        );
        return;
    }
    let Some(retry) = &route.retry else { return };
    if one.0.saturating_mul(retry.attempts) > timeout.0 {
        let attempts = retry.attempts;
        let at = if built.written(&at) {
            at
        } else {
            path.key("retry").key("attempts")
        };
        let fitting = whole(Span(timeout.0 / attempts));
        let one = whole(one);
        report.check(
            Draft::warning(
                "late-tries",
                &at,
                format!(
                    "{attempts} attempts of {one} do not fit into the timeout of {timeout}: the \
                     last ones are cut short"
                ),
            )
            .help(format!(
                "write a `try_timeout` of at most \"{fitting}\", fewer `attempts`, or a longer \
                 `timeout`"
            )),
            &related,
        );
    }
}

/// A third of a timeout, say, in whole milliseconds where it has any.
fn whole(span: Span) -> Span {
    let millis = u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        span
    } else {
        Span::millis(millis)
    }
}

fn connect(built: &Built<'_, '_>, route: &Route, path: &KeyPath, report: &mut Report<'_, '_>) {
    let Some(service) = built.file.services.get(&route.service) else {
        return;
    };
    let at = place::service(&route.service).key("connect_timeout");
    if built.written(&at) && service.connect_timeout > route.try_timeout {
        report.check(
            Draft::warning(
                "timeout-order",
                &at,
                format!(
                    "connecting may take {}, but an attempt on the route `{}` takes at most {}",
                    service.connect_timeout, route.name, route.try_timeout
                ),
            )
            .value(service.connect_timeout)
            .help("write a shorter `connect_timeout`, or a longer `try_timeout` of the route"),
            &[
                path.key("timeout"),
                path.key("try_timeout"),
                path.key("service"),
            ],
        );
    }
}

/// The route to a service with the longest timeout.
fn slowest<'f>(built: &'f Built<'_, '_>, service: &str) -> Option<(KeyPath, &'f Route)> {
    place::routes(&built.file)
        .filter(|(_, route)| &*route.service == service)
        .max_by_key(|(_, route)| route.timeout)
}

fn calls(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (caller, service) in &built.file.services {
        for callee in callees(service) {
            call(built, caller, callee, report);
        }
    }
}

fn call(built: &Built<'_, '_>, caller: &Name, callee: &str, report: &mut Report<'_, '_>) {
    if &**caller == callee {
        return;
    }
    let (Some((outer_path, outer)), Some((inner_path, inner))) =
        (slowest(built, caller), slowest(built, callee))
    else {
        return;
    };
    // Defaults are equal everywhere; only who wrote a time meant it.
    let written = |path: &KeyPath| built.written(&path.key("timeout"));
    if inner.timeout <= outer.timeout || !(written(&inner_path) || written(&outer_path)) {
        return;
    }
    report.check(
        Draft::warning(
            "timeout-order",
            &inner_path.key("timeout"),
            format!(
                "`{caller}` calls `{callee}` and waits up to {} for it, but whoever calls \
                 `{caller}` gives up after {}",
                inner.timeout, outer.timeout
            ),
        )
        .value(inner.timeout)
        .help(format!(
            "write a `timeout` below \"{}\" for the route `{}`, or a longer one for `{}`",
            outer.timeout, inner.name, outer.name
        )),
        &[
            outer_path.key("timeout"),
            outer_path.key("service"),
            inner_path.key("service"),
        ],
    );
}
