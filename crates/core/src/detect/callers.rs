use std::collections::VecDeque;
use std::time::Duration;

use crate::observation::CallerReport;
use crate::time::Timestamp;

/// Reports kept at most; with one each 100 ms, 6.4 s. Older ones go first.
const REPORTS_MAX: usize = 64;

/// A silence is dated from the report before it, unless that is older than this.
const REPORT_REACH: Duration = Duration::from_secs(1);

/// For so long, and up to twice as long, attempts are remembered where few come: a balancer keeps away from who fails.
const LATELY: Duration = Duration::from_secs(15);

/// What callers met at one instance within the last seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct CallerWindow {
    reports: VecDeque<(Timestamp, CallerReport)>,
    last_answer: Option<Timestamp>,
    silence: Option<Silence>,
    /// In flight by the newest report.
    in_flight: u64,
    streak: Option<Streak>,
    /// The sums of this time and of the one before, and when it began.
    lately: (CallerReport, CallerReport),
    turned: Timestamp,
}

/// Attempts that failed one after the other, none succeeding in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streak {
    pub(super) since: Timestamp,
    pub(super) last: Timestamp,
    pub(super) sums: CallerReport,
    /// Whether its first report has successes too: then it does not say what came last.
    pub(super) mixed: bool,
}

/// A time in which callers wait and nothing is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    pub(super) since: Timestamp,
    pub(super) in_flight: u64,
    /// In flight when it began: long polls wait all the time and mean nothing.
    pub(super) in_flight_before: u64,
    pub(super) timed_out: u64,
    /// Connections that were refused or reset meanwhile: then it is not a silence of the process.
    pub(super) disconnected: u64,
}

impl CallerWindow {
    pub(super) fn push(&mut self, at: Timestamp, report: CallerReport, window: Duration) {
        self.hear(at, &report);
        self.follow(at, &report);
        self.turn(at);
        add(&mut self.lately.1, &report);
        if report.attempts > 0 {
            self.reports.push_back((at, report));
        }
        while self.reports.len() > REPORTS_MAX
            || self
                .reports
                .front()
                .is_some_and(|(then, _)| at.since(*then) > window)
        {
            self.reports.pop_front();
        }
    }

    fn turn(&mut self, at: Timestamp) {
        let since = at.since(self.turned);
        if since < LATELY {
            return;
        }
        let last = std::mem::take(&mut self.lately.1);
        let fresh = since < LATELY * 2;
        self.lately.0 = if fresh { last } else { CallerReport::default() };
        self.turned = at;
    }

    /// The sum of the last 15 to 30 seconds; `in_flight` is not summed and stays 0.
    pub(super) fn lately(&self, now: Timestamp) -> CallerReport {
        let mut sum = CallerReport::default();
        if now.since(self.turned) < LATELY * 2 {
            add(&mut sum, &self.lately.0);
            add(&mut sum, &self.lately.1);
        }
        sum
    }

    fn hear(&mut self, at: Timestamp, report: &CallerReport) {
        let waiting = std::mem::replace(&mut self.in_flight, report.in_flight);
        if report.answered > 0 {
            self.last_answer = Some(at);
            self.silence = None;
            return;
        }
        if report.in_flight == 0 && report.timed_out == 0 {
            self.silence = None;
            return;
        }
        let before = self
            .last_answer
            .filter(|then| at.since(*then) <= REPORT_REACH);
        let silence = self.silence.get_or_insert_with(|| Silence {
            since: before.unwrap_or(at),
            in_flight: 0,
            in_flight_before: waiting,
            timed_out: 0,
            disconnected: 0,
        });
        silence.in_flight = report.in_flight;
        silence.timed_out = silence.timed_out.saturating_add(report.timed_out);
        let lost = report.connect_failed.saturating_add(report.reset);
        silence.disconnected = silence.disconnected.saturating_add(lost);
    }

    /// Whether callers failed in the window, or wait.
    pub(super) fn suspect(&self, now: Timestamp, window: Duration) -> bool {
        self.silence.is_some() || self.failing_since(now, window).is_some()
    }

    fn follow(&mut self, at: Timestamp, report: &CallerReport) {
        let mixed = report.answered > report.server_errors;
        if mixed {
            self.streak = None;
        }
        if report.failures() == 0 {
            return;
        }
        let streak = self.streak.get_or_insert_with(|| Streak {
            since: at,
            last: at,
            sums: CallerReport::default(),
            mixed,
        });
        let failed = CallerReport {
            attempts: report.failures(),
            answered: report.server_errors,
            latency_sum_ns: 0,
            ..*report
        };
        streak.last = at;
        add(&mut streak.sums, &failed);
    }

    /// The failures since the last success.
    pub(super) const fn streak(&self) -> Option<Streak> {
        self.streak
    }

    /// The sum over the window; `in_flight` is not summed and stays 0.
    pub(super) fn sums(&self, now: Timestamp, window: Duration) -> CallerReport {
        let mut sum = CallerReport::default();
        for (_, report) in self.recent(now, window) {
            add(&mut sum, report);
        }
        sum
    }

    /// The sum over the reports from `since` on, but for the failure that they begin with: that one chose the moment,
    /// and is no evidence on what comes after it.
    pub(super) fn sums_after(&self, since: Timestamp) -> CallerReport {
        let mut sum = CallerReport::default();
        for (_, report) in self.reports.iter().filter(|(at, _)| *at >= since) {
            add(&mut sum, report);
        }
        without_one_failure(sum)
    }

    /// Answers in reports after `since`.
    pub(super) fn answers_since(&self, since: Timestamp) -> (u64, u64) {
        let mut answers = (0u64, 0u64);
        for (at, report) in &self.reports {
            if *at > since {
                answers.0 = answers.0.saturating_add(report.answered);
                answers.1 = answers.1.saturating_add(report.latency_sum_ns);
            }
        }
        answers
    }

    /// The first report in the window that has a failure.
    pub(super) fn failing_since(&self, now: Timestamp, window: Duration) -> Option<Timestamp> {
        self.recent(now, window)
            .find(|(_, report)| report.failures() > 0)
            .map(|(at, _)| *at)
    }

    /// Whether a report after `then` has a failure.
    pub(super) fn fails_since(&self, then: Timestamp) -> bool {
        let mut reports = self.reports.iter();
        reports.any(|(at, report)| *at > then && report.failures() > 0)
    }

    pub(super) const fn silence(&self) -> Option<Silence> {
        self.silence
    }

    pub(super) const fn last_answer(&self) -> Option<Timestamp> {
        self.last_answer
    }

    fn recent(
        &self,
        now: Timestamp,
        window: Duration,
    ) -> impl Iterator<Item = &(Timestamp, CallerReport)> {
        self.reports
            .iter()
            .filter(move |(at, _)| now.since(*at) <= window)
    }
}

/// Adds the counts of `report` to `sum`.
pub(super) const fn add(sum: &mut CallerReport, report: &CallerReport) {
    sum.attempts = sum.attempts.saturating_add(report.attempts);
    sum.connect_failed = sum.connect_failed.saturating_add(report.connect_failed);
    sum.reset = sum.reset.saturating_add(report.reset);
    sum.timed_out = sum.timed_out.saturating_add(report.timed_out);
    sum.server_errors = sum.server_errors.saturating_add(report.server_errors);
    sum.latency_sum_ns = sum.latency_sum_ns.saturating_add(report.latency_sum_ns);
    sum.answered = sum.answered.saturating_add(report.answered);
}

const fn without_one_failure(mut sum: CallerReport) -> CallerReport {
    sum.attempts = sum.attempts.saturating_sub(1);
    if sum.server_errors > 0 {
        sum.server_errors -= 1;
        sum.answered = sum.answered.saturating_sub(1);
    } else if sum.reset > 0 {
        sum.reset -= 1;
    } else if sum.connect_failed > 0 {
        sum.connect_failed -= 1;
    } else {
        sum.timed_out = sum.timed_out.saturating_sub(1);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(5);

    fn report(answered: u64, in_flight: u64) -> CallerReport {
        CallerReport {
            attempts: answered,
            answered,
            in_flight,
            ..CallerReport::default()
        }
    }

    #[test]
    fn forgets_what_is_older_than_the_window_and_stays_bounded() {
        let mut callers = CallerWindow::default();
        for n in 0..1_000 {
            callers.push(Timestamp::from_millis(n * 10), report(1, 0), WINDOW);
        }
        assert!(callers.reports.len() <= REPORTS_MAX);
        let later = Timestamp::from_secs(16);
        assert_eq!(callers.sums(later, WINDOW).attempts, 0);
    }

    #[test]
    fn what_came_lately_is_remembered_longer_and_not_for_ever() {
        let mut callers = CallerWindow::default();
        for secs in 100..112 {
            callers.push(Timestamp::from_secs(secs), report(1, 0), WINDOW);
        }
        let lately =
            |callers: &CallerWindow, secs| callers.lately(Timestamp::from_secs(secs)).attempts;
        assert_eq!((lately(&callers, 112), lately(&callers, 131)), (12, 0));
        callers.push(Timestamp::from_secs(116), report(1, 0), WINDOW);
        assert_eq!(lately(&callers, 117), 13);
        callers.push(Timestamp::from_secs(132), report(1, 0), WINDOW);
        assert_eq!(lately(&callers, 132), 2);
    }

    #[test]
    fn a_streak_lasts_until_the_next_success() {
        let mut callers = CallerWindow::default();
        let failed = CallerReport {
            attempts: 1,
            answered: 1,
            server_errors: 1,
            ..CallerReport::default()
        };
        callers.push(Timestamp::from_secs(1), report(9, 0), WINDOW);
        callers.push(Timestamp::from_secs(2), failed, WINDOW);
        callers.push(Timestamp::from_secs(3), report(0, 1), WINDOW);
        callers.push(Timestamp::from_secs(20), failed, WINDOW);
        let streak = callers.streak().unwrap();
        assert_eq!(
            (streak.since, streak.last),
            (Timestamp::from_secs(2), Timestamp::from_secs(20))
        );
        assert_eq!(streak.sums.failures(), 2);
        callers.push(Timestamp::from_secs(21), report(1, 0), WINDOW);
        assert!(callers.streak().is_none());
        let mut both = report(1, 0);
        add(&mut both, &failed);
        callers.push(Timestamp::from_secs(22), both, WINDOW);
        let streak = callers.streak().unwrap();
        assert!(streak.mixed);
        assert_eq!((streak.sums.attempts, streak.sums.answered), (1, 1));
    }

    #[test]
    fn a_silence_starts_at_the_last_answer_and_ends_with_the_next() {
        let mut callers = CallerWindow::default();
        callers.push(Timestamp::from_millis(100), report(3, 2), WINDOW);
        callers.push(Timestamp::from_millis(200), report(0, 5), WINDOW);
        callers.push(Timestamp::from_millis(300), report(0, 9), WINDOW);
        let silence = callers.silence().unwrap();
        assert_eq!(silence.since, Timestamp::from_millis(100));
        assert_eq!(silence.in_flight, 9);
        assert_eq!(silence.in_flight_before, 2);
        callers.push(Timestamp::from_millis(400), report(1, 9), WINDOW);
        assert!(callers.silence().is_none());
    }
}
