//! `check` and `schema`.

use crate::args::{FileArgs, Output};
use crate::exit::Exit;
use crate::print;

/// Prints what is wrong with a file.
pub(crate) fn run(args: &FileArgs) -> Exit {
    let outcome = ninefold_config::read(&args.file);
    match args.output {
        Output::Json => print::json(&ninefold_config::to_json(&outcome)),
        Output::Text => print::out(&ninefold_config::render_checked(&outcome)),
    };
    if outcome.file.is_some() {
        Exit::Ok
    } else {
        Exit::No
    }
}

/// Prints the JSON Schema of the file.
pub(crate) fn schema() -> Exit {
    let schema = ninefold_config::schema();
    match serde_json::to_string_pretty(&schema) {
        Ok(text) => {
            print::line(text);
            Exit::Ok
        }
        Err(problem) => {
            print::error(problem);
            Exit::Failed
        }
    }
}
