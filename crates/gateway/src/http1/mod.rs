//! HTTP/1.1 as a client of endpoints: what comes is read, what goes is written, without I/O.
//!
//! The [`AnswerReader`] is fed with bytes as they come, in pieces of any size, and says what they
//! mean. It is strict: an answer whose end two parsers may see in different places is malformed,
//! and so is one that a lenient parser would have to mend.

mod added;
mod answer;
mod body;
mod date;
mod head;
mod malformed;
mod request;
mod spare;
mod trailers;

pub(crate) use added::Added;
pub use answer::{AnswerEvent, AnswerReader};
pub(crate) use body::{BodyEvent, BodyReader};
pub(crate) use date::imf_fixdate;
pub use head::{AnswerHead, Framing};
pub use malformed::Malformed;
pub(crate) use request::{RequestHead, write_request};
pub(crate) use spare::{give_back, map_for};
pub(crate) use trailers::{permitted, write_chunk_size, write_field, write_fields, write_length};
