//! Members of clusters beside each other, in one simulator, under the same faults. Run by
//! `cargo xtask bench membership`; prints a page in Markdown, the same on every machine.

mod chitchat;
mod foca;
mod options;
mod page;
mod peer;
mod pool;
mod run;
mod scenario;

use std::io::{self, Write};
use std::process::ExitCode;

use options::{Options, USAGE};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("error: {why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let page = pool::page(&options);
    match io::stdout().write_all(page.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(1)
        }
    }
}
