//! Who belongs to a cluster, and can prove it.
//!
//! - [`seal`]: gossip that only members can read or make, and that counts once.
//! - [`Authority`] and [`Identity`]: the cluster's own certificate authority, and what it makes a node a member with.
//! - [`local`]: all of it at once, for nodes of one host.

mod authority;
mod clock;
mod folder;
mod identity;
pub mod local;
mod name;
mod random;
pub mod seal;
#[cfg(test)]
mod tests;
mod tls;

pub use authority::{Authority, AuthorityError};
pub use clock::now;
pub use folder::{FolderError, SecretsFolder};
pub use identity::{Identity, IdentityError};
pub use name::{ClusterName, NameError, NodeName};
pub use random::NoRandom;
pub use tls::TlsError;
