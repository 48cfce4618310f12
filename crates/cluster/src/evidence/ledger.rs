use std::collections::BTreeMap;

use ninefold_core::time::Timestamp;

use super::account::Account;
use super::opinion::Opinion;
use super::sign::{Channel, Sign};
use super::subject::{Health, Observer, Subject};

/// Subjects that a ledger keeps an account of at most. The one that was not heard of for longest goes first.
pub const SUBJECTS_MAX: usize = 4_096;

/// One thing that somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// About whom.
    pub subject: Subject,
    /// By whom.
    pub observer: Observer,
    /// When it was seen, by the clock of who keeps the ledger.
    pub at: Timestamp,
    /// How well the observer was.
    pub health: Health,
    /// What.
    pub said: Said,
}

/// What may be said of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// What a channel shows.
    Sign(Sign),
    /// The channel shows nothing any more: what the observer said on it before does not hold.
    Nothing(Channel),
    /// An incarnation with this nonce lives. One that was not known says that the one before has ended.
    Lives(u64),
    /// The incarnation with this nonce ended, and nobody asked for it: signed by its host, so the observer's health
    /// does not count.
    Ended(u64),
}

/// The accounts of all subjects that somebody said something of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    accounts: BTreeMap<Subject, Account>,
}

impl Ledger {
    /// A ledger without an account.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            accounts: BTreeMap::new(),
        }
    }

    /// Writes down what somebody said. What claims to come from later than `now` is dated `now`: a clock that is
    /// ahead may not make a word last.
    pub fn learn(&mut self, evidence: Evidence, now: Timestamp) {
        let Evidence {
            subject,
            observer,
            at,
            health,
            said,
        } = evidence;
        let at = at.min(now);
        let account = self.accounts.entry(subject).or_default();
        match said {
            Said::Sign(sign) => {
                account.say((sign.channel(), observer), Some(sign), health, at);
            }
            Said::Nothing(channel) => account.say((channel, observer), None, health, at),
            Said::Lives(nonce) => account.lives(nonce, at),
            Said::Ended(nonce) => account.ended(nonce, at),
        }
        if self.accounts.len() > SUBJECTS_MAX {
            self.forget_oldest();
        }
    }

    /// What is to be thought of a subject. Of one that nobody spoke of it is the prior.
    #[must_use]
    pub fn opinion(&self, subject: &Subject, now: Timestamp) -> Opinion {
        let voices = self
            .accounts
            .get(subject)
            .map(|account| account.voices(now));
        Opinion::of(&voices.unwrap_or_default())
    }

    /// Whether anybody spoke of it.
    #[must_use]
    pub fn knows(&self, subject: &Subject) -> bool {
        self.accounts.contains_key(subject)
    }

    /// Another process of the subject: what was said of the one before does not hold, but for how its processes ended.
    pub fn renew(&mut self, subject: &Subject, now: Timestamp) {
        if let Some(account) = self.accounts.get_mut(subject) {
            account.renew(now);
        }
    }

    /// Forgets a subject: it left.
    pub fn forget(&mut self, subject: &Subject) {
        self.accounts.remove(subject);
    }

    /// Forgets what is worth nothing any more. Call it every minute or so.
    pub fn tidy(&mut self, now: Timestamp) {
        self.accounts.retain(|_, account| !account.is_spent(now));
    }

    /// Those that have an account.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.accounts.keys()
    }

    fn forget_oldest(&mut self) {
        let oldest = self
            .accounts
            .iter()
            .min_by_key(|(_, account)| account.newest);
        if let Some(subject) = oldest.map(|(subject, _)| subject.clone()) {
            self.accounts.remove(&subject);
        }
    }
}
