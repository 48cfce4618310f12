//! One function per path of the admin API.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, header};
use ninefold_core::event::{FaultNotice, Incident};
use ninefold_core::status::NodeStatus;
use ninefold_observe::metrics::Format;
use serde::Deserialize;

use super::errors::ApiError;
use super::{html, openapi, text};
use crate::client::{EventPage, FaultEnd, IncidentList, ReadmitRequest, StopRequest};
use crate::control::Handle;
use crate::reload::{ReloadError, ReloadReport, ReloadRequest};
use crate::takeover::{self, UpgradeRequest, UpgradeStarted};

/// A page of the journal holds at most so many events.
const EVENTS_MAX: usize = 1_000;
/// A call waits at most so long for an event.
const WAIT_MAX: Duration = Duration::from_secs(60);

pub(crate) async fn root() -> Redirect {
    Redirect::temporary("/status")
}

pub(crate) async fn nothing_here() -> ApiError {
    ApiError::not_found("there is nothing here; /openapi.json lists what is, /status is for people")
}

pub(crate) async fn status(State(handle): State<Handle>) -> Json<NodeStatus> {
    Json(handle.status())
}

/// The status page: HTML for browsers, text for everything that does not ask for HTML.
pub(crate) async fn status_page(State(handle): State<Handle>, headers: HeaderMap) -> Response {
    let status = handle.status();
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or("");
    if accept.contains("text/html") {
        Html(html::page(&status)).into_response()
    } else {
        text::page(&status).into_response()
    }
}

/// The metrics: OpenMetrics for who asks for it, text for all others.
pub(crate) async fn metrics(
    State(handle): State<Handle>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accept = headers.get_all(header::ACCEPT).into_iter();
    let accept: Vec<&str> = accept.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::accepted(&accept.join(","));
    let body = handle
        .metrics(format)
        .map_err(|error| ApiError::unavailable(format!("metrics could not be encoded: {error}")))?;
    let head = [
        (header::CONTENT_TYPE, format.content_type()),
        (header::VARY, "Accept"),
    ];
    Ok((head, body).into_response())
}

pub(crate) async fn openapi() -> Json<serde_json::Value> {
    Json(openapi::document())
}

#[derive(Debug, Deserialize)]
pub(crate) struct EventsQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
    wait_ms: Option<u64>,
}

pub(crate) async fn events(
    State(handle): State<Handle>,
    Query(query): Query<EventsQuery>,
) -> Json<EventPage> {
    let limit = query.limit.unwrap_or(EVENTS_MAX).min(EVENTS_MAX);
    let wait = Duration::from_millis(query.wait_ms.unwrap_or(0)).min(WAIT_MAX);
    let events = handle.events(query.after, limit, wait).await;
    let next = events.last().map_or(query.after, |event| event.seq);
    Json(EventPage { events, next })
}

pub(crate) async fn incidents(State(handle): State<Handle>) -> Json<IncidentList> {
    Json(IncidentList {
        incidents: handle.incidents(),
    })
}

pub(crate) async fn incident(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Incident>, ApiError> {
    handle
        .incident(&id)
        .map(Json)
        .ok_or_else(|| unknown_incident(&id))
}

pub(crate) async fn explain(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<String, ApiError> {
    let incident = handle.incident(&id).ok_or_else(|| unknown_incident(&id))?;
    Ok(ninefold_observe::explain::explain(
        &incident,
        crate::control::now(),
    ))
}

fn unknown_incident(id: &str) -> ApiError {
    ApiError::not_found(format!(
        "no incident `{id}`; `ninefold incidents`, or /v1/incidents, lists those that are kept"
    ))
}

type Body<T> = Result<Json<T>, JsonRejection>;

fn body<T>(body: Body<T>) -> Result<T, ApiError> {
    body.map(|Json(value)| value)
        .map_err(|rejection| ApiError::bad_request(rejection.body_text()))
}

pub(crate) async fn stop(
    State(handle): State<Handle>,
    request: Body<StopRequest>,
) -> Result<Json<serde_json::Value>, ApiError> {
    handle.ask_to_stop(body(request)?.reason);
    Ok(Json(serde_json::json!({ "stopping": true })))
}

pub(crate) async fn readmit(
    State(handle): State<Handle>,
    request: Body<ReadmitRequest>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let instance = body(request)?.instance;
    handle.readmit(&instance).map_err(ApiError::conflict)?;
    Ok(Json(serde_json::json!({ "readmitted": instance })))
}

pub(crate) async fn reload(
    State(handle): State<Handle>,
    request: Body<ReloadRequest>,
) -> Result<Json<ReloadReport>, ApiError> {
    let request = body(request)?;
    match crate::reload::reload(handle, request).await {
        Ok(report) => Ok(Json(report)),
        Err(error @ ReloadError::Invalid(_)) => Err(ApiError::unprocessable(error.to_string())),
        Err(error @ (ReloadError::Busy | ReloadError::Stopping | ReloadError::Failed(_))) => {
            Err(ApiError::unavailable(error.to_string()))
        }
        Err(error @ ReloadError::Refused(_)) => Err(ApiError::conflict(error.to_string())),
    }
}

pub(crate) async fn upgrade(
    State(handle): State<Handle>,
    request: Body<UpgradeRequest>,
) -> Result<Json<UpgradeStarted>, ApiError> {
    let request = body(request)?;
    takeover::spawn(&handle, &request)
        .map(Json)
        .map_err(|error| {
            let program = request.program.display();
            ApiError::conflict(format!("{program} cannot be started: {error}"))
        })
}

pub(crate) async fn announce_fault(
    State(handle): State<Handle>,
    notice: Body<FaultNotice>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let notice = body(notice)?;
    let id = notice.id.clone();
    handle
        .announce_fault(notice)
        .await
        .map_err(ApiError::conflict)?;
    Ok(Json(serde_json::json!({ "announced": id })))
}

pub(crate) async fn end_fault(
    State(handle): State<Handle>,
    Path(id): Path<String>,
    end: Body<FaultEnd>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let how = body(end)?.how;
    if handle.end_fault(&id, &how) {
        Ok(Json(serde_json::json!({ "ended": id })))
    } else {
        Err(ApiError::not_found(format!("no fault `{id}` is announced")))
    }
}
