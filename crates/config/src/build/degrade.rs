//! What a route does when its service cannot answer.

use std::path::PathBuf;

use super::view::View;
use crate::model::{Fallback, FixedAnswer, FixedBody, Name};

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
