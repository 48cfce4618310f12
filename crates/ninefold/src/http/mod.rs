//! What policies should know of HTTP.
//!
//! | piece | for | what it says |
//! |---|---|---|
//! | [`ByStatus`] | classifiers | which answers are failures of the server |
//! | [`RetryByStatus`] | [`Retry`](crate::retry::Retry) | which answers may differ another time, and when |
//! | `ByMethod` | the layers of retry and hedge | which requests may be sent again |
//! | [`ReplayBody`] | requests | a body that can be sent again, up to a size |
//! | [`wants_optional`] | handlers | whether the caller wants all of an answer |
//! | `PeerLevelLayer` | clients | what the server would refuse is not sent |
//! | [`FromHeaders`] | layers | the deadline and the criticality that a request carries |
//!
//! ```
//! use http::Response;
//! use ninefold::Outcome;
//! use ninefold::http::ByStatus;
//! use ninefold::Classify;
//!
//! let answer = Response::builder().status(503).body(())?;
//! let outcome = Classify::<_, std::io::Error>::classify(&ByStatus, Ok(&answer));
//! assert_eq!(outcome, Some(Outcome::Failure));
//! # Ok::<(), http::Error>(())
//! ```

mod body;
mod brownout;
#[cfg(feature = "tower")]
mod by_method;
mod by_status;
mod from_headers;
#[cfg(feature = "tower")]
mod peer_level;
#[cfg(test)]
mod tests;

pub use ninefold_core::policy::classify::HttpStatus;
pub use ninefold_core::policy::deadline::{TIME_LEFT_HEADER, TimeLeft};

pub use self::body::ReplayBody;
pub use self::brownout::{BROWNOUT_HEADER, wants_optional};
#[cfg(feature = "tower")]
pub use self::by_method::ByMethod;
pub use self::by_status::{ByStatus, RetryByStatus};
pub use self::from_headers::{CRITICALITY_HEADER, FromHeaders};
#[cfg(feature = "tower")]
pub use self::peer_level::{HonoursLevel, HonoursLevelFuture, PeerLevelLayer};
