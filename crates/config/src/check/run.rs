//! All checks in order.

use super::{
    address, answers, balance, claim, claim_fault, claim_load, degrade, health, hedge, isolate,
    listener, locality, overload, placeholder, protocol, redundancy, service, slo, timeout,
};
use crate::build::Built;
use crate::finding::Report;

/// Checks what no key shows alone.
pub(crate) fn file(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    service::check(built, report);
    health::check(built, report);
    redundancy::check(built, report);
    overload::check(built, report);
    isolate::check(built, report);
    balance::check(built, report);
    locality::check(built, report);
    listener::check(built, report);
    degrade::check(built, report);
    answers::check(built, report);
    hedge::check(built, report);
    protocol::check(built, report);
    address::check(built, report);
    timeout::check(built, report);
    placeholder::check(built, report);
    slo::check(built, report);
    claim::check(built, report);
    claim_fault::check(built, report);
    claim_load::check(built, report);
}
