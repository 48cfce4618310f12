//! `incidents` and `explain`.

use std::time::{SystemTime, UNIX_EPOCH};

use ninefold_agent::admin::{Table, duration};
use ninefold_agent::observe::explain::explain as explanation;
use ninefold_agent::{AdminClient, ClientError, History};
use ninefold_core::event::{Incident, IncidentState};
use ninefold_core::time::Timestamp;

use super::node::{Named, Source, failed, source};
use crate::args::{ExplainArgs, IncidentsArgs, Output};
use crate::exit::Exit;
use crate::print;

/// Lists the incidents.
pub(crate) async fn list(args: IncidentsArgs) -> Exit {
    let node = &args.node;
    let mut incidents = match source(Named::of(node)) {
        Ok(Source::Live(client, _)) => match client.incidents().await {
            Ok(incidents) => incidents,
            Err(error) => return failed(error),
        },
        Ok(Source::Offline(history)) => history.incidents().cloned().collect(),
        Err(exit) => return exit,
    };
    incidents.retain(|incident| !args.open || incident.state == IncidentState::Open);
    match node.common.output {
        Output::Json => {
            print::json(&serde_json::json!({ "incidents": incidents }));
        }
        Output::Text if incidents.is_empty() => {
            print::line("no incidents");
        }
        Output::Text => {
            print::out(&table(&incidents).render());
        }
    }
    Exit::Ok
}

fn table(incidents: &[Incident]) -> Table {
    let mut table = Table::new(&[
        "INCIDENT",
        "BEGAN",
        "STATE",
        "CLASS",
        "WHERE",
        "DETECTED IN",
        "RECOVERED IN",
        "HURT",
        "MASKED",
        "CAUSE",
    ]);
    for incident in incidents {
        let recovered = incident
            .time_to_recover()
            .map(|time| duration(time.as_secs_f64()));
        let state = match incident.state {
            IncidentState::Open => "open",
            IncidentState::Closed => "closed",
        };
        table.row([
            incident.id.clone(),
            incident.onset.to_string(),
            state.to_owned(),
            incident.class.to_string(),
            incident.domain.clone(),
            duration(incident.time_to_detect().as_secs_f64()),
            recovered.unwrap_or_else(|| "-".to_owned()),
            incident.hurt().to_string(),
            incident.masked().to_string(),
            incident
                .injected
                .as_ref()
                .map_or_else(|| "real".to_owned(), |id| format!("injected {id}")),
        ]);
    }
    table
}

/// Explains one incident, or what is thought of a subject.
pub(crate) async fn explain(args: ExplainArgs) -> Exit {
    let args = args.settled();
    let id = args.id.as_deref();
    if let Some(subject) = id.filter(|id| !id.starts_with("inc-")) {
        return super::opinion::explain(&args, subject).await;
    }
    let (incident, until) = match source(Named::of(&args.node)) {
        Ok(Source::Live(client, _)) => match ask(&client, id).await {
            Ok(incident) => (incident, now()),
            Err(error) => return failed(error),
        },
        Ok(Source::Offline(history)) => match recall(&history, id) {
            Ok(incident) => (incident, history.until().unwrap_or_else(now)),
            Err(exit) => return exit,
        },
        Err(exit) => return exit,
    };
    match (incident, args.node.common.output) {
        (Some(incident), Output::Json) => print::json(&incident),
        (Some(incident), Output::Text) => print::quoted(&explanation(&incident, until)),
        (None, Output::Json) => print::json(&serde_json::Value::Null),
        (None, Output::Text) => print::line("no incidents"),
    };
    Exit::Ok
}

/// The incident asked for, else the newest; there may be none.
async fn ask(client: &AdminClient, id: Option<&str>) -> Result<Option<Incident>, ClientError> {
    match id {
        Some(id) => client.incident(id).await.map(Some),
        None => Ok(client.incidents().await?.into_iter().next()),
    }
}

/// The same from a journal.
fn recall(history: &History, id: Option<&str>) -> Result<Option<Incident>, Exit> {
    let Some(id) = id else {
        return Ok(history.incidents().next().cloned());
    };
    match history.incident(id) {
        Some(incident) => Ok(Some(incident.clone())),
        None => Err(failed(format!(
            "no incident `{id}`; `ninefold incidents` lists those that are kept"
        ))),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
