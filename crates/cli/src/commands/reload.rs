//! `reload`.

use std::path::Path;
use std::time::Duration;

use ninefold_agent::{
    AdminClient, ClientError, ReloadOutcome, ReloadReport, ReloadRequest, locate,
};

use super::node::failed;
use crate::args::{Output, ReloadArgs};
use crate::exit::Exit;
use crate::print;

/// Has the node go on by a file.
pub(crate) async fn run(args: ReloadArgs) -> Exit {
    let located = match target(args.node.file.as_deref(), args.node.common.state.as_deref()) {
        Ok(located) => located,
        Err(exit) => return exit,
    };
    let (client, file) = located;
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
    match client.reload(&request).await {
        Ok(report) => {
            match args.node.common.output {
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

/// The node that runs, and the file it is to go on by, absolute: it has a folder of its own. A file
/// that is given may be another one than the node runs, and broken; then its node is the only one.
pub(super) fn target(
    file: Option<&Path>,
    state: Option<&Path>,
) -> Result<(AdminClient, Option<std::path::PathBuf>), Exit> {
    let located = match locate(file, state, true) {
        Err(ninefold_agent::LocateError::Broken(_)) => locate(None, state, true),
        located => located,
    };
    let located = located.map_err(failed)?;
    let file = file
        .map(Path::to_owned)
        .or_else(|| located.state.record().map(|record| record.file));
    let file = file.map(|file| std::path::absolute(&file).unwrap_or(file));
    Ok((AdminClient::new(&located.state), file))
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
