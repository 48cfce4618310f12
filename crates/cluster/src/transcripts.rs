//! Transcripts in `testdata/*/*.txt`: lines that are commands, and below each, after two spaces, what followed. They
//! are played again, and rewritten by `UPDATE_EXPECT=1`.

use std::path::Path;

/// Plays every transcript of a folder of `testdata`, which has `least` of them or more.
pub(crate) fn all(folder: &str, least: usize, play: impl Fn(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(folder);
    let mut count = 0;
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        expect_test::expect_file![&path].assert_eq(&play(&text));
        count += 1;
    }
    assert!(count >= least, "only {count} transcripts");
}
