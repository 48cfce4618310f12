//! From the command line to the command.

use std::future::Future;

use super::{
    check, detect, events, incidents, init, keys, logs, manual, members, own_cluster, readmit,
    reload, status, stop, token, up, upgrade, verify,
};
use crate::args::{Args, Command};
use crate::exit::Exit;
use crate::print;

/// Control threads of `up`; the other commands need one.
const CONTROL_THREADS: usize = 2;

/// Runs the command.
pub(crate) fn run(args: Args) -> Exit {
    match args.command {
        Command::Up(args) => block_on(CONTROL_THREADS, up::run(args)),
        Command::Init(args) => init::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Keys(command) => keys::run(&command),
        Command::Expel(args) => block_on(1, keys::expel(args)),
        Command::Check(args) => check::run(&args),
        Command::Schema => check::schema(),
        Command::Status(args) => block_on(1, status::run(args)),
        Command::Members(args) => block_on(1, members::run(args)),
        Command::Events(args) => block_on(1, events::run(args)),
        Command::Incidents(args) => block_on(1, incidents::list(args)),
        Command::Explain(args) => block_on(1, incidents::explain(args)),
        Command::Logs(args) => logs::run(&args),
        Command::Verify(args) => block_on(CONTROL_THREADS, verify::run(args)),
        Command::Detect(command) => detect::run(command),
        Command::Stop(args) => block_on(1, stop::run(args)),
        Command::Readmit(args) => block_on(1, readmit::run(args)),
        Command::Upgrade(args) => block_on(1, upgrade::run(args)),
        Command::Reload(args) => block_on(1, reload::run(args)),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man(folder.as_deref()),
        Command::Keep { folder } => hidden(ninefold_agent::supervise::keeper::main(&folder)),
        Command::Reap { own, folder } => hidden(own_cluster::reap(&folder, own.as_deref())),
    }
}

/// A child process of ours reports through its folder; its code only says whether it could.
fn hidden(code: std::process::ExitCode) -> Exit {
    if code == std::process::ExitCode::SUCCESS {
        Exit::Ok
    } else {
        Exit::Failed
    }
}

fn block_on(threads: usize, command: impl Future<Output = Exit>) -> Exit {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("control")
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(command);
            // A blocking read that nobody waits for any more must not hold the exit.
            runtime.shutdown_background();
            exit
        }
        Err(problem) => {
            print::error(format!("no threads: {problem}"));
            Exit::Failed
        }
    }
}
