//! The programs in `benches/policies`: fetched, built and run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::options::Options;
use super::subject::Subject;
use crate::failure::{Failure, While};
use crate::step::{cargo, output, run};
use crate::{say, workspace};

/// The built programs.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    cases: String,
}

impl Programs {
    /// Fetches the peers, and builds everything for release.
    pub(super) fn build(options: &Options) -> Result<Self, Failure> {
        let root = workspace::root()?;
        let manifest = root.join("benches/policies/Cargo.toml");
        let manifest = manifest.to_string_lossy();
        say::progress("── fetch the peers");
        // Not `--locked`: what Ninefold itself needs changes more often than this lock file, which
        // keeps the peers where they are all the same.
        output(&mut cargo(&["fetch", "--manifest-path", &manifest])?).map_err(|why| {
            Failure::new(format!(
                "the peers are packages of a registry that cargo could not fetch; once they are there no registry is needed\n{why}"
            ))
        })?;
        say::progress("── build");
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let target = target.join("bench-policies");
        let build = ["build", "--release", "--manifest-path", &manifest];
        run(cargo(&build)?.arg("--target-dir").arg(&target)).map_err(|why| {
            Failure::new(format!(
                "{why}; if it is a peer that this toolchain does not build, the error above names it"
            ))
        })?;
        Ok(Self {
            folder: target.join("release"),
            cases: options.cases.clone(),
        })
    }

    /// Where one of them is.
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        if !self.cases.is_empty() {
            command.args(["--cases", &self.cases]);
        }
        command
    }

    /// All subjects, with what they allocate.
    pub(super) fn subjects(&self) -> Result<Vec<Subject>, Failure> {
        let text = output(&mut self.command("allocations"))?;
        text.lines().map(Subject::parse).collect()
    }

    /// One round over all subjects, into a folder of its own; the lines that say the times.
    pub(super) fn measure(&self, options: &Options, folder: &Path) -> Result<String, Failure> {
        let mut command = self.command("measure");
        command
            .args(["--threads", &options.threads_text()])
            .arg("--into")
            .arg(folder)
            // Criterion talks to whoever watches; the standard output is for results.
            .stdout(Stdio::from(std::io::stderr()));
        if options.quick {
            command.arg("--quick");
        }
        run(&mut command)?;
        let file = folder.join("times.jsonl");
        std::fs::read_to_string(&file).while_(&format!("read {}", file.display()))
    }
}
