//! The admin API's own description (OpenAPI 3.1), made from the types it serves.

use std::collections::BTreeMap;

use ninefold_core::event::{FaultNotice, Incident};
use ninefold_core::status::NodeStatus;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::client::{EventPage, FaultEnd, IncidentList, ReadmitRequest, Refusal, StopRequest};
use crate::reload::{ReloadReport, ReloadRequest};
use crate::takeover::{UpgradeRequest, UpgradeStarted};

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let status = schemas.subschema_for::<NodeStatus>();
    let events = schemas.subschema_for::<EventPage>();
    let incidents = schemas.subschema_for::<IncidentList>();
    let incident = schemas.subschema_for::<Incident>();
    let refusal = schemas.subschema_for::<Refusal>();
    let stop = schemas.subschema_for::<StopRequest>();
    let readmit = schemas.subschema_for::<ReadmitRequest>();
    let fault = schemas.subschema_for::<FaultNotice>();
    let reload = schemas.subschema_for::<ReloadRequest>();
    let reloaded = schemas.subschema_for::<ReloadReport>();
    let upgrade = schemas.subschema_for::<UpgradeRequest>();
    let upgraded = schemas.subschema_for::<UpgradeStarted>();
    let end = schemas.subschema_for::<FaultEnd>();
    let id =
        json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    let ok = |about: &str, schema: Value| {
        answer(
            about,
            &["application/json"],
            &schema,
            &refusal.clone().into(),
        )
    };
    let text = |about: &str, kinds: &[&str]| {
        answer(
            about,
            kinds,
            &json!({ "type": "string" }),
            &refusal.clone().into(),
        )
    };
    let done = || ok("Done, or under way.", json!({ "type": "object" }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ninefold admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Reading is served on the node's unix socket (admin.sock in its state folder) and on loopback; POST only on the unix socket. Times are nanoseconds since the Unix epoch."
        },
        "paths": {
            "/status": { "get": { "summary": "The status for people: HTML if asked for, else text.", "responses": text("The page.", &["text/plain"]) } },
            "/metrics": { "get": { "summary": "Metrics in the Prometheus text format, or in OpenMetrics, with exemplars, for who prefers that (Accept).", "responses": text("The metrics.", &["text/plain", "application/openmetrics-text"]) } },
            "/v1/status": { "get": { "summary": "What is up.", "responses": ok("The status.", status.into()) } },
            "/v1/events": { "get": {
                "summary": "The journal, page by page; waits for news if asked to.",
                "parameters": [query("after", "Only events with a greater sequence number."), query("limit", "At most so many; 1,000 is the most."), query("wait_ms", "Wait so long for a first event, at most 60,000.")],
                "responses": ok("A page.", events.into())
            } },
            "/v1/incidents": { "get": { "summary": "The incidents that are kept, newest first.", "responses": ok("The incidents.", incidents.into()) } },
            "/v1/incidents/{id}": { "get": { "summary": "One incident.", "parameters": [id], "responses": ok("The incident.", incident.into()) } },
            "/v1/incidents/{id}/explain": { "get": { "summary": "Who is hurt, where did it start, what changed.", "parameters": [id], "responses": text("The explanation.", &["text/plain"]) } },
            "/v1/stop": { "post": { "summary": "Stop the node in order (unix socket only).", "requestBody": body(stop.into()), "responses": done() } },
            "/v1/reload": { "post": { "summary": "Go on by another file, or by the same one read again (unix socket only). Refused with 422 if it has errors, with 409 if it asks for what cannot be changed while the node runs.", "requestBody": body(reload.into()), "responses": ok("What changed, and how it ended.", reloaded.into()) } },
            "/v1/upgrade": { "post": { "summary": "Start another program, which takes over from this one (unix socket only). It serves once /v1/status names its process.", "requestBody": body(upgrade.into()), "responses": ok("It was started.", upgraded.into()) } },
            "/v1/readmit": { "post": { "summary": "Take an instance back that is in quarantine (unix socket only). Refused with 409 if it is not.", "requestBody": body(readmit.into()), "responses": done() } },
            "/v1/faults": { "post": { "summary": "Announce a fault before it is injected (unix socket only).", "requestBody": body(fault.into()), "responses": done() } },
            "/v1/faults/{id}/end": { "post": { "summary": "Say that an injected fault ended (unix socket only).", "parameters": [id], "requestBody": body(end.into()), "responses": done() } }
        },
        "components": { "schemas": schemas.take_definitions(true) }
    })
}

fn query(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "query", "description": about, "schema": { "type": "integer", "minimum": 0 } })
}

fn body(schema: Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

fn answer(about: &str, kinds: &[&str], schema: &Value, refusal: &Value) -> Value {
    let kinds = kinds.iter().map(|kind| (kind, json!({ "schema": schema })));
    let content: BTreeMap<_, _> = kinds.collect();
    json!({
        "200": { "description": about, "content": content },
        "default": { "description": "Refused.", "content": { "application/json": { "schema": refusal } } }
    })
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn the_committed_document_is_current() {
        let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
        expect_test::expect_file!["../../openapi.json"].assert_eq(&text);
    }
}
