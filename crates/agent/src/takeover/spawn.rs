//! Starting a successor.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::Handle;

/// An upgrade.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UpgradeRequest {
    /// The program that is to take over, as an absolute path.
    pub program: PathBuf,
    /// Its file, as an absolute path; the one that runs if absent.
    pub file: Option<PathBuf>,
}

/// A successor that was started.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct UpgradeStarted {
    /// Its process. It serves once the status says so.
    pub(crate) pid: u32,
}

/// Starts the program of `request`, with the environment and the log of this process; it then takes
/// over by itself.
pub(crate) fn spawn(handle: &Handle, request: &UpgradeRequest) -> io::Result<UpgradeStarted> {
    let file = match &request.file {
        Some(file) => file.clone(),
        None => handle.lock().parts.file.path.clone(),
    };
    let launch = handle.launch();
    let mut arguments: Vec<OsString> = vec!["up".into(), "--take-over".into()];
    arguments.extend(launch.arguments.iter().cloned());
    arguments.extend(["--state".into(), launch.state.path().into()]);
    arguments.push(file.into());
    let mut child = tokio::process::Command::new(&request.program)
        .args(arguments)
        .stdin(Stdio::null())
        .spawn()?;
    let pid = child.id().ok_or(io::ErrorKind::NotFound)?;
    handle.lock().notice(format!(
        "upgrade: {} was started as pid {pid}",
        request.program.display()
    ));
    drop(tokio::spawn(async move {
        // It outlives this process, or ends before: then somebody has to take note.
        if let Ok(status) = child.wait().await {
            tracing::warn!("the successor, pid {pid}, ended: {status}");
        }
    }));
    Ok(UpgradeStarted { pid })
}
