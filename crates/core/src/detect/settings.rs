use std::time::Duration;

/// Where the classifier draws its lines. [`Settings::default`] is what the module's table says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Unexpected exits within `loop_window` that make a crash loop.
    pub loop_exits: usize,
    /// The window for `loop_exits`.
    pub loop_window: Duration,
    /// An incarnation that was ready for this long has recovered: exits before it do not count.
    pub stable_after: Duration,
    /// Probes in a row that must fail in the same way.
    pub probes_in_a_row: u32,
    /// `live` probes in a row by which an instance calls itself unwell.
    pub unwell_in_a_row: u32,
    /// Callers' reports older than this are forgotten.
    pub callers_window: Duration,
    /// How long callers must fail before their failures convict.
    pub hold: Duration,
    /// Callers' failures that ended longer ago than this convict no more.
    pub fresh: Duration,
    /// Attempts before a share of refused or reset connections means anything.
    pub attempts_min: u64,
    /// Failures before a share of failed attempts means anything.
    pub failures_min: u64,
    /// Failures after the first one that are enough, where they are certainly more than the peers' of the window.
    pub failures_after: u64,
    /// For how long callers must have failed for those to convict.
    pub hold_after: Duration,
    /// The least silence that counts as a stall.
    pub stall_after: Duration,
    /// The least silence in multiples of the peers' mean time to answer.
    pub stall_factor: u64,
    /// Attempts that came during a stall and wait for an answer.
    pub stall_in_flight: u64,
    /// Attempts timed out during a stall, as an alternative to `stall_in_flight`.
    pub stall_timeouts: u64,
    /// Answers of peers during the stall, which show that only this one is silent.
    pub stall_peer_answers: u64,
    /// How many times the peers' share of failures makes a difference.
    pub peer_factor: u64,
    /// Answers that take less more than those of the peers are not slow, however many times as long that is.
    pub slow_by: Duration,
    /// How long evidence must stay good for a recovery without a restart.
    pub settle: Duration,
    /// Answers to callers that show a recovery.
    pub settle_answers: u64,
    /// How far back a last sign of health may date the onset.
    pub onset_reach: Duration,
    /// Wrong answers to one canary in a row that convict.
    pub wrong_canaries: u32,
    /// Votes in the minority, of the last 10, that convict.
    pub minority_votes: u32,
    /// Canaries and votes older than this are forgotten.
    pub answers_window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            loop_exits: 3,
            loop_window: Duration::from_secs(60),
            stable_after: Duration::from_secs(5),
            probes_in_a_row: 2,
            unwell_in_a_row: 3,
            callers_window: Duration::from_secs(5),
            hold: Duration::from_millis(300),
            fresh: Duration::from_secs(1),
            attempts_min: 5,
            failures_min: 10,
            failures_after: 3,
            hold_after: Duration::from_secs(1),
            stall_after: Duration::from_millis(500),
            stall_factor: 8,
            stall_in_flight: 4,
            stall_timeouts: 3,
            stall_peer_answers: 20,
            peer_factor: 5,
            slow_by: Duration::from_millis(5),
            settle: Duration::from_secs(3),
            settle_answers: 5,
            onset_reach: Duration::from_secs(10),
            wrong_canaries: 2,
            minority_votes: 3,
            answers_window: Duration::from_secs(600),
        }
    }
}
