//! The faults, one a row.

use std::time::Duration;

use crate::backend::Settings;
use crate::load::Phase;

/// A fault under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// `kill -9` of one replica of three, which stays dead.
    Kill,
    /// One of three is stopped: it accepts connections and answers nobody.
    Hang,
    /// One of three is ten times slower.
    Gray,
    /// One of three answers every other request with 500, in its usual time.
    Errors,
    /// One of three answers everything with 500, at once.
    FastFail,
    /// One of three zones, two replicas each, is killed.
    Zone,
    /// Each of three is ended by SIGTERM and started again, in turn.
    Rolling,
    /// Each of three is killed and started again, in turn, under POSTs.
    PostKills,
    /// The configuration changes once a second: one replica goes, and comes again.
    Reload,
    /// Twice as many requests as the replicas can answer.
    Overload2,
    /// Ten times as many.
    Overload10,
}

/// Time for connections and averages to settle.
pub(crate) const WARM: Duration = Duration::from_secs(1);
/// The time before the fault that the time during it is held against.
pub(crate) const BEFORE: Duration = Duration::from_millis(2_500);
/// When what reacts to faults should have reacted.
pub(crate) const SETTLED: Duration = Duration::from_secs(5);
/// The time after the fault.
pub(crate) const AFTER: Duration = Duration::from_millis(2_500);
/// Requests a second, where the load is not the fault: a fraction of what the replicas can answer.
const RATE_HZ: f64 = 300.0;

/// Requests a second of all loads that run at once, at most: what the machine can give besides.
const TOGETHER_HZ: f64 = 7_000.0;

impl Row {
    pub(crate) const ALL: [Self; 11] = [
        Self::Kill,
        Self::Hang,
        Self::Gray,
        Self::Errors,
        Self::FastFail,
        Self::Zone,
        Self::Rolling,
        Self::PostKills,
        Self::Reload,
        Self::Overload2,
        Self::Overload10,
    ];

    /// The name on the command line and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Hang => "hang",
            Self::Gray => "gray",
            Self::Errors => "errors",
            Self::FastFail => "fast-fail",
            Self::Zone => "zone",
            Self::Rolling => "rolling",
            Self::PostKills => "post-kills",
            Self::Reload => "reload",
            Self::Overload2 => "overload-2x",
            Self::Overload10 => "overload-10x",
        }
    }

    /// How many times more than the replicas can answer is sent.
    pub(crate) const fn overload(self) -> Option<f64> {
        match self {
            Self::Overload2 => Some(2.0),
            Self::Overload10 => Some(10.0),
            _ => None,
        }
    }

    /// Replicas behind the proxy.
    pub(crate) const fn replicas(self) -> usize {
        if matches!(self, Self::Zone) { 6 } else { 3 }
    }

    /// The zone of a replica, where there are zones.
    pub(crate) fn zone(self, replica: usize) -> Option<&'static str> {
        let zones = ["a", "b", "c"];
        let zoned = matches!(self, Self::Zone);
        zoned.then(|| zones.get(replica % zones.len()).copied())?
    }

    /// How every replica behaves at the start. In overload it is slower and has few slots, so that
    /// the load that is ten times of what it can do is still little for proxies and machine.
    pub(crate) fn settings(self) -> Settings {
        if self.overload().is_some() {
            Settings {
                service: Duration::from_millis(20),
                slots: 4,
                ..Settings::default()
            }
        } else {
            Settings::default()
        }
    }

    /// How the one bad replica behaves, where it lives on.
    pub(crate) fn bad(self) -> Option<Settings> {
        let usual = self.settings();
        match self {
            Self::Gray => Some(Settings {
                service: usual.service * 10,
                ..usual
            }),
            Self::Errors => Some(Settings {
                errors_pct: 50,
                ..usual
            }),
            Self::FastFail => Some(Settings {
                errors_pct: 100,
                instant: true,
                ..usual
            }),
            _ => None,
        }
    }

    /// Requests a second that all replicas together can answer.
    pub(crate) fn capacity_hz(self) -> f64 {
        let Settings { service, slots, .. } = self.settings();
        let all = u32::try_from(slots * self.replicas()).unwrap_or(u32::MAX);
        f64::from(all) / service.as_secs_f64()
    }

    /// How many proxies may meet the fault at the same time, each with a load and replicas of its
    /// own.
    pub(crate) fn together(self) -> usize {
        let rates = self.phases();
        let most = rates.iter().map(|phase| phase.rate_hz).fold(1.0, f64::max);
        let fits = |proxies: &u32| f64::from(*proxies) * most <= TOGETHER_HZ;
        let proxies = (2..=64).take_while(fits).last().unwrap_or(1);
        usize::try_from(proxies).unwrap_or(1)
    }

    /// How long the fault lasts.
    pub(crate) const fn fault(self) -> Duration {
        match self.overload() {
            Some(_) => Duration::from_secs(4),
            None => Duration::from_secs(8),
        }
    }

    /// When the fault comes, from the start of the load.
    pub(crate) const fn begins(self) -> Duration {
        Duration::from_millis(3_500)
    }

    /// When a client gives up.
    pub(crate) const fn patience(self) -> Duration {
        match self.overload() {
            Some(_) => Duration::from_secs(1),
            None => Duration::from_secs(3),
        }
    }

    /// The load.
    pub(crate) fn phases(self) -> Vec<Phase> {
        let phase = |length, rate_hz| Phase { length, rate_hz };
        match self.overload() {
            Some(times) => {
                let half = self.capacity_hz() / 2.0;
                let spike = self.capacity_hz() * times;
                vec![
                    phase(WARM + BEFORE, half),
                    phase(self.fault(), spike),
                    phase(AFTER, half),
                ]
            }
            None => vec![phase(WARM + BEFORE + self.fault() + AFTER, RATE_HZ)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fault_comes_when_all_has_settled() {
        assert_eq!(WARM + BEFORE, Row::Kill.begins());
        assert!(SETTLED < Row::Kill.fault());
    }

    #[test]
    fn overload_leaves_no_room_for_others() {
        let together = [Row::Gray, Row::Overload2, Row::Overload10].map(Row::together);
        assert_eq!(together, [23, 5, 1]);
    }

    #[test]
    fn overload_is_told_by_capacity() {
        assert_eq!(Row::Overload10.capacity_hz(), 600.0);
        let rates: Vec<f64> = Row::Overload10.phases().iter().map(|p| p.rate_hz).collect();
        assert_eq!(rates, [300.0, 6_000.0, 300.0]);
        assert!(Row::Kill.capacity_hz() > 9_000.0);
    }
}
