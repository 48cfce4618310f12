//! How it is checked that answers are right.

use super::view::View;
use crate::model::{Answers, Canary, KnownBody, Ratio, Span, Vote};
use crate::text::sha256;

/// How often a canary is sent, and how long it may take, unless the file says otherwise.
const EVERY: Span = Span::secs(5);
const TIMEOUT: Span = Span::secs(1);

/// The checks of a route, if it has any.
pub(super) fn answers(route: View<'_, '_>) -> Option<Answers> {
    route.value("answers")?;
    let table = route.table("answers");
    let single = table.value("canary").filter(|value| value.is_table());
    let canaries = match single {
        Some(_) => vec![table.table("canary")],
        None => table.tables("canary"),
    };
    let paths = table.texts("ignore");
    Some(Answers {
        canaries: canaries.into_iter().map(canary).collect(),
        vote: table.value("vote").map(|_| {
            let vote = table.table("vote");
            Vote {
                share: vote.parse("share").unwrap_or(Ratio::percent(1)),
                credentials: vote.flag("credentials").unwrap_or(false),
            }
        }),
        ignore: paths.iter().filter_map(|path| path.parse().ok()).collect(),
    })
}

fn canary(table: View<'_, '_>) -> Canary {
    let expect = table.table("expect");
    let every = table.parse("every").unwrap_or(EVERY);
    let text = || KnownBody::Text(expect.text("body").unwrap_or_default().to_owned());
    let hash = expect
        .text("body_sha256")
        .and_then(|text| sha256(text).ok());
    Canary {
        path: table.text("path").unwrap_or("/").to_owned(),
        status: expect.integer("status").unwrap_or(200),
        body: hash.map_or_else(text, KnownBody::Sha256),
        every,
        timeout: table
            .parse::<Span>("timeout")
            .unwrap_or_else(|| TIMEOUT.min(every)),
    }
}
