//! What follows from an opinion: as little as helps, and nothing that cannot be undone on one node's word.

use ninefold_core::taxonomy::FailureClass;

/// What is done, in the order of how much it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nothing but to look closer.
    Watch,
    /// It gets less traffic.
    Deweight,
    /// It gets no new traffic; what is under way ends.
    Drain,
    /// It gets nothing, and nobody believes what it says. It runs on, for who wants to look.
    Quarantine,
    /// Whatever it still does has no effect: its token is void. Needs a lease.
    Fence,
    /// Another one takes its place. Needs a lease.
    Replace,
}

/// What may be done about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// What is done with it.
    pub action: Action,
    /// Whether it is started again, in place. Only what crashed or is stuck is.
    pub restart: bool,
    /// Whether a person has to know now.
    pub page: bool,
    /// What decided.
    pub why: &'static str,
}

/// What holds a response back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each from a guard of its own"
)]
pub struct Guards {
    /// More than one independent observer says so, or its host does, which is authoritative.
    pub quorum: bool,
    /// Who decides hears a majority ([`super::minority`]).
    pub majority: bool,
    /// A tag of the subject is frozen ([`super::gate`]).
    pub frozen: bool,
    /// The cap of its domain, or that of all, is reached ([`super::caps`]).
    pub capped: bool,
    /// Who decides holds a lease with a fencing token.
    pub lease: bool,
    /// It does nothing at all any more, by its kernel or because nothing is answered: not merely slow.
    pub stuck: bool,
}

/// From this confidence on traffic is moved, in percent.
const MOVE_PERCENT: u8 = 90;

/// From this confidence on more is done than to move traffic, in percent.
const SURE_PERCENT: u8 = 99;

/// What follows from a class that is believed with a confidence in percent.
///
/// Guards come first, in the order in which they make everything after them worthless: a minority judges nobody, a
/// shared failure is not mended one by one, one observer alone only turns traffic down, and so does whoever has
/// convicted too many already. Without a lease nothing is fenced or replaced.
#[must_use]
pub const fn response(class: FailureClass, confidence_percent: u8, guards: Guards) -> Response {
    if !guards.majority {
        return calm(false, "a node that hears no majority suspects itself");
    }
    if guards.frozen || matches!(class, FailureClass::Correlated) {
        return calm(
            true,
            "a failure that is shared: evictions are frozen, roll-outs stop",
        );
    }
    if confidence_percent < MOVE_PERCENT {
        return calm(false, "not sure enough for anything");
    }
    let ladder = ladder(class, confidence_percent >= SURE_PERCENT, guards.stuck);
    if !guards.quorum {
        return at_most(
            ladder,
            Action::Deweight,
            "one observer alone only turns traffic down",
        );
    }
    if guards.capped {
        let why = "too many are convicted already: this one only gets less traffic";
        let mut held = at_most(ladder, Action::Deweight, why);
        held.page = true;
        return held;
    }
    if !guards.lease {
        return at_most(
            ladder,
            Action::Quarantine,
            "without a lease nothing is fenced or replaced",
        );
    }
    ladder
}

/// What a class asks for by itself.
const fn ladder(class: FailureClass, sure: bool, stuck: bool) -> Response {
    let (action, restart, page, why) = match class {
        FailureClass::CrashStop if sure => (
            Action::Replace,
            true,
            false,
            "it crashed: it is fenced and replaced",
        ),
        FailureClass::CrashStop => (Action::Quarantine, false, false, "it probably crashed"),
        FailureClass::CrashRecovery => {
            let why = "it crashes again and again: it starts with back-off, and comes back as new";
            (Action::Quarantine, true, sure, why)
        }
        FailureClass::Omission if sure => (
            Action::Drain,
            false,
            false,
            "its paths lose: others are used",
        ),
        FailureClass::Omission => (Action::Deweight, false, false, "its paths probably lose"),
        FailureClass::Timing if sure && stuck => (
            Action::Fence,
            true,
            false,
            "it is stuck: it is fenced and started again",
        ),
        FailureClass::Timing => {
            let why = "it is slow: deadlines widen and it gets less; lateness alone is no failover";
            (Action::Deweight, false, false, why)
        }
        FailureClass::Byzantine => {
            let why = "it answers wrongly: nobody listens, and it stays as it is, for a restart hides the cause";
            (Action::Quarantine, false, true, why)
        }
        FailureClass::Gray if sure => (
            Action::Drain,
            false,
            false,
            "callers fail: canaries decide when it comes back",
        ),
        FailureClass::Gray => (Action::Deweight, false, false, "callers probably fail"),
        FailureClass::Correlated => (Action::Watch, false, true, "a failure that is shared"),
        FailureClass::Unknown => (
            Action::Deweight,
            false,
            sure,
            "something is wrong and nobody knows what",
        ),
    };
    Response {
        action,
        restart,
        page,
        why,
    }
}

const fn calm(page: bool, why: &'static str) -> Response {
    Response {
        action: Action::Watch,
        restart: false,
        page,
        why,
    }
}

/// The same with less done; what is started again is only what a full response would.
const fn at_most(response: Response, action: Action, why: &'static str) -> Response {
    if response.action as u8 <= action as u8 {
        return response;
    }
    Response {
        action,
        restart: false,
        page: response.page,
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Guards = Guards {
        quorum: true,
        majority: true,
        frozen: false,
        capped: false,
        lease: true,
        stuck: false,
    };

    fn all_guards() -> impl Iterator<Item = Guards> {
        (0_u8..64).map(|bits| {
            let bit = |n: u8| bits & (1 << n) != 0;
            Guards {
                quorum: bit(0),
                majority: bit(1),
                frozen: bit(2),
                capped: bit(3),
                lease: bit(4),
                stuck: bit(5),
            }
        })
    }

    #[test]
    fn what_may_never_happen() {
        for guards in all_guards() {
            for class in FailureClass::ALL {
                for percent in 0..=100 {
                    let Response {
                        action, restart, ..
                    } = response(class, percent, guards);
                    let about = format!("{class} at {percent} % with {guards:?}");
                    if !guards.majority || guards.frozen || class == FailureClass::Correlated {
                        assert_eq!((action, restart), (Action::Watch, false), "{about}");
                    }
                    if action >= Action::Fence {
                        assert!(guards.lease && guards.quorum && !guards.capped, "{about}");
                        assert!(percent >= SURE_PERCENT, "{about}");
                    }
                    if action > Action::Deweight {
                        assert!(guards.quorum && !guards.capped, "{about}");
                    }
                    if restart {
                        let stuck = class == FailureClass::Timing && guards.stuck;
                        let crashed = [FailureClass::CrashStop, FailureClass::CrashRecovery];
                        assert!(stuck || crashed.contains(&class), "{about}");
                    }
                }
            }
        }
    }

    #[test]
    fn more_confidence_never_does_less() {
        for guards in all_guards() {
            for class in FailureClass::ALL {
                let actions = (0..=100).map(|percent| response(class, percent, guards).action);
                assert!(actions.is_sorted(), "{class} with {guards:?}");
            }
        }
    }

    #[test]
    fn each_class_at_full_confidence() {
        let of = |class| {
            let Response {
                action, restart, ..
            } = response(class, 100, FREE);
            (action, restart)
        };
        assert_eq!(of(FailureClass::CrashStop), (Action::Replace, true));
        assert_eq!(of(FailureClass::CrashRecovery), (Action::Quarantine, true));
        assert_eq!(of(FailureClass::Omission), (Action::Drain, false));
        assert_eq!(of(FailureClass::Timing), (Action::Deweight, false));
        assert_eq!(of(FailureClass::Byzantine), (Action::Quarantine, false));
        assert_eq!(of(FailureClass::Gray), (Action::Drain, false));
        assert_eq!(of(FailureClass::Unknown), (Action::Deweight, false));
        let stuck = Guards {
            stuck: true,
            ..FREE
        };
        let stuck = response(FailureClass::Timing, 100, stuck);
        assert_eq!((stuck.action, stuck.restart), (Action::Fence, true));
    }
}
