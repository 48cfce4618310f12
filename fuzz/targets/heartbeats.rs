//! Traces of heartbeats: what is read is written so that it is read the same, and every detector bears it.
#![no_main]

use std::time::Duration;

use ninefold_cluster::detector::{Kind, Request, Setting};
use ninefold_cluster::qos::{Meter, Since};
use ninefold_cluster::trace::{Step, Summary, TraceParser};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let mut parser = TraceParser::new();
    let read = text
        .split(|byte| *byte == b'\n')
        .map(|line| parser.line(line));
    let steps: Vec<Step> = read.filter_map(|step| step.ok().flatten()).collect();
    let mut again = TraceParser::new();
    let mut summary = Summary::default();
    for step in &steps {
        let written = again.line(step.to_string().as_bytes());
        assert_eq!(written, Ok(Some(*step)));
        summary.add(step);
    }
    let interval = summary.interval().unwrap_or(Duration::from_millis(100));
    let request = Request::default();
    for kind in Kind::ALL {
        let swept = Setting::sweep(kind, interval, 2);
        for setting in swept.chain([Setting::shipped(kind, interval, request)]) {
            let mut meter = Meter::new(setting.detector(interval), Since::Sent);
            for step in &steps {
                meter.step(step);
            }
            let qos = meter.finish();
            assert!(
                (0.0..=1.0).contains(&qos.query_accuracy),
                "{setting:?}: {qos:?}"
            );
        }
    }
});
