//! The machine as transcripts: an event, then what it asks for.

use std::time::Duration;

use expect_test::expect;
use ninefold_core::observation::{ProbeKind, ProbeOutcome};
use ninefold_core::taxonomy::ExitCause;

use super::event::Event;
use super::script::Script;

#[test]
fn a_crash_is_followed_by_a_quick_restart() {
    let mut script = Script::new();
    script.ready();
    script.now = script.now + Duration::from_secs(60);
    script.exited(ExitCause::Signal(9)).pass_time().spawned();
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          = starting
        probed
          observe ready Passed
          record web/0 ready after 0 us
          observe Ready
          = ready, admitted
        gone
          = backing-off (its process ended)
        exited
          observe Exited
          record web/0 exited unexpectedly: pid 7, killed by SIGKILL
          Forget
          record web/0 starts again in 5.5 ms
          = backing-off (killed by SIGKILL)
        time passes
          record action: restart web/0: killed by SIGKILL
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 2
          observe Started
          = starting
    "#]]);
}

#[test]
fn an_adopted_process_that_was_ready_needs_one_pass() {
    let mut script = Script::new();
    let ready = true;
    script.tell("adopted", Event::Adopted { pid: 7, ready });
    assert!(script.machine.resuming());
    script.probed(ProbeKind::Live, ProbeOutcome::Passed);
    assert!(script.machine.resuming());
    script.probed(ProbeKind::Ready, ProbeOutcome::Passed);
    assert!(!script.machine.resuming());
    script.check(&expect![[r#"
        adopted
          record web/0 adopted: pid 7
          observe Started
          = starting
        probed
          observe live Passed
          = starting
        probed
          observe ready Passed
          record web/0 ready after 0 us
          observe Ready
          = ready, admitted
    "#]]);
}

#[test]
fn an_adopted_process_is_out_once_a_probe_fails() {
    let mut script = Script::new();
    let ready = true;
    script.tell("adopted", Event::Adopted { pid: 7, ready });
    script.probed(ProbeKind::Ready, ProbeOutcome::TimedOut);
    assert!(!script.machine.resuming());
    script.check(&expect![[r#"
        adopted
          record web/0 adopted: pid 7
          observe Started
          = starting
        probed
          observe ready TimedOut
          = starting (ready probe: no answer in time)
    "#]]);
}

#[test]
fn the_budget_ends_in_a_crash_loop() {
    let mut script = Script::new();
    script.begin();
    for _ in 0..3 {
        script.spawned().exited(ExitCause::Code(1)).pass_time();
    }
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          = starting
        gone
          = backing-off (its process ended)
        exited
          observe Exited
          record web/0 exited unexpectedly: pid 7, exit status 1
          Forget
          record web/0 starts again in 5.5 ms
          = backing-off (exit status 1)
        time passes
          record action: restart web/0: exit status 1
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 2
          observe Started
          = starting
        gone
          = backing-off (its process ended)
        exited
          observe Exited
          record web/0 exited unexpectedly: pid 7, exit status 1
          Forget
          record web/0 starts again in 34.4 ms
          = backing-off (exit status 1)
        time passes
          record action: restart web/0: exit status 1
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 3
          observe Started
          = starting
        gone
          = backing-off (its process ended)
        exited
          observe Exited
          record web/0 exited unexpectedly: pid 7, exit status 1
          Forget
          record web/0 is in a crash loop: 3 exits within 60.0 s; retried slowly from now on
          observe CrashLoop
          record web/0 starts again in 29.1 s
          = crash-loop (exit status 1)
        time passes
          record action: restart web/0: exit status 1
          Spawn
          = starting
    "#]]);
}

#[test]
fn a_hang_is_killed_without_asking() {
    let mut script = Script::new();
    script
        .ready()
        .probed(ProbeKind::Live, ProbeOutcome::TimedOut);
    script.exited(ExitCause::Signal(9));
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          = starting
        probed
          observe ready Passed
          record web/0 ready after 0 us
          observe Ready
          = ready, admitted
        probed
          observe live TimedOut
          Describe("live probe: no answer in time, 1 in a row")
          record action: kill web/0: live probe: no answer in time, 1 in a row
          Kill
          = stopping (live probe: no answer in time, 1 in a row)
        gone
          = backing-off (its process ended)
        exited
          observe Exited
          record web/0 exited as asked: pid 7, killed by SIGKILL
          Forget
          record web/0 starts again in 5.5 ms
          = backing-off (live probe: no answer in time, 1 in a row)
    "#]]);
}

#[test]
fn a_stop_drains_asks_and_kills() {
    let mut script = Script::new();
    script
        .ready()
        .tell("stop", Event::Stop)
        .tell("drained", Event::Drained);
    script.pass_time().exited(ExitCause::Signal(9));
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          = starting
        probed
          observe ready Passed
          record web/0 ready after 0 us
          observe Ready
          = ready, admitted
        stop
          Drain(5s)
          = stopping (asked to stop)
        drained
          record action: stop web/0: asked to stop
          Signal(15)
          = stopping (asked to stop)
        time passes
          Describe("it did not stop within 10s")
          record action: kill web/0: it did not stop within 10s
          Kill
          = stopping (asked to stop)
        gone
          = stopping
        exited
          observe Exited
          record web/0 exited as asked: pid 7, killed by SIGKILL
          Forget
          Forget
          record web/0 stopped
          = stopped
    "#]]);
}

#[test]
fn a_stop_during_a_start_or_a_restart_wins() {
    let mut script = Script::new();
    script
        .begin()
        .tell("stop", Event::Stop)
        .spawned()
        .exited(ExitCause::Signal(15));
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        stop
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          record action: stop web/0: asked to stop
          Signal(15)
          = stopping (asked to stop)
        gone
          = stopping
        exited
          observe Exited
          record web/0 exited as asked: pid 7, killed by SIGTERM
          Forget
          Forget
          record web/0 stopped
          = stopped
    "#]]);

    let mut script = Script::new();
    let reason = "new certificate".to_owned();
    script.ready().tell("restart", Event::Restart { reason });
    script
        .tell("stop", Event::Stop)
        .tell("drained", Event::Drained);
    script.exited(ExitCause::Signal(15));
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          = starting
        probed
          observe ready Passed
          record web/0 ready after 0 us
          observe Ready
          = ready, admitted
        restart
          Drain(5s)
          = stopping (new certificate)
        stop
          = stopping (new certificate)
        drained
          record action: stop web/0: new certificate
          Signal(15)
          = stopping (new certificate)
        gone
          = stopping
        exited
          observe Exited
          record web/0 exited as asked: pid 7, killed by SIGTERM
          Forget
          Forget
          record web/0 stopped
          = stopped
    "#]]);
}

#[test]
fn a_gateway_that_never_answers_delays_a_drain_only_so_long() {
    let mut script = Script::new();
    script.ready().tell("stop", Event::Stop).pass_time();
    script.tell("drained", Event::Drained);
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          = starting
        probed
          observe ready Passed
          record web/0 ready after 0 us
          observe Ready
          = ready, admitted
        stop
          Drain(5s)
          = stopping (asked to stop)
        time passes
          record action: stop web/0: asked to stop
          Signal(15)
          = stopping (asked to stop)
        drained
          = stopping (asked to stop)
    "#]]);
}

#[test]
fn what_is_never_ready_is_said_once() {
    let mut script = Script::new();
    script.begin().spawned();
    let refused = ProbeOutcome::Refused("status 503".to_owned());
    script.probed(ProbeKind::Ready, refused.clone());
    script.pass_time().pass_time();
    script.probed(ProbeKind::Ready, refused);
    script.probed(ProbeKind::Live, ProbeOutcome::Unreachable("refused".into()));
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          = starting
        probed
          observe ready Refused("status 503")
          = starting (ready probe: status 503)
        time passes
          record web/0 not ready: never since its start 30.0 s ago; ready probe: status 503
          observe Unready
          = starting (ready probe: status 503)
        time passes
          = starting (ready probe: status 503)
        probed
          observe ready Refused("status 503")
          = starting (ready probe: status 503)
        probed
          observe live Unreachable("refused")
          record action: stop web/0: live probe: refused, 1 in a row
          Signal(15)
          = stopping (live probe: refused, 1 in a row)
    "#]]);
}

#[test]
fn a_lost_keeper_is_evidence_and_its_instance_is_replaced_unhurriedly() {
    let mut script = Script::new();
    script
        .ready()
        .tell("keeper lost", Event::KeeperLost { keeper: 6 })
        .tell("keeper lost", Event::KeeperLost { keeper: 6 })
        .tell("drained", Event::Drained)
        .exited(ExitCause::Lost)
        .pass_time();
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          = starting
        probed
          observe ready Passed
          record web/0 ready after 0 us
          observe Ready
          = ready, admitted
        keeper lost
          record the keeper of web/0 is gone (process 6); it is replaced
          observe KeeperLost
          Drain(5s)
          = stopping (its keeper is gone)
        keeper lost
          = stopping (its keeper is gone)
        drained
          record action: stop web/0: its keeper is gone
          Signal(15)
          = stopping (its keeper is gone)
        gone
          = backing-off (its process ended)
        exited
          observe Exited
          record web/0 exited as asked: pid 7, gone, cause not seen
          Forget
          record web/0 starts again in 5.5 ms
          = backing-off (its keeper is gone)
        time passes
          record action: restart web/0: its keeper is gone
          Spawn
          = starting
    "#]]);
}

#[test]
fn what_comes_late_changes_nothing() {
    let mut script = Script::new();
    script
        .ready()
        .exited(ExitCause::Code(0))
        .exited(ExitCause::Lost);
    script.probed(ProbeKind::Live, ProbeOutcome::TimedOut);
    script
        .tell("keeper lost", Event::KeeperLost { keeper: 6 })
        .tell("drained", Event::Drained);
    script.check(&expect![[r#"
        begin
          record action: start web/0: declared
          Spawn
          = starting
        spawned
          record web/0 started: pid 7, start 1
          observe Started
          = starting
        probed
          observe ready Passed
          record web/0 ready after 0 us
          observe Ready
          = ready, admitted
        gone
          = backing-off (its process ended)
        exited
          observe Exited
          record web/0 exited unexpectedly: pid 7, exit status 0
          Forget
          record web/0 starts again in 5.5 ms
          = backing-off (exit status 0)
        gone
          = backing-off (exit status 0)
        exited
          = backing-off (exit status 0)
        probed
          = backing-off (exit status 0)
        keeper lost
          = backing-off (exit status 0)
        drained
          = backing-off (exit status 0)
    "#]]);
}
