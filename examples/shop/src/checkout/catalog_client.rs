//! Asks the catalog, through the gateway.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::answer::Refusal;
use crate::caller::Caller;
use crate::catalog::Item;
use crate::client::Client;

/// The catalog as checkout sees it.
#[derive(Debug)]
pub struct CatalogClient(Client);

/// Why a text is not the catalog's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the catalog is written as `http://IP:PORT`")]
pub struct InvalidCatalog;

impl CatalogClient {
    /// The item with this id, or nothing where the catalog says there is none.
    ///
    /// The caller's request id, trace and remaining time go along. There is no retry here: the
    /// gateway has one, with a budget, and two layers of retries multiply.
    ///
    /// # Errors
    ///
    /// 503 when the catalog does not answer in the caller's time, or not with an item.
    pub async fn item(&self, id: &str, caller: &Caller) -> Result<Option<Item>, Refusal> {
        let left = caller
            .remaining(Instant::now())
            .ok_or_else(|| Refusal::unavailable("the deadline has passed"))?;
        let path = format!("/items/{id}");
        let headers = caller.headers(left);
        let answer = self
            .0
            .call(Method::GET, &path, &headers, Bytes::new(), left)
            .await
            .map_err(|why| Refusal::unavailable(format!("the catalog does not answer: {why}")))?;
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
}

impl std::str::FromStr for CatalogClient {
    type Err = InvalidCatalog;

    fn from_str(text: &str) -> Result<Self, InvalidCatalog> {
        let address: SocketAddr = text
            .strip_prefix("http://")
            .and_then(|rest| rest.trim_end_matches('/').parse().ok())
            .ok_or(InvalidCatalog)?;
        Ok(Self(Client::new(address)))
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
