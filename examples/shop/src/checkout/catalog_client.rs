//! Asks the catalog, through the gateway.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use ninefold::clock::{Now, TokioTime};
use ninefold::pipeline::Call;
use ninefold::{Error, InvalidPolicy, RequestMeta};

use super::guard::{ATTEMPT_MAX, Guard, guard};
use crate::answer::Refusal;
use crate::caller::Caller;
use crate::catalog::Item;
use crate::client::{CallError, Client};
use crate::word::is_word;

/// The catalog as checkout sees it.
#[derive(Debug)]
pub struct CatalogClient {
    client: Client,
    guard: Guard,
}

/// Why there can be no client of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCatalog {
    /// A text is not its address.
    #[error(
        "the catalog is written as `http://IP:PORT`, or `http://NAME` where NINEFOLD_EGRESS is set"
    )]
    Address,
    /// A policy around the calls makes no sense.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
}

impl CatalogClient {
    /// The item with this id, or nothing where the catalog says there is none.
    ///
    /// The caller's request id, trace and remaining time go along. To ask twice does no harm, so a
    /// call that failed may be repeated.
    ///
    /// # Errors
    ///
    /// 503 when the catalog does not answer in the caller's time, not with an item, or is not
    /// asked because it failed too often lately.
    pub async fn item(&self, id: &str, caller: &Caller) -> Result<Option<Item>, Refusal> {
        let answer = self
            .ask(&format!("/items/{id}"), caller)
            .await
            .map_err(|why| match why {
                Error::Rejected(why) => {
                    Refusal::unavailable(format!("the catalog is not asked: {why}"))
                }
                why => Refusal::unavailable(format!("the catalog does not answer: {why}")),
            })?;
        match answer.status() {
            StatusCode::OK => serde_json::from_slice(answer.body())
                .map(Some)
                .map_err(|why| Refusal::unavailable(format!("the catalog's answer is odd: {why}"))),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(Refusal::unavailable(format!(
                "the catalog answers {status}"
            ))),
        }
    }

    /// Asks through the policies; each attempt says how long it may take.
    async fn ask(&self, path: &str, caller: &Caller) -> Result<Response<Bytes>, Error<CallError>> {
        let left = move || caller.remaining(Instant::now()).unwrap_or_default();
        let call = Call::idempotent().with_request(RequestMeta {
            deadline: Some(TokioTime.now() + left()),
            ..RequestMeta::default()
        });
        let attempt = |_| {
            let headers = caller.headers(left().min(ATTEMPT_MAX));
            async move {
                self.client
                    .send(Method::GET, path, &headers, Bytes::new())
                    .await
            }
        };
        self.guard.call_with(call, attempt).await
    }
}

impl CatalogClient {
    /// The catalog at `http://IP:PORT`, or at `http://NAME`, which is asked for at `egress`.
    ///
    /// # Errors
    ///
    /// [`InvalidCatalog`]
    pub fn at(text: &str, egress: Option<SocketAddr>) -> Result<Self, InvalidCatalog> {
        let place = text
            .strip_prefix("http://")
            .ok_or(InvalidCatalog::Address)?;
        let place = place.trim_end_matches('/');
        let client = match (place.parse(), egress) {
            (Ok(address), _) => Client::new(address),
            (Err(_name), Some(egress)) if is_word(place) => Client::named(egress, place),
            (Err(_), _) => return Err(InvalidCatalog::Address),
        };
        Ok(Self {
            client,
            guard: guard()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_is_an_http_address_or_a_name() {
        let egress = Some("127.0.0.1:15000".parse().unwrap());
        assert!(CatalogClient::at("http://127.0.0.1:8080", None).is_ok());
        assert!(CatalogClient::at("http://127.0.0.1:8080/", egress).is_ok());
        assert!(CatalogClient::at("http://catalog", egress).is_ok());
        assert!(CatalogClient::at("http://catalog", None).is_err());
        for bad in ["", "127.0.0.1:8080", "https://127.0.0.1:1", "http://a/b"] {
            assert!(CatalogClient::at(bad, egress).is_err(), "{bad}");
        }
    }
}
