//! Checkout: takes orders and keeps them.

mod catalog_client;
mod guard;
mod lane;
mod order;
mod routes;
mod store;

pub use catalog_client::{CatalogClient, InvalidCatalog};
pub use lane::StoreError;
pub use order::{NewOrder, Order};
pub use routes::routes;
pub use store::{Placed, Store};
