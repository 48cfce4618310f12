//! No orphans: after the service's own end, whatever it left behind ends too.

use std::process;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait,
};

use crate::process::children_of;

/// A process that does not die within this time sits in the kernel; nobody can end it.
const SWEEP_MAX: Duration = Duration::from_secs(2);
/// Between two looks at what is left.
const PAUSE: Duration = Duration::from_millis(5);

/// Reaps children until `service` ends, adopted orphans included, so that none stays a zombie.
pub(crate) fn wait_for(service: Pid) -> Option<WaitStatus> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == service => {
                if status.exited() || status.signaled() {
                    return Some(status);
                }
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Ends the group of `service` and every descendant that was reparented to this subreaper.
pub(crate) fn sweep(service: Pid) {
    // Its members keep the group's number taken, and without members the call finds nobody.
    kill_process_group(service, Signal::KILL).ok();
    let deadline = Instant::now() + SWEEP_MAX;
    loop {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        for child in children_of(process::id()) {
            if let Some(pid) = child.raw() {
                kill_process(pid, Signal::KILL).ok();
            }
        }
        if Instant::now() >= deadline {
            return;
        }
        thread::sleep(PAUSE);
    }
}
