//! The shop: a small service that Ninefold keeps up.
//!
//! Two programs share this library. `shop-catalog` answers what there is to buy, from memory.
//! `shop-checkout` takes orders, asks the catalog (through Ninefold's gateway) whether the item
//! exists and what it costs, and keeps the order in SQLite. Both know nothing of Ninefold but a
//! few headers and the address to listen on; checkout uses its library around calls to the catalog,
//! as any application may.

pub mod answer;
pub mod arguments;
pub mod caller;
pub mod catalog;
pub mod checkout;
pub mod client;
pub mod run;
pub mod server;
pub mod word;
