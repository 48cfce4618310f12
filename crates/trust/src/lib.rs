//! Who belongs to a cluster, and can prove it.
//!
//! - [`seal`]: gossip that only members can read or make, and that counts once.
//! - [`Authority`] and [`Identity`]: the cluster's own certificate authority, and what it makes a node a member with;
//!   [`begin`] makes both for the first node.
//! - [`Token`], [`join`] and [`JoinServer`]: how a host becomes a node.
//! - [`renew`]: how its certificate is renewed before it runs out.
//! - [`rotation`]: how all come by another key of gossip, and learn who was [expelled](Expelled).
//! - [`local`]: all of it at once, for nodes of one host.

mod authority;
mod begin;
mod clock;
mod expelled;
mod folder;
mod identity;
mod join;
pub mod local;
mod name;
mod random;
pub mod renew;
pub mod rotation;
pub mod seal;
#[cfg(test)]
mod tests;
mod tls;
mod token;

pub use authority::{Authority, AuthorityError};
pub use begin::{BeginError, begin};
pub use clock::now;
pub use expelled::{EXPELLED_MAX, Expelled};
pub use folder::{FolderError, SecretsFolder};
pub use identity::{Identity, IdentityError, Validity};
pub use join::{JoinError, JoinServer, JoinServerError, Member, Refusal, join};
pub use name::{ClusterName, NameError, NodeName};
pub use random::NoRandom;
pub use tls::TlsError;
pub use token::{
    TOKENS_MAX, TTL_MAX, Token, TokenBookError, TokenError, USES_MAX, issue as issue_token,
};
