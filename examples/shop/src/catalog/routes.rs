//! The catalog's HTTP interface.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderMap;
use ninefold::http::wants_optional;
use serde::Serialize;
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

/// An item, and similar ones unless the caller asks for less.
#[derive(Serialize)]
struct Page<'a> {
    #[serde(flatten)]
    item: &'a Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    similar: Option<Vec<&'a Item>>,
}

async fn one(
    State(catalog): State<Arc<Catalog>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let item = catalog.item(&id);
    let item = item.ok_or_else(|| Refusal::not_found("there is no such item"))?;
    let similar = wants_optional(&headers).then(|| catalog.similar(item));
    Ok(Json(Page { item, similar }).into_response())
}
