//! The strict reading of what clients send in HTTP/1.1, without I/O.
//!
//! Lenient parsers accept what two of them may read differently: `Content-Length` besides
//! `Transfer-Encoding`, heads with bare line feeds, two `Host` fields. What is ambiguous is how
//! requests are smuggled, so it is refused. The reader follows the framing of heads and bodies (RFC
//! 9112) and only ever lets whole, unambiguous heads through.

mod chunks;
mod field;
mod head;
mod parts;
mod reader;
mod refusal;

pub(crate) use chunks::{Chunks, Found};
pub(crate) use field::{is_authority, number};
pub use head::RequestHead;
pub(crate) use parts::check_parts;
pub(crate) use reader::head_end;
pub use reader::{HeadLimits, RequestEvent, RequestReader, Stage};
pub use refusal::Refusal;
