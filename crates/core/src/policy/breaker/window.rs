//! The window of a breaker, of either kind.

use std::sync::OnceLock;

use super::config::SlidingWindow;
use super::count_window::CountWindow;
use super::counts::Counts;
use super::time_window::{Layout, TimeWindow};
use crate::time::Timestamp;

/// Both kinds of window; which one counts is the breaker's to know. The one by time comes to be when
/// it is first asked for.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) count: CountWindow,
    time: OnceLock<Box<TimeWindow>>,
}

/// What a window by count holds, and 0 for a window by time.
pub(super) const fn calls_of(window: SlidingWindow) -> u32 {
    match window {
        SlidingWindow::Count(calls) => calls,
        SlidingWindow::Time { .. } => 0,
    }
}

fn layout_of(window: SlidingWindow) -> Option<Layout> {
    match window {
        SlidingWindow::Count(_) => None,
        SlidingWindow::Time { span, buckets } => Some(Layout::new(span.as_nanos(), buckets)),
    }
}

impl Window {
    pub(super) fn new(generation: u64, window: SlidingWindow) -> Self {
        let time = layout_of(window).map(|layout| Box::new(TimeWindow::new(layout)));
        Self {
            count: CountWindow::new(generation, calls_of(window)),
            time: time.map_or_else(OnceLock::new, OnceLock::from),
        }
    }

    #[inline]
    pub(super) fn time(&self) -> Option<&TimeWindow> {
        self.time.get().map(|window| &**window)
    }

    /// What it holds. `calls` as of [`calls_of`].
    pub(super) fn counts(&self, generation: u64, calls: u32, now: Timestamp) -> Counts {
        let counts = if calls == 0 {
            self.time()
                .map(|window| window.counts(window.spot(generation, now)))
        } else {
            self.count.counts(generation)
        };
        counts.unwrap_or_default()
    }

    /// Where it stands: another number once bad calls, or calls after them, have come, unless so many
    /// came that it is where it was.
    pub(super) fn position(&self, counts: Counts) -> u64 {
        self.count.position().wrapping_add(counts.calls)
    }

    /// The rules have changed, so the next call is judged.
    pub(super) fn look_again(&self) {
        if let Some(window) = self.time() {
            window.look_again();
        }
    }

    /// Goes from one layout to another, with what fits of the results of generation `old`; they
    /// count in generation `new`, which is published after this. Nothing is kept if the kind
    /// changes. Calls may be counted meanwhile, in generation `old`, and are forgotten.
    pub(super) fn relay(&self, (from, old): (SlidingWindow, u64), (to, new): (SlidingWindow, u64)) {
        if let Some(layout) = layout_of(to) {
            let window = self.time.get_or_init(|| Box::new(TimeWindow::new(layout)));
            let kept = if layout_of(from).is_some() { old } else { new };
            window.relay(layout, kept, new);
        } else {
            let latest = match calls_of(from) {
                0 => Vec::new(),
                calls => self.count.latest(old, calls),
            };
            self.count.begin_with(new, calls_of(to), &latest);
        }
    }
}
