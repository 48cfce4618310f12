//! The catalog's HTTP interface.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Catalog, Item};
use crate::answer::Refusal;

/// `GET /items`, `GET /items/{id}`, `GET /ready`, `GET /live`.
pub fn routes(catalog: Catalog) -> Router {
    Router::new()
        .route("/items", get(list))
        .route("/items/{id}", get(one))
        .route("/ready", get(|| async { "ready\n" }))
        .route("/live", get(|| async { "live\n" }))
        .with_state(Arc::new(catalog))
}

async fn list(State(catalog): State<Arc<Catalog>>) -> Json<Value> {
    Json(json!({ "items": catalog.items() }))
}

async fn one(
    State(catalog): State<Arc<Catalog>>,
    Path(id): Path<String>,
) -> Result<Json<Item>, Refusal> {
    catalog
        .item(&id)
        .cloned()
        .map(Json)
        .ok_or_else(|| Refusal::not_found("there is no such item"))
}
