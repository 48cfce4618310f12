//! Callers that ask for less.

use http::HeaderMap;

/// The header by which a caller, such as Ninefold's gateway on a route with `brownout`, asks for an
/// answer without its optional part.
pub const BROWNOUT_HEADER: &str = "x-brownout";

/// Whether the caller wants the optional part of an answer: recommendations, previews, exact counts,
/// whatever takes long and can be left out. A server that measures by itself asks its own
/// [`Dimmer`](crate::Dimmer) as well.
///
/// ```
/// use ninefold::http::{BROWNOUT_HEADER, wants_optional};
///
/// let mut headers = http::HeaderMap::new();
/// assert!(wants_optional(&headers));
/// headers.insert(BROWNOUT_HEADER, "1".parse()?);
/// assert!(!wants_optional(&headers));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn wants_optional(headers: &HeaderMap) -> bool {
    headers.get(BROWNOUT_HEADER).is_none_or(|said| said == "0")
}
