//! From a [`Spec`] to a command that is certain to say why it cannot run.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::disk::Spec;

use super::{lookup, user};

/// Why a command cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpawnError {
    /// An empty command.
    #[error("the command is empty")]
    Empty,
    /// A path that leads nowhere.
    #[error("{} does not exist: make it (`prepare` may), or change the command", program.display())]
    NoProgram {
        /// The path.
        program: PathBuf,
    },
    /// A name that no folder has.
    #[error(
        "`{program}` is in none of the folders of PATH ({path}): install it, or write its path"
    )]
    NotInPath {
        /// The name.
        program: String,
        /// The folders.
        path: String,
    },
    /// No execute permission at all.
    #[error("{} is not executable (mode {mode:04o}): try chmod +x", program.display())]
    NotExecutable {
        /// The file.
        program: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A folder is no program.
    #[error("{} is a folder: write the program in it", program.display())]
    Folder {
        /// The folder.
        program: PathBuf,
    },
    /// A script whose first line names no program.
    #[error(
        "{} begins with `#!{interpreter}`, which does not exist: install it, or change that line",
        program.display()
    )]
    NoInterpreter {
        /// The script.
        program: PathBuf,
        /// What its first line names.
        interpreter: String,
    },
    /// No such working directory.
    #[error(
        "the working directory {} {}: make it, or change `directory`",
        directory.display(),
        if directory.exists() { "is no folder" } else { "does not exist" }
    )]
    NoDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// No such user.
    #[error("there is no user `{name}` in /etc/passwd: add it, or change `user`")]
    NoUser {
        /// The name.
        name: String,
    },
    /// Only root may run things as others.
    #[error("to run as `{name}`, Ninefold must run as root; or leave `user` out")]
    NotRoot {
        /// The user asked for.
        name: String,
    },
    /// Whatever else the system says.
    #[error("{} could not be started: {source}", program.display())]
    System {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A command for `argv` in the environment, directory and user of `spec`, in a process group of
/// its own. `argv` is the service's own or that of a probe.
pub(crate) fn command(spec: &Spec, argv: &[String]) -> Result<(PathBuf, Command), SpawnError> {
    let (program, arguments) = argv.split_first().ok_or(SpawnError::Empty)?;
    if !spec.directory.is_dir() {
        return Err(SpawnError::NoDirectory {
            directory: spec.directory.clone(),
        });
    }
    let path = match spec.env.get("PATH") {
        Some(path) => OsString::from(path),
        None => lookup::inherited_path(),
    };
    let file = lookup::find(program, &path)?;
    let mut command = Command::new(&file);
    command
        .arg0(program)
        .args(arguments)
        .current_dir(&spec.directory)
        .process_group(0);
    for name in &spec.unset {
        command.env_remove(name);
    }
    if let Some(name) = &spec.user {
        run_as(&mut command, name)?;
    }
    command.envs(&spec.env);
    Ok((file, command))
}

/// Why the system refused to start `program`, which is there.
pub(super) fn refused(program: PathBuf, source: io::Error) -> SpawnError {
    match lookup::interpreter(&program) {
        Some(interpreter)
            if source.kind() == io::ErrorKind::NotFound && !Path::new(&interpreter).exists() =>
        {
            SpawnError::NoInterpreter {
                program,
                interpreter,
            }
        }
        _ => SpawnError::System { program, source },
    }
}

/// Supplementary groups are dropped by the standard library along with root.
fn run_as(command: &mut Command, name: &str) -> Result<(), SpawnError> {
    let user = user::lookup(name).ok_or_else(|| SpawnError::NoUser {
        name: name.to_owned(),
    })?;
    let own = rustix::process::geteuid();
    if own.as_raw() == user.uid {
        return Ok(());
    }
    if !own.is_root() {
        return Err(SpawnError::NotRoot {
            name: name.to_owned(),
        });
    }
    command
        .uid(user.uid)
        .gid(user.gid)
        .env("HOME", &user.home)
        .env("USER", &user.name)
        .env("LOGNAME", &user.name);
    Ok(())
}
