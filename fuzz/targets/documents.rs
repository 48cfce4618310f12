//! Files of instances: their documents, and `env_file`.
#![no_main]

use std::sync::LazyLock;

use ninefold_fuzz::Scratch;
use ninefold_supervise::fuzzing::{documents, env_file};

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::new);

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let path = SCRATCH.file("run.json", input);
    documents(&path);
    for (name, value) in env_file(&path).unwrap_or_default() {
        // What the system takes as a variable.
        assert!(!name.is_empty() && !name.contains(['=', '\0']), "{name:?}");
        assert!(!value.contains('\0'), "{value:?}");
    }
});
