//! `completions` and `man`.

use std::path::Path;

use clap::CommandFactory;

use super::node::failed;
use crate::args::Args;
use crate::exit::Exit;
use crate::print;

/// Prints the completions for a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "ninefold", &mut text);
    print::out(&String::from_utf8_lossy(&text));
    Exit::Ok
}

/// Writes the manual pages.
pub(crate) fn man(folder: Option<&Path>) -> Exit {
    let Some(folder) = folder else {
        let mut text = Vec::new();
        return match clap_mangen::Man::new(Args::command()).render(&mut text) {
            Ok(()) => {
                print::out(&String::from_utf8_lossy(&text));
                Exit::Ok
            }
            Err(error) => failed(error),
        };
    };
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Args::command(), folder));
    match written {
        Ok(()) => {
            print::note(format!("manual pages written to {}", folder.display()));
            Exit::Ok
        }
        Err(error) => failed(format!("{}: {error}", folder.display())),
    }
}
