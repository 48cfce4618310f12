//! What stands in for a service.

use super::{place, service};
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Fallback, FixedAnswer, FixedBody, Ratio, Route};

/// Checks the fallbacks of every route.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (path, route) in place::routes(&built.file) {
        cache(route, &path, report);
        brownout(route, &path, report);
        canary(built, route, &path, report);
        mirror(built, route, &path, report);
        let at = path.key("fallback");
        match &route.fallback {
            None => {}
            Some(Fallback::Service(name)) => {
                other(built, route, name, &path, report);
                for key in ["status", "content_type"].map(|key| at.key(key)) {
                    if built.written(&key) {
                        let draft =
                            Draft::error("not-applicable", &key, "the other service answers");
                        report.check(draft.help("leave it out, or write a `body`"), &[]);
                    }
                }
            }
            Some(Fallback::Answer(answer)) => {
                empty(answer, &at, report);
                seldom(answer, route, &path, report);
            }
        }
    }
}

fn brownout(route: &Route, path: &KeyPath, report: &mut Report<'_, '_>) {
    let Some(brownout) = &route.brownout else {
        return;
    };
    let at = path.key("brownout");
    if brownout.min_share >= Ratio::ONE {
        let draft = Draft::error(
            "out-of-range",
            &at.key("min_share"),
            "then nothing is ever left out",
        );
        let help = "write less than 100%, or leave `brownout` out";
        report.check(draft.value(brownout.min_share).help(help), &[]);
    }
    let target = at.key("target");
    if brownout.target.0.is_zero() {
        let draft = Draft::error("out-of-range", &target, "no answer is as quick as that");
        let help = "write a time above zero, such as \"500ms\"";
        report.check(draft.value(brownout.target).help(help), &[]);
    } else if brownout.target >= route.timeout {
        let draft = Draft::warning(
            "no-effect",
            &target,
            format!("requests end after {} already", route.timeout),
        );
        let help = "write a `target` well below `timeout`";
        report.check(
            draft.value(brownout.target).help(help),
            &[path.key("timeout")],
        );
    }
}

fn other(
    built: &Built<'_, '_>,
    route: &Route,
    name: &str,
    path: &KeyPath,
    report: &mut Report<'_, '_>,
) {
    let at = path.key("fallback").key("service");
    service::known(built, name, &at, "this fallback", report);
    if route.services().filter(|one| ***one == *name).count() > 1 {
        let message = format!("`{name}` would stand in for itself");
        let draft = Draft::error("same-service", &at, message);
        report.check(
            draft.value(name).help("name another service"),
            &[path.key("service")],
        );
    }
}

/// Statuses that come without a body.
const EMPTY: [u16; 3] = [204, 205, 304];

fn empty(answer: &FixedAnswer, at: &KeyPath, report: &mut Report<'_, '_>) {
    let has_none = matches!(&answer.body, FixedBody::Text(text) if text.is_empty());
    if EMPTY.contains(&answer.status) && !has_none {
        let message = format!("an answer of {} has no body", answer.status);
        let draft = Draft::error("not-applicable", &at.key("status"), message);
        let help = "write `body = \"\"`, or another `status`";
        report.check(
            draft.help(help).value(answer.status),
            &[at.key("body"), at.key("body_file")],
        );
    }
}

fn seldom(answer: &FixedAnswer, route: &Route, path: &KeyPath, report: &mut Report<'_, '_>) {
    let reads = |method: &String| ["GET", "HEAD"].contains(&method.as_str());
    if answer.status >= 400 || route.methods.is_empty() || route.methods.iter().any(reads) {
        return;
    }
    let at = path.key("fallback");
    let message = format!(
        "this answer of {} is never given: the route has neither GET nor HEAD",
        answer.status
    );
    let draft = Draft::warning("no-effect", &at, message);
    report.check(
        draft
            .help("write a `status` of 400 or above: nobody is to believe that something was done"),
        &[path.key("methods"), at.key("status")],
    );
}

fn cache(route: &Route, path: &KeyPath, report: &mut Report<'_, '_>) {
    let reads = |method: &String| method == "GET";
    if route.cache.is_none() || route.methods.is_empty() || route.methods.iter().any(reads) {
        return;
    }
    let draft = Draft::warning(
        "no-effect",
        &path.key("cache"),
        "nothing is kept: the route has no GET",
    );
    let help = "leave it out, or write \"GET\" among the `methods`";
    report.check(draft.help(help), &[path.key("methods")]);
}

fn mirror(built: &Built<'_, '_>, route: &Route, path: &KeyPath, report: &mut Report<'_, '_>) {
    let Some(mirror) = &route.mirror else { return };
    let at = path.key("mirror").key("service");
    let name = &mirror.service;
    service::known(built, name, &at, "this mirror", report);
    if *name == route.service {
        let message = format!("`{name}` would get every request twice");
        let draft = Draft::error("same-service", &at, message);
        report.check(
            draft.value(name).help("name another service"),
            &[path.key("service")],
        );
    }
}

fn canary(built: &Built<'_, '_>, route: &Route, path: &KeyPath, report: &mut Report<'_, '_>) {
    let Some(split) = &route.split else { return };
    let at = path.key("split").key("service");
    let name = &split.service;
    service::known(built, name, &at, "this split", report);
    if *name == route.service {
        let message = format!("`{name}` would be its own canary");
        let draft = Draft::error("same-service", &at, message);
        report.check(
            draft.value(name).help("name another service"),
            &[path.key("service")],
        );
    }
    if route.cache.is_some() {
        let draft = Draft::error(
            "not-applicable",
            &path.key("cache"),
            "a cache would give the answers of one service to the requests of the other",
        );
        report.check(
            draft.help("leave out `cache` or `split`"),
            &[path.key("split")],
        );
    }
}
