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
    clap_complete::generate(shell, &mut shown(), "ninefold", &mut text);
    print::out(&String::from_utf8_lossy(&text));
    Exit::Ok
}

/// The command without what is hidden from its help, which completions would show.
fn shown() -> clap::Command {
    let whole = Args::command();
    let visible = whole.get_subcommands().filter(|sub| !sub.is_hide_set());
    clap::Command::new("ninefold")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(visible.cloned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_offer_what_the_help_shows() {
        let shown = shown();
        let names: Vec<&str> = shown
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert!(
            names.contains(&"verify") && names.contains(&"man"),
            "{names:?}"
        );
        assert!(
            !names.contains(&"keep") && !names.contains(&"reap"),
            "{names:?}"
        );
    }

    #[test]
    fn every_command_says_its_exit_codes_and_has_an_example() {
        for command in shown().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            for part in ["Exit code", "Example"] {
                assert!(help.contains(part), "{}: {help}", command.get_name());
            }
        }
    }
}
