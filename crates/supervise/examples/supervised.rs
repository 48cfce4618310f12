//! A supervisor in a process of its own, for the tests: `supervised FOLDER KEEPER SERVICE [PREPARE]`
//! supervises one replica of the test service as `web`, after the shell command PREPARE, and prints
//! `ready` once. Its end by SIGKILL is what the tests are about.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ninefold_core::event::EventKind;
use ninefold_core::status::InstanceState;
use ninefold_supervise::{Options, Recorder, Supervisor};
use tokio::sync::mpsc;

#[path = "../tests/it/file.rs"]
mod file;

#[derive(Debug)]
struct Nowhere;

impl Recorder for Nowhere {
    fn record(&self, _: EventKind) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, keeper, service, prepare @ ..] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let folder = PathBuf::from(folder);
    let mut web = file::supervised(&[service, "{address}"]);
    web.prepare = prepare.first().map(|command| file::shell(command));
    let file = file::with(file::file(&folder), "web", web, file::ready());
    let (reports, mut received) = mpsc::channel(64);
    let options = Options {
        file: Arc::new(file),
        state: folder.join("state"),
        keeper: vec![keeper.into()],
        addresses: ninefold_supervise::Addresses::default(),
        reports,
        journal: Arc::new(Nowhere),
        tls: None,
        place: None,
    };
    let Ok(supervisor) = Supervisor::start(options).await else {
        return ExitCode::FAILURE;
    };
    let mut said = false;
    while received.recv().await.is_some() {
        let instances = supervisor.instances();
        let ready = instances.iter().all(|i| i.state == InstanceState::Ready);
        if ready && !said {
            said = writeln!(io::stdout(), "ready").is_ok();
        }
    }
    ExitCode::SUCCESS
}
