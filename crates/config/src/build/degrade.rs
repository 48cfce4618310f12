//! What a route does when its service cannot answer.

use std::path::PathBuf;

use super::view::View;
use crate::model::{
    Brownout, Cache, Fallback, FixedAnswer, FixedBody, Mirror, Name, Ratio, Span, Split, Sticky,
};

/// What a fixed answer's body is unless the file says otherwise.
const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The fallback of a route, if it has one.
pub(super) fn fallback(route: View<'_, '_>) -> Option<Fallback> {
    route.value("fallback")?;
    let table = route.table("fallback");
    if table.value("service").is_some() {
        let service = table.parse("service").unwrap_or_else(Name::unknown);
        return Some(Fallback::Service(service));
    }
    let text = || FixedBody::Text(table.text("body").unwrap_or_default().to_owned());
    let file = table.text("body_file").map(PathBuf::from);
    Some(Fallback::Answer(FixedAnswer {
        status: table.integer("status").unwrap_or(200),
        content_type: table
            .text("content_type")
            .unwrap_or(CONTENT_TYPE)
            .to_owned(),
        body: file.map_or_else(text, FixedBody::File),
    }))
}

/// The cache of a route, if it has one.
pub(super) fn cache(route: View<'_, '_>) -> Option<Cache> {
    route.value("cache")?;
    let table = route.table("cache");
    let default = Cache::default();
    let behind = table.parse("stale_while_revalidate");
    let on_error = table.parse("stale_if_error");
    Some(Cache {
        size: table.parse("size").unwrap_or(default.size),
        body_size: table.parse("body_size").unwrap_or(default.body_size),
        fresh: table.parse("fresh").unwrap_or(default.fresh),
        stale_while_revalidate: behind.unwrap_or(default.stale_while_revalidate),
        stale_if_error: on_error.unwrap_or(default.stale_if_error),
    })
}

/// Who gets copies of a route's requests, if anybody does.
pub(super) fn mirror(route: View<'_, '_>) -> Option<Mirror> {
    route.value("mirror")?;
    let table = route.table("mirror");
    Some(Mirror {
        service: table.parse("service").unwrap_or_else(Name::unknown),
        share: table.parse("share").unwrap_or(Ratio::percent(100)),
    })
}

/// The canary of a route, if it has one.
pub(super) fn split(route: View<'_, '_>) -> Option<Split> {
    route.value("split")?;
    let table = route.table("split");
    let by = table.table("sticky");
    let sticky = match (table.text("sticky"), by.text("header"), by.text("cookie")) {
        (Some(_), _, _) => Some(Sticky::Client),
        (_, Some(header), _) => Some(Sticky::Header(header.to_ascii_lowercase())),
        (_, _, Some(cookie)) => Some(Sticky::Cookie(cookie.to_owned())),
        _ => None,
    };
    Some(Split {
        service: table.parse("service").unwrap_or_else(Name::unknown),
        share: table.parse("share").unwrap_or(Ratio::percent(0)),
        sticky,
        roll_back: table.flag("roll_back").unwrap_or(true),
    })
}

/// The brownout of a route, if it has one.
pub(super) fn brownout(route: View<'_, '_>) -> Option<Brownout> {
    route.value("brownout")?;
    let table = route.table("brownout");
    Some(Brownout {
        target: table.parse("target").unwrap_or(Span::secs(1)),
        min_share: table.parse("min_share").unwrap_or(Ratio::percent(0)),
    })
}
