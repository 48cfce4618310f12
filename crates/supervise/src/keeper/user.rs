//! Users by name.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: String,
}

/// Looks `name` up in `/etc/passwd`. Users of a directory service (NSS) are not found.
pub(crate) fn lookup(name: &str) -> Option<User> {
    lookup_in(Path::new("/etc/passwd"), name)
}

fn lookup_in(path: &Path, name: &str) -> Option<User> {
    let lines = BufReader::new(fs::File::open(path).ok()?).lines();
    lines.map_while(Result::ok).find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [found, _, uid, gid, _, home, ..] = fields.as_slice() else {
            return None;
        };
        (*found == name).then_some(())?;
        Some(User {
            name: name.to_owned(),
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            home: (*home).to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_users_by_their_whole_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            file.path(),
            "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:34::/srv:/bin/false\n",
        )
        .unwrap();
        let web = lookup_in(file.path(), "web").unwrap();
        assert_eq!((web.uid, web.gid, web.home.as_str()), (33, 34, "/srv"));
        assert_eq!(lookup_in(file.path(), "we"), None);
    }
}
