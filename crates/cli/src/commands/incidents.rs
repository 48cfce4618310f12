//! `incidents` and `explain`.

use std::time::{SystemTime, UNIX_EPOCH};

use ninefold_agent::admin::{Table, duration};
use ninefold_agent::observe::explain::explain as explanation;
use ninefold_core::event::{Incident, IncidentState};
use ninefold_core::time::Timestamp;

use super::node::{failed, running};
use crate::args::{ExplainArgs, IncidentsArgs, Output};
use crate::exit::Exit;
use crate::print;

/// Lists the incidents.
pub(crate) async fn list(args: IncidentsArgs) -> Exit {
    let node = &args.node;
    let client = match running(node.file.as_deref(), node.common.state.as_deref()) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let mut incidents = match client.incidents().await {
        Ok(incidents) => incidents,
        Err(error) => return failed(error),
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

/// Explains one incident.
pub(crate) async fn explain(args: ExplainArgs) -> Exit {
    let client = match running(args.file.as_deref(), args.common.state.as_deref()) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let incident = match &args.id {
        Some(id) => client.incident(id).await,
        None => match client
            .incidents()
            .await
            .map(|incidents| incidents.into_iter().next())
        {
            Ok(Some(newest)) => Ok(newest),
            Ok(None) => {
                print::line("no incidents");
                return Exit::Ok;
            }
            Err(error) => Err(error),
        },
    };
    match incident {
        Ok(incident) => {
            match args.common.output {
                Output::Json => print::json(&incident),
                Output::Text => print::quoted(&explanation(&incident, now())),
            };
            Exit::Ok
        }
        Err(error) => failed(error),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
