//! The strict HTTP/1.1 layer: a pure scanner of the byte stream a client sends.
//!
//! hyper's parser is lenient where two parsers may disagree: it accepts `Content-Length` besides
//! `Transfer-Encoding`, heads with bare line feeds, and two `Host` fields. What is ambiguous is how
//! requests are smuggled, so it is refused before hyper sees it. The scanner follows the framing of
//! heads and bodies (RFC 9112) and only ever lets whole, unambiguous heads through.

mod chunks;
mod field;
mod head;
mod parts;
mod refusal;
mod scanner;

pub(crate) use chunks::{Chunks, Found};
pub(crate) use field::{is_authority, number};
pub(crate) use parts::check_parts;
pub use refusal::Refusal;
pub use scanner::{HeadLimits, Pass, Scanner, Stage};
