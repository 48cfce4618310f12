//! `readmit`.

use ninefold_agent::ClientError;

use super::node::{Named, failed, found};
use super::ways::Ways;
use crate::args::{Output, ReadmitArgs};
use crate::exit::Exit;
use crate::print;

/// What a node answers that does not hold the instance.
const NOT_HELD: u16 = 409;

/// Takes an instance back that was put into quarantine, at every node of this machine that holds it.
pub(crate) async fn run(args: ReadmitArgs) -> Exit {
    let located = match found(Named::of(&args.node)) {
        Ok(located) => located,
        Err(exit) => return exit,
    };
    let (mut readmitted, mut refused) = (false, None);
    for client in Ways::to(&located).clients() {
        match client.readmit(&args.instance).await {
            Ok(()) => readmitted = true,
            Err(
                refusal @ ClientError::Refused {
                    status: NOT_HELD, ..
                },
            ) => refused = Some(refusal),
            Err(error) => return failed(error),
        }
    }
    match refused {
        Some(refusal) if !readmitted => failed(refusal),
        _ => {
            let instance = args.instance.to_string();
            match args.node.common.output {
                Output::Json => {
                    print::json(&serde_json::json!({ "readmitted": instance }));
                }
                Output::Text => print::note(format!("{instance} takes requests again")),
            }
            Exit::Ok
        }
    }
}
