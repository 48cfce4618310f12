//! Checkout's HTTP interface.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};

use super::{CatalogClient, NewOrder, Order, Placed, Store, StoreError};
use crate::answer::Refusal;
use crate::caller::Caller;

/// The largest body of an order.
const BODY_SIZE_MAX: usize = 16 * 1024;
/// The longest that the database may take to say that it can be read.
const CHECK_MAX: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct Checkout {
    store: Store,
    catalog: CatalogClient,
}

/// `POST /orders`, `PUT /orders/{id}`, `GET /orders/{id}`, `GET /ready`, `GET /live`.
///
/// POST takes the order's id from the body or from the header `idempotency-key`; with either, and
/// with PUT, the same order may be sent any number of times and is kept once.
pub fn routes(store: Store, catalog: CatalogClient) -> Router {
    Router::new()
        .route("/orders", post(create))
        .route("/orders/{id}", get(read).put(put))
        .route("/ready", get(ready))
        .route("/live", get(|| async { "live\n" }))
        .layer(DefaultBodyLimit::max(BODY_SIZE_MAX))
        .with_state(Arc::new(Checkout { store, catalog }))
}

type Answer = Result<(StatusCode, Json<Order>), Refusal>;

async fn create(State(checkout): State<Arc<Checkout>>, headers: HeaderMap, body: Bytes) -> Answer {
    let key = headers.get("idempotency-key").map(|value| value.to_str());
    let key = key
        .transpose()
        .map_err(|_not_text| Refusal::bad_request("the header `idempotency-key` is no text"))?;
    checkout.place(&headers, &body, key).await
}

async fn put(
    State(checkout): State<Arc<Checkout>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    checkout.place(&headers, &body, Some(&id)).await
}

async fn read(
    State(checkout): State<Arc<Checkout>>,
    Path(id): Path<String>,
) -> Result<Json<Order>, Refusal> {
    let order = checkout.store.order(id).await?;
    order
        .map(Json)
        .ok_or_else(|| Refusal::not_found("there is no such order"))
}

/// Ready as long as orders can be read. Not a word about the catalog or the write lock: what all
/// replicas share must not take all of them out of rotation at once.
async fn ready(State(checkout): State<Arc<Checkout>>) -> Result<&'static str, Refusal> {
    match tokio::time::timeout(CHECK_MAX, checkout.store.check()).await {
        Ok(Ok(())) => Ok("ready\n"),
        Ok(Err(why)) => Err(why.into()),
        Err(_elapsed) => Err(Refusal::unavailable("the database does not answer in time")),
    }
}

impl Checkout {
    async fn place(&self, headers: &HeaderMap, body: &[u8], id: Option<&str>) -> Answer {
        let caller = Caller::of(headers, Instant::now());
        let order: NewOrder = serde_json::from_slice(body)
            .map_err(|why| Refusal::bad_request(format!("the body is no order: {why}")))?;
        let (id, order) = order.checked(id)?;
        // An order sent again needs no catalog: its price was settled the first time.
        if let Some(kept) = self.store.order(id.clone()).await? {
            return if kept.is(&order) {
                Ok((StatusCode::OK, Json(kept)))
            } else {
                Err(taken())
            };
        }
        let item = self.catalog.item(&order.item, &caller).await?;
        let item = item.ok_or_else(|| Refusal::unprocessable("there is no such item"))?;
        let order = Order {
            id,
            total_cents: i64::from(item.price_cents) * i64::from(order.quantity),
            item: order.item,
            quantity: order.quantity,
        };
        match self.store.place(order).await? {
            Placed::New(order) => Ok((StatusCode::CREATED, Json(order))),
            Placed::Before(order) => Ok((StatusCode::OK, Json(order))),
            Placed::Conflict => Err(taken()),
        }
    }
}

fn taken() -> Refusal {
    Refusal::conflict("this id belongs to another order")
}

impl From<StoreError> for Refusal {
    fn from(why: StoreError) -> Self {
        Self::unavailable(why.to_string())
    }
}
