//! Ninefold before its replicas, and how it is changed.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::backend::Settings;
use crate::port;
use crate::problem::{Problem, While};
use crate::process::Process;
use crate::stage::answers;

const REPLICAS: usize = 3;

/// A node. All of it ends when this value goes away.
#[derive(Debug)]
pub(super) struct Node {
    program: PathBuf,
    folder: PathBuf,
    pub(super) listen: SocketAddr,
    addresses: Vec<SocketAddr>,
    /// How often its file was changed.
    changes: u64,
    _replicas: Vec<Process>,
    /// The first process of all; its successors are not ours to wait for.
    _first: Process,
}

impl Node {
    /// Starts all of it in an empty folder.
    pub(super) async fn start(program: &Path, folder: &Path) -> Result<Self, Problem> {
        if folder.exists() {
            fs::remove_dir_all(folder).while_(&format!("empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder).while_(&format!("make {}", folder.display()))?;
        let own = std::env::current_exe().while_("find this program")?;
        let (mut replicas, mut addresses) = (Vec::new(), Vec::new());
        for number in 0..REPLICAS {
            let address = port::free()?;
            let words = [
                own.display().to_string(),
                "backend".to_owned(),
                number.to_string(),
                address.to_string(),
                Settings::default().to_string(),
                "/dev/null".to_owned(),
            ];
            let mut process = Process::start(&words, &folder.join("replicas.log"))?;
            answers(address, "/health", || process.runs()).await?;
            replicas.push(process);
            addresses.push(address);
        }
        let listen = port::free()?;
        write(folder, &addresses, listen, 0)?;
        let words = [
            program.display().to_string(),
            "up".to_owned(),
            folder.join("ninefold.toml").display().to_string(),
            "--quiet".to_owned(),
        ];
        let mut first = Process::start(&words, &folder.join("ninefold.log"))?;
        answers(listen, "/", || first.runs()).await?;
        Ok(Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            listen,
            addresses,
            changes: 0,
            _replicas: replicas,
            _first: first,
        })
    }

    /// Changes the file, and has it reloaded.
    pub(super) async fn reload(&mut self) -> Result<(), Problem> {
        self.changes += 1;
        write(&self.folder, &self.addresses, self.listen, self.changes)?;
        let said = self.ninefold(&["reload", "--now"]).await?;
        if said.contains("reloaded") {
            Ok(())
        } else {
            Err(format!("no reload: {said}"))
        }
    }

    /// Has another process take over.
    pub(super) async fn upgrade(&mut self) -> Result<(), Problem> {
        self.ninefold(&["upgrade"]).await.map(drop)
    }

    async fn ninefold(&self, words: &[&str]) -> Result<String, Problem> {
        let output = Command::new(&self.program)
            .args(words)
            .arg(self.folder.join("ninefold.toml"))
            .output()
            .await
            .while_("run ninefold")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            let said = text(&output.stdout) + &text(&output.stderr);
            Err(format!("`ninefold {}`: {}", words.join(" "), said.trim()))
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let stopped = std::process::Command::new(&self.program)
            .arg("stop")
            .arg(self.folder.join("ninefold.toml"))
            .output();
        if let Err(why) = stopped {
            eprintln!("cannot stop ninefold: {why}");
        }
    }
}

/// A file that differs from all before in a time that nothing takes.
fn write(
    folder: &Path,
    addresses: &[SocketAddr],
    listen: SocketAddr,
    change: u64,
) -> Result<(), Problem> {
    let endpoints: Vec<String> = addresses.iter().map(|one| format!("\"{one}\"")).collect();
    let text = format!(
        "[node]\nadmin = \"off\"\nstate = \"{}\"\n\n[service.app]\nendpoints = [{}]\n\n\
         [[listener]]\naddress = \"{listen}\"\n[[listener.route]]\nservice = \"app\"\n\
         timeout = \"{}ms\"\n",
        folder.join("state").display(),
        endpoints.join(", "),
        10_000 + change
    );
    let (new, path) = (folder.join("new.toml"), folder.join("ninefold.toml"));
    fs::write(&new, text).while_("write the file")?;
    fs::rename(&new, &path).while_("write the file")
}
