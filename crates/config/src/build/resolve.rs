//! References to routes.

use crate::model::{Listener, Route};

/// Why a reference to a route leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// No route has this name or path.
    Missing,
    /// Several routes have this path.
    Ambiguous,
}

/// The route with this name, or, if the text begins with `/`, with this path.
///
/// # Errors
///
/// If there is none, or if several routes have the path.
pub(crate) fn resolve_route<'f>(
    listeners: &'f [Listener],
    text: &str,
) -> Result<&'f Route, Unresolved> {
    let by_path = text.starts_with('/');
    let mut matching = listeners
        .iter()
        .flat_map(|listener| &listener.routes)
        .filter(|route| {
            if by_path {
                route.path == text
            } else {
                &*route.name == text
            }
        });
    match (matching.next(), matching.next()) {
        (None, _) => Err(Unresolved::Missing),
        (Some(_), Some(_)) if by_path => Err(Unresolved::Ambiguous),
        (Some(route), _) => Ok(route),
    }
}
