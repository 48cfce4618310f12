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
    #[error("the catalog is written as `http://IP:PORT`")]
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

impl std::str::FromStr for CatalogClient {
    type Err = InvalidCatalog;

    fn from_str(text: &str) -> Result<Self, InvalidCatalog> {
        let address: SocketAddr = text
            .strip_prefix("http://")
            .and_then(|rest| rest.trim_end_matches('/').parse().ok())
            .ok_or(InvalidCatalog::Address)?;
        Ok(Self {
            client: Client::new(address),
            guard: guard()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_is_an_http_address() {
        assert!("http://127.0.0.1:8080".parse::<CatalogClient>().is_ok());
        assert!("http://127.0.0.1:8080/".parse::<CatalogClient>().is_ok());
        for bad in ["", "127.0.0.1:8080", "https://127.0.0.1:1", "http://there"] {
            assert!(bad.parse::<CatalogClient>().is_err(), "{bad}");
        }
    }
}
