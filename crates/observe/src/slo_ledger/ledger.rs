use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ninefold_core::slo::{AlertChange, Counts, Ledger, Objective, Resolution, RouteTotals};
use ninefold_core::status::SloStatus;
use ninefold_core::time::{Timestamp, nanos};

use super::error::LedgerError;
use super::record::{Head, Rings, decode_head, decode_rings, encode_head, encode_rings};
use super::twin::Twin;

/// Objectives at most: about 100 kB of memory each.
const OBJECTIVES_MAX: usize = 256;

/// Routes at most.
const ROUTES_MAX: usize = 4_096;

/// The accounts of all objectives and routes, in memory and on disk.
#[derive(Debug)]
pub struct SloLedger {
    accounts: BTreeMap<String, Account>,
    routes: Vec<(String, RouteTotals)>,
    rings: Twin,
    head: Twin,
    generation: u64,
    /// The last time something was counted.
    counted: Timestamp,
    /// Something was counted for an objective since the rings were written,
    pending: bool,
    /// in this 10 s bucket,
    bucket: u64,
    /// and in others too.
    spans: bool,
    dirty: bool,
}

#[derive(Debug)]
struct Account {
    ledger: Ledger,
    /// Counted since the rings were written.
    since: Counts,
}

impl SloLedger {
    /// Opens the ledger in `folder`, which is made if it does not exist. Counts of objectives and
    /// routes that are on disk go on. Also returns what a person should know: damage, and counts
    /// that begin anew.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made, an objective is there twice, or there are too many. Damaged
    /// files and a full disk are no errors but notices.
    pub fn open(
        folder: &Path,
        objectives: Vec<Objective>,
        routes: Vec<String>,
        now: Timestamp,
    ) -> Result<(Self, Vec<String>), LedgerError> {
        within("objectives", objectives.len(), OBJECTIVES_MAX)?;
        within("routes", routes.len(), ROUTES_MAX)?;
        fs::create_dir_all(folder).map_err(|source| LedgerError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let mut accounts = BTreeMap::new();
        for objective in objectives {
            let key = objective.key();
            let account = Account {
                ledger: Ledger::new(objective),
                since: Counts::default(),
            };
            if accounts.insert(key.clone(), account).is_some() {
                return Err(LedgerError::Twice(key));
            }
        }
        let (rings, found_rings) = Twin::open(folder, "slo-rings");
        let (head, found_head) = Twin::open(folder, "slo-head");
        let mut ledger = Self {
            accounts,
            routes: zeroes(routes),
            rings,
            head,
            generation: 0,
            counted: now,
            bucket: bucket(now),
            pending: false,
            spans: false,
            dirty: false,
        };
        let mut notices = Vec::new();
        let damaged = found_rings.damaged + found_head.damaged;
        if damaged > 0 {
            let lost = [&found_rings, &found_head]
                .iter()
                .any(|found| found.damaged > 0 && found.record.is_none());
            let follows = if lost {
                "no whole copy is left, counting begins anew"
            } else {
                "the copies before them are used"
            };
            notices.push(format!(
                "the SLO ledger: {damaged} of 4 files are damaged; {follows}"
            ));
        }
        let rings = found_rings.record.as_deref().and_then(decode_rings);
        let head = found_head.record.as_deref().and_then(decode_head);
        ledger.restore(
            rings.unwrap_or_default(),
            head.unwrap_or_default(),
            &mut notices,
        );
        if let Err(error) = ledger.write_rings() {
            notices.push(error.to_string());
        }
        Ok((ledger, notices))
    }

    /// Declares other objectives and routes. Counts of those that stay as they are go on; those of
    /// routes that are gone end. Also returns what a person should know.
    ///
    /// # Errors
    ///
    /// If an objective is there twice, or there are too many; nothing has changed then.
    pub fn redeclare(
        &mut self,
        objectives: Vec<Objective>,
        routes: Vec<String>,
    ) -> Result<Vec<String>, LedgerError> {
        within("objectives", objectives.len(), OBJECTIVES_MAX)?;
        within("routes", routes.len(), ROUTES_MAX)?;
        let mut accounts = BTreeMap::new();
        for objective in objectives {
            let key = objective.key();
            let account = Account {
                ledger: Ledger::new(objective),
                since: Counts::default(),
            };
            if accounts.insert(key.clone(), account).is_some() {
                return Err(LedgerError::Twice(key));
            }
        }
        let mut notices = Vec::new();
        for (key, before) in std::mem::take(&mut self.accounts) {
            let was = before.ledger.objective().definition();
            match accounts.get_mut(&key) {
                Some(account) if account.ledger.objective().definition() == was => {
                    *account = before;
                }
                Some(account) => notices.push(format!(
                    "the SLO ledger: `{key}` was {was} and is {}; its counts begin anew",
                    account.ledger.objective().definition()
                )),
                None => notices.push(format!(
                    "the SLO ledger: `{key}` is not declared any more; its counts end"
                )),
            }
        }
        self.accounts = accounts;
        let mut fresh = zeroes(routes);
        for (route, totals) in &mut fresh {
            let mut before = self.routes.iter();
            if let Some((_, counted)) = before.find(|(name, _)| name == route) {
                *totals = *counted;
            }
        }
        self.routes = fresh;
        // The rings on disk are of the objectives before.
        if let Err(error) = self.write_rings() {
            notices.push(error.to_string());
        }
        Ok(notices)
    }

    fn restore(&mut self, rings: Rings, head: Head, notices: &mut Vec<String>) {
        self.generation = rings.generation.max(head.generation);
        let mut fresh = Vec::new();
        for of in rings.objectives {
            let Some(account) = self.accounts.get_mut(&of.key) else {
                notices.push(format!(
                    "the SLO ledger: `{}` is not declared any more; its counts end",
                    of.key
                ));
                continue;
            };
            if account.ledger.objective().definition() == of.definition {
                *account.ledger.windows_mut() = of.windows;
                account.ledger.set_firing(of.firing);
            } else {
                notices.push(format!(
                    "the SLO ledger: `{}` was {} and is {}; its counts begin anew",
                    of.key,
                    of.definition,
                    account.ledger.objective().definition()
                ));
                fresh.push(of.key);
            }
        }
        // Rings of a newer generation already contain what an older head says.
        let current = head.generation >= rings.generation;
        let totals = if current { head.routes } else { rings.routes };
        for (route, totals) in totals {
            if let Some((_, known)) = self.routes.iter_mut().find(|(name, _)| *name == route) {
                *known = totals;
            }
        }
        if !current {
            return;
        }
        for (key, firing, counts) in head.objectives {
            if fresh.contains(&key) {
                continue;
            }
            if let Some(account) = self.accounts.get_mut(&key) {
                account.ledger.add(head.at, counts);
                account.ledger.set_firing(firing);
            }
        }
    }

    /// Counts events of the objective with this key, as in `checkout/availability`. Whether there is
    /// such an objective.
    pub fn add(&mut self, now: Timestamp, slo: &str, good: u64, bad: u64) -> bool {
        let Some(account) = self.accounts.get_mut(slo) else {
            return false;
        };
        let counts = Counts { good, bad };
        if counts.is_empty() {
            return true;
        }
        account.ledger.add(now, counts);
        account.since += counts;
        if self.pending {
            self.spans |= bucket(now) != self.bucket;
        } else {
            self.bucket = bucket(now);
        }
        self.pending = true;
        self.touch(now);
        true
    }

    /// Adds to the totals of a route. Whether there is such a route.
    pub fn add_route(&mut self, now: Timestamp, route: &str, delta: RouteTotals) -> bool {
        let Some((_, totals)) = self.routes.iter_mut().find(|(name, _)| name == route) else {
            return false;
        };
        if delta != RouteTotals::default() {
            *totals += delta;
            self.touch(now);
        }
        true
    }

    fn touch(&mut self, now: Timestamp) {
        self.counted = now;
        self.dirty = true;
    }

    /// Writes what is new: the head, or the rings when a 10 s bucket closed. Without news it does
    /// nothing. It does not wait for the disk.
    ///
    /// # Errors
    ///
    /// If a record cannot be written. The counts stay, and the next flush tries again.
    pub fn flush(&mut self, now: Timestamp) -> Result<(), LedgerError> {
        let closed = self.pending && (self.spans || bucket(now) != self.bucket);
        if closed {
            let rings = self.write_rings();
            // Where the rings cannot grow, the head in its place still can keep the sums.
            return self.write_head().and(rings);
        }
        if self.dirty {
            self.write_head()?;
        }
        Ok(())
    }

    /// All objectives, by key.
    #[must_use]
    pub fn slos(&self, now: Timestamp) -> Vec<SloStatus> {
        let accounts = self.accounts.values();
        accounts.map(|account| account.ledger.status(now)).collect()
    }

    /// The totals of all routes, in the order they were given.
    #[must_use]
    pub fn routes(&self) -> &[(String, RouteTotals)] {
        &self.routes
    }

    /// Looks at all alerts again; those that began or ended since the last call. They survive a
    /// restart, so that no alert begins twice.
    pub fn alerts(&mut self, now: Timestamp) -> Vec<AlertChange> {
        let mut changes = Vec::new();
        for account in self.accounts.values_mut() {
            changes.extend(account.ledger.alerts(now));
        }
        self.dirty |= !changes.is_empty();
        changes
    }

    fn write_rings(&mut self) -> Result<(), LedgerError> {
        let generation = self.generation.wrapping_add(1);
        let accounts = self.accounts.iter().map(|(key, account)| {
            let ledger = &account.ledger;
            let definition = ledger.objective().definition();
            (key.as_str(), definition, ledger.firing(), ledger.windows())
        });
        let record = encode_rings(generation, accounts, &self.routes);
        let written = self.rings.write(&record);
        written.map_err(|source| failed(self.rings.target().to_owned(), source))?;
        self.generation = generation;
        for account in self.accounts.values_mut() {
            account.since = Counts::default();
        }
        self.pending = false;
        self.spans = false;
        self.dirty = true;
        Ok(())
    }

    fn write_head(&mut self) -> Result<(), LedgerError> {
        let accounts = self.accounts.iter();
        let head = Head {
            generation: self.generation,
            at: self.counted,
            objectives: accounts
                .map(|(key, account)| (key.clone(), account.ledger.firing(), account.since))
                .collect(),
            routes: self.routes.clone(),
        };
        let written = self.head.write(&encode_head(&head));
        written.map_err(|source| failed(self.head.target().to_owned(), source))?;
        self.dirty = false;
        Ok(())
    }
}

const fn failed(file: PathBuf, source: std::io::Error) -> LedgerError {
    LedgerError::Write { file, source }
}

const fn within(what: &'static str, given: usize, max: usize) -> Result<(), LedgerError> {
    if given > max {
        return Err(LedgerError::TooMany { what, given, max });
    }
    Ok(())
}

fn zeroes(routes: Vec<String>) -> Vec<(String, RouteTotals)> {
    let routes = routes.into_iter();
    routes
        .map(|route| (route, RouteTotals::default()))
        .collect()
}

fn bucket(at: Timestamp) -> u64 {
    at.as_nanos() / nanos(Resolution::Fine.width())
}
