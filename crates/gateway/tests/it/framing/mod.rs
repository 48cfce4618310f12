//! The framing suite: what a gateway passes on is what everyone behind it reads.
//!
//! One row is one case, derived from RFC 9110, 9112 and 9113. It names the section, says what a
//! client sends, what the client sees, and what has reached the upstream, byte for byte. The
//! upstream is a plain socket that records; the client is one that writes bytes, or frames.
//!
//! In HTTP/2 the client writes frames; what breaks the protocol itself, or asks for too much of it,
//! is in `violations` and `floods`.
//!
//! Every case ends with a request on another connection, which goes to the upstream on the
//! connection that the case has left behind: had a byte been smuggled, its answer would be another.
//!
//! Notation in rows: `↵` is CRLF. Every other character stands for itself.

mod answers;
mod cached;
mod fields;
mod floods;
mod frames;
mod hops;
mod http2;
mod length;
mod normal;
mod onward;
mod request;
mod rows;
mod sequence;
mod streams;
mod transfer;
mod violations;
