//! `reload`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ninefold_agent::{
    AdminClient, ClientError, LocateError, ReloadOutcome, ReloadReport, ReloadRequest, locate,
    locate_all,
};

use super::node::failed;
use crate::args::{CommonArgs, Output, ReloadArgs};
use crate::exit::Exit;
use crate::print;

/// Has the node go on by a file.
pub(crate) async fn run(args: ReloadArgs) -> Exit {
    let common = &args.node.common;
    let targets = match targets(args.node.file.as_deref(), common) {
        Ok(targets) => targets,
        Err(exit) => return exit,
    };
    let several = targets.clients.len() > 1;
    let file = targets.file;
    if let Some(file) = &file
        && let Some(exit) = refuse_broken(file, args.node.common.output)
    {
        return exit;
    }
    let watch = if args.now {
        Some(Duration::ZERO)
    } else {
        args.watch.map(Duration::from_secs)
    };
    let request = ReloadRequest {
        file,
        dry_run: args.dry_run,
        watch_ms: watch.map(|watch| u64::try_from(watch.as_millis()).unwrap_or(u64::MAX)),
    };
    for (number, client) in targets.clients {
        if several && let Some(number) = number {
            print::note(format!("node n{number}:"));
        }
        let exit = one(&client, &request, common.output).await;
        if exit != Exit::Ok {
            return exit;
        }
    }
    Exit::Ok
}

async fn one(client: &AdminClient, request: &ReloadRequest, output: Output) -> Exit {
    match client.reload(request).await {
        Ok(report) => {
            match output {
                Output::Json => {
                    print::json(&report);
                }
                Output::Text => {
                    print::quoted(&text(&report));
                }
            }
            match report.outcome {
                ReloadOutcome::RolledBack => Exit::No,
                ReloadOutcome::Unchanged | ReloadOutcome::DryRun | ReloadOutcome::Done => Exit::Ok,
            }
        }
        Err(ClientError::Refused {
            status: 409 | 422,
            message,
        }) => {
            print::error(format!("{message}\nnothing was changed"));
            Exit::No
        }
        Err(error) => failed(error),
    }
}

/// Prints what is wrong with a file. If that is more than a warning, the command ends.
pub(super) fn refuse_broken(file: &Path, output: Output) -> Option<Exit> {
    let outcome = ninefold_config::read(file);
    if outcome.file.is_none() {
        match output {
            Output::Json => print::json(&ninefold_config::to_json(&outcome)),
            Output::Text => print::out(&ninefold_config::render_checked(&outcome)),
        };
        print::error("nothing was changed");
        return Some(Exit::No);
    }
    if !outcome.findings.is_empty() {
        print::note(ninefold_config::render(&outcome).trim_end());
    }
    None
}

/// Who is to go on by which file.
pub(super) struct Targets {
    /// By number, if they are several nodes on a machine; at least one.
    pub(super) clients: Vec<(Option<u32>, AdminClient)>,
    /// Absolute: they have folders of their own.
    pub(super) file: Option<PathBuf>,
}

/// The node that runs, or all of several, and the file to go on by. A file that is given may be
/// another one than the node runs, and broken; then its node is the only one.
pub(super) fn targets(file: Option<&Path>, common: &CommonArgs) -> Result<Targets, Exit> {
    let state = common.state.as_deref();
    let at = |file| locate(file, state, common.node, true);
    let (given, located) = match at(file) {
        Err(LocateError::Broken(_)) => (None, at(None)),
        located => (file, located),
    };
    let located = located.map_err(failed)?;
    let file = file
        .map(Path::to_owned)
        .or_else(|| located.state.record().map(|record| record.file));
    let mut clients = vec![(located.node, AdminClient::new(&located.state))];
    if located.node.is_some() && common.node.is_none() {
        let all = locate_all(given, state, true).map_err(failed)?;
        let nodes = all.state.nodes().into_iter();
        clients = nodes
            .filter(|(_, node)| node.is_running())
            .map(|(number, node)| (Some(number), AdminClient::new(&node)))
            .collect();
    }
    Ok(Targets {
        clients,
        file: file.map(|file| std::path::absolute(&file).unwrap_or(file)),
    })
}

/// A report for a person.
pub(super) fn text(report: &ReloadReport) -> String {
    let mut text = String::new();
    for change in &report.changes {
        text.push_str(&format!("{change}\n"));
    }
    if let Some(watched) = &report.watched {
        text.push_str(&format!(
            "watched: {} of {} requests bad, beside {} of {} before\n",
            watched.successor_bad, watched.successor, watched.present_bad, watched.present
        ));
    }
    let (from, to) = (&report.from, &report.to);
    let said = match report.outcome {
        ReloadOutcome::Unchanged => "nothing differs from what runs".to_owned(),
        ReloadOutcome::DryRun if report.changes.is_empty() => {
            "nothing differs from what runs".to_owned()
        }
        ReloadOutcome::DryRun => "nothing was done".to_owned(),
        ReloadOutcome::Done => format!("reloaded: {from} to {to}"),
        ReloadOutcome::RolledBack => format!(
            "rolled back to {from}: {}",
            report.reason.as_deref().unwrap_or("it did not hold")
        ),
    };
    text.push_str(&said);
    text.push('\n');
    text
}
