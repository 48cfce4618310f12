//! A map that many threads read and that never grows beyond a limit.
//!
//! [`Shards`] are tables behind read-write locks: a hit takes the read lock of one of them. A
//! [`Table`] is indexed by the key's hash and keeps its entries in slots, so that a hand can go
//! round them when one must go: the clock of Corbató, "A Paging Experiment with the Multics System"
//! (1968), which comes close to least recently used and makes a hit set one bit at most.

mod shards;
#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod table;
#[cfg(test)]
mod tests;

pub(crate) use self::shards::Shards;
pub(crate) use self::table::Table;
