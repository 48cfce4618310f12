//! `testdata/*.txt`: commands and what nodes said. `UPDATE_EXPECT=1` rewrites them.

use std::path::Path;

use expect_test::expect_file;
use ninefold_sim::transcript;

use crate::swim::lan;

fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let printed = transcript::run(&text, &|peer| (peer == "swim").then(lan));
    expect_file![path].assert_eq(&printed);
}

#[test]
fn swim_crash() {
    check("swim_crash.txt");
}

#[test]
fn swim_refutes() {
    check("swim_refutes.txt");
}

#[test]
fn swim_partition() {
    check("swim_partition.txt");
}

#[test]
fn commands_that_make_no_sense() {
    check("commands.txt");
}
