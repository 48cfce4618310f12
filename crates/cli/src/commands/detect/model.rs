//! `detect model`.

use std::fmt::Write;

use ninefold_cluster::model::Model;
use ninefold_cluster::trace::Step;

use crate::args::{ModelArg, ModelArgs};
use crate::exit::Exit;
use crate::print;

/// Written at once.
const PIECE: usize = 64 << 10;

/// Writes a modelled trace to standard output.
pub(super) fn run(args: &ModelArgs) -> Exit {
    let model = match args.model {
        ModelArg::Wan => Model::Wan,
        ModelArg::Lan => Model::Lan,
        ModelArg::Cloud => Model::Cloud,
    };
    let mut text = format!(
        "# modelled, not recorded: {model}, seed {}\nseq,sent_us,arrived_us\n",
        args.seed
    );
    let mut heartbeats = 0;
    for step in model.trace(args.seed) {
        if heartbeats == args.count {
            break;
        }
        heartbeats += u64::from(matches!(step, Step::Heartbeat { .. }));
        // Writing to a text cannot fail.
        writeln!(text, "{step}").ok();
        if text.len() >= PIECE {
            if !print::out(&text) {
                return Exit::Ok;
            }
            text.clear();
        }
    }
    print::out(&text);
    Exit::Ok
}
