//! Whether the files that a file names exist.

use std::path::{Component, Path, PathBuf};

use super::place;
use crate::build::Built;
use crate::endpoints::{BrokenEndpoints, endpoints};
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Fallback, FixedBody, ServiceKind, Source, SourceKind, Supervised};

/// Where users are looked up.
const USERS: &str = "/etc/passwd";

/// Looks at the file system. A TLS listener cannot be opened without its files: errors. What a
/// start needs may be made before it: warnings.
pub(crate) fn paths(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    let folder = built.file.folder();
    for (path, listener) in place::listeners(&built.file) {
        for (index, tls) in listener.tls.iter().enumerate() {
            // One certificate is written as a table, several as an array.
            let tables = path.key("tls");
            let element = tables.index(index);
            let at = if built.written(&element) {
                element
            } else {
                tables
            };
            for (key, named) in [("certificate", &tls.certificate), ("key", &tls.key)] {
                needed(&folder, named, &at.key(key), report);
            }
        }
    }
    for (path, listener) in place::listeners(&built.file) {
        if let Some(ca) = &listener.client_ca {
            needed(&folder, ca, &path.key("client_ca"), report);
        }
    }
    for (path, route) in place::routes(&built.file) {
        if let Some(Fallback::Answer(answer)) = &route.fallback
            && let FixedBody::File(named) = &answer.body
        {
            needed(
                &folder,
                named,
                &path.key("fallback").key("body_file"),
                report,
            );
        }
    }
    for (name, service) in &built.file.services {
        let path = place::service(name).key("tls");
        let tls = service.tls.iter();
        let files = tls.flat_map(|tls| {
            [
                ("ca", &tls.ca),
                ("certificate", &tls.certificate),
                ("key", &tls.key),
            ]
        });
        for (key, named) in files {
            if let Some(named) = named {
                needed(&folder, named, &path.key(key), report);
            }
        }
        match &service.kind {
            ServiceKind::Supervised(supervised) => {
                start(supervised, &folder, &place::service(name), report);
            }
            ServiceKind::External(external) => {
                let at = place::service(name).key("endpoints").key("file");
                if let Some(source) = &external.source {
                    watched(source, &folder, &at, report);
                }
            }
        }
    }
}

/// A file without which nothing can be opened.
fn needed(folder: &Path, named: &Path, at: &KeyPath, report: &mut Report<'_, '_>) {
    if let Some(why) = unreadable(&folder.join(named)) {
        report.check(
            Draft::error("missing-file", at, why)
                .value(named.display())
                .help("relative paths begin at the folder of this file"),
            &[],
        );
    }
}

/// A file that is watched may come, and be mended, later.
fn watched(source: &Source, folder: &Path, at: &KeyPath, report: &mut Report<'_, '_>) {
    let SourceKind::File(named) = &source.kind else {
        return;
    };
    let path = folder.join(named);
    let help = "until it can be read the service has no endpoints, or those it had";
    if let Some(why) = unreadable(&path) {
        let draft = Draft::warning("missing-file", at, why).value(named.display());
        return report.check(draft.help(help), &[]);
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    if let Err(BrokenEndpoints { line, message }) = endpoints(&text, &path) {
        let message = format!("`{}:{line}`: {message}", shown(&path));
        let draft = Draft::warning("broken-file", at, message).value(named.display());
        report.check(draft.help(help), &[]);
    }
}

fn unreadable(path: &Path) -> Option<String> {
    match path.metadata() {
        Ok(found) if found.is_file() => None,
        Ok(_) => Some(format!("`{}` is no file", shown(path))),
        Err(error) => Some(format!("`{}`: {error}", shown(path))),
    }
}

/// Without the `.` that joining leaves behind.
fn shown(path: &Path) -> String {
    let clean: PathBuf = path
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    clean.display().to_string()
}

fn start(service: &Supervised, folder: &Path, path: &KeyPath, report: &mut Report<'_, '_>) {
    let mut warn = |code: &'static str, key: KeyPath, why: String, help: &str| {
        report.check(Draft::warning(code, &key, why).help(help), &[]);
    };
    if let Some(named) = &service.env_file
        && let Some(why) = unreadable(&folder.join(named))
    {
        warn(
            "missing-file",
            path.key("env_file"),
            why,
            "no instance starts without it; relative paths begin at the folder of this file",
        );
    }
    if let Some(named) = &service.directory
        && !folder.join(named).is_dir()
    {
        warn(
            "missing-file",
            path.key("directory"),
            format!("`{}` is no folder", shown(&folder.join(named))),
            "no instance starts without it; relative paths begin at the folder of this file",
        );
    }
    if let Some(user) = &service.user
        && !has_user(&users(), user)
    {
        warn(
            "unknown-user",
            path.key("user"),
            format!("there is no user `{user}` in /etc/passwd"),
            "no instance starts without it: add it, or leave `user` out",
        );
    }
    let program = service.run.first().map(String::as_str).unwrap_or_default();
    if service.prepare.is_none()
        && program.contains('/')
        && !program.contains('{')
        && let Some(why) = unreadable(&folder.join(program))
    {
        warn(
            "missing-file",
            path.key("run").index(0),
            why,
            "a program with a `/` begins at the folder of this file; `prepare` may build it",
        );
    }
}

/// Those that the supervisor knows; without the file it knows none.
fn users() -> String {
    let bytes = std::fs::read(USERS).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn has_user(users: &str, name: &str) -> bool {
    let mut names = users.lines().filter_map(|line| line.split(':').next());
    names.any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_users_by_their_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/srv:/bin/false\n";
        assert!(has_user(users, "web") && !has_user(users, "we") && !has_user(users, "x"));
    }

    #[test]
    fn a_path_is_shown_as_it_was_meant() {
        assert_eq!(shown(&Path::new(".").join("./bin/x")), "bin/x");
        assert_eq!(shown(Path::new("/srv/./x")), "/srv/x");
        assert_eq!(shown(Path::new("../x")), "../x");
    }
}
