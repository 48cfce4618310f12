//! Ninefold before its replicas, and how it is changed.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use crate::backend::Settings;
use crate::ninefold::{FILE, Ninefold};
use crate::port;
use crate::problem::{Problem, While};
use crate::process::Process;
use crate::stage::answers;

const REPLICAS: usize = 3;

/// A node. All of it ends when this value goes away.
#[derive(Debug)]
pub(super) struct Node {
    ninefold: Ninefold,
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
            folder.join(FILE).display().to_string(),
            "--quiet".to_owned(),
        ];
        let mut first = Process::start(&words, &folder.join("ninefold.log"))?;
        answers(listen, "/", || first.runs()).await?;
        Ok(Self {
            ninefold: Ninefold {
                program: program.to_owned(),
                folder: folder.to_owned(),
            },
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
        write(
            &self.ninefold.folder,
            &self.addresses,
            self.listen,
            self.changes,
        )?;
        let said = self.ninefold.run(&["reload", "--now", FILE]).await?;
        if said.contains("reloaded") {
            Ok(())
        } else {
            Err(format!("no reload: {said}"))
        }
    }

    /// Has another process take over.
    pub(super) async fn upgrade(&mut self) -> Result<(), Problem> {
        self.ninefold.run(&["upgrade", FILE]).await.map(drop)
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
    let (new, path) = (folder.join("new.toml"), folder.join(FILE));
    fs::write(&new, text).while_("write the file")?;
    fs::rename(&new, &path).while_("write the file")
}
