//! Which versions of whom.

use toml::Table;

use crate::failure::{Failure, While};
use crate::workspace;

/// What the programs need that is no peer.
const TOOLS: [&str; 5] = ["criterion", "layered", "serde_json", "stats_alloc", "tick"];

/// The peers and their versions, as in `tower 0.5.3, …`.
pub(super) fn versions() -> Result<String, Failure> {
    let folder = workspace::root()?.join("benches/policies");
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).while_(&format!("read {}", path.display()))
    };
    let versions = locked(&read("Cargo.toml")?, &read("Cargo.lock")?);
    versions.ok_or_else(|| Failure::new("benches/policies/Cargo.lock does not look as expected"))
}

fn locked(manifest: &str, lock: &str) -> Option<String> {
    let manifest: Table = manifest.parse().ok()?;
    let lock: Table = lock.parse().ok()?;
    let packages = lock.get("package")?.as_array()?;
    let version = |name: &str| {
        let mut found = packages
            .iter()
            .filter(|package| package.get("name").and_then(|n| n.as_str()) == Some(name));
        found.next()?.get("version")?.as_str()
    };
    let names = manifest.get("dependencies")?.as_table()?.keys();
    let peers = names
        .filter(|name| *name != "ninefold" && !TOOLS.contains(&name.as_str()))
        .map(|name| Some(format!("{name} {}", version(name)?)));
    Some(peers.collect::<Option<Vec<_>>>()?.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        let manifest = "[dependencies]\nninefold.workspace = true\ntower.workspace = true\ntick.workspace = true\n";
        let lock = "[[package]]\nname = \"tower\"\nversion = \"0.5.3\"\n";
        assert_eq!(locked(manifest, lock).as_deref(), Some("tower 0.5.3"));
        assert_eq!(locked(manifest, "[[package]]\nname = \"x\"\n"), None);
    }

    #[test]
    fn the_real_ones_can_be_read() {
        assert!(versions().unwrap().contains("seatbelt 0."));
    }
}
