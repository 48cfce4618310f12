//! The `ninefold` command.

mod args;
mod commands;
mod exit;
mod print;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let exit = commands::run(args);
    if print::is_lost() {
        return exit::Exit::Failed.into();
    }
    exit.into()
}
