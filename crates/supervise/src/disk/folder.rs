//! The folder of one instance.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ninefold_core::id::InstanceId;

/// `<state>/instances/<service>-<ordinal>/`.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Where all instances have their folders.
    pub(crate) fn all(state: &Path) -> PathBuf {
        state.join("instances")
    }

    /// The folder of `instance`.
    pub(crate) fn of(state: &Path, instance: &InstanceId) -> Self {
        Self(Self::all(state).join(format!("{}-{}", instance.service, instance.ordinal)))
    }

    /// A folder that is known by its path.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The instance that a folder of this name is for.
    pub(crate) fn instance(name: &str) -> Option<InstanceId> {
        let (service, ordinal) = name.rsplit_once('-')?;
        (!service.is_empty()).then_some(())?;
        Some(InstanceId::new(service, ordinal.parse().ok()?))
    }

    /// Makes the folder, for its owner only.
    pub(crate) fn create(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What the keeper starts.
    pub(crate) fn spec(&self) -> PathBuf {
        self.0.join("spec.json")
    }

    /// What runs.
    pub(crate) fn run(&self) -> PathBuf {
        self.0.join("run.json")
    }

    /// How it ended.
    pub(crate) fn exit(&self) -> PathBuf {
        self.0.join("exit.json")
    }

    /// Which process is ready.
    pub(crate) fn ready(&self) -> PathBuf {
        self.0.join("ready.json")
    }

    /// The port it had last.
    pub(crate) fn port(&self) -> PathBuf {
        self.0.join("port")
    }

    /// The captured output; older parts have `.1` and so on behind it.
    pub(crate) fn output(&self) -> PathBuf {
        self.0.join("output.log")
    }

    /// What keepers complain about.
    pub(crate) fn keeper_log(&self) -> PathBuf {
        self.0.join("keeper.log")
    }

    /// Held by the keeper as long as it lives.
    pub(crate) fn keeper_lock(&self) -> PathBuf {
        self.0.join("keeper.lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_lead_back_to_instances() {
        let id = InstanceId::new("a-b", 12);
        let folder = Folder::of(Path::new("/s"), &id);
        assert_eq!(folder.path(), Path::new("/s/instances/a-b-12"));
        assert_eq!(Folder::instance("a-b-12"), Some(id));
        for other in ["", "a", "-1", "a-x"] {
            assert_eq!(Folder::instance(other), None, "{other}");
        }
    }
}
