//! The catalog: what there is to buy.

mod item;
mod routes;

pub use item::{Catalog, Item};
pub use routes::routes;
