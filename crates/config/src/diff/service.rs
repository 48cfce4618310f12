//! What differs in a service. The patterns name every field, so that none is forgotten.

use super::change::Keys;
use crate::model::{Ejection, Service, ServiceKind, Supervised};

pub(super) fn keys(old: &Service, new: &Service) -> Vec<String> {
    let Service {
        kind,
        health,
        ejection,
        overload,
        breaker,
        balance,
        when_too_few,
        panic_threshold,
        local_first,
        slow_start,
        connect_timeout,
        connections,
        protocol,
        tls,
    } = old;
    let mut keys = Keys::default();
    match (kind, &new.kind) {
        (ServiceKind::Supervised(old), ServiceKind::Supervised(new)) => {
            supervised(&mut keys, old, new);
        }
        (ServiceKind::External(old), ServiceKind::External(new)) => {
            keys.whole("endpoints", old, new);
        }
        (ServiceKind::Supervised(_), ServiceKind::External(_))
        | (ServiceKind::External(_), ServiceKind::Supervised(_)) => {
            keys.0.push("run -> endpoints, or back".to_owned());
        }
    }
    keys.whole("health", health, &new.health);
    ejection_keys(&mut keys, ejection, &new.ejection);
    keys.whole("overload", overload, &new.overload);
    keys.whole("breaker", breaker, &new.breaker);
    keys.whole("balance", balance, &new.balance);
    keys.value("when_too_few", when_too_few.name(), new.when_too_few.name());
    keys.value("panic_threshold", panic_threshold, &new.panic_threshold);
    keys.whole("local_first", local_first, &new.local_first);
    keys.value("slow_start", slow_start, &new.slow_start);
    keys.value("connect_timeout", connect_timeout, &new.connect_timeout);
    keys.whole("connections", connections, &new.connections);
    keys.whole("protocol", protocol, &new.protocol);
    keys.whole("tls", tls, &new.tls);
    keys.0
}

fn ejection_keys(keys: &mut Keys, old: &Ejection, new: &Ejection) {
    let Ejection {
        failures,
        gateway_failures,
        latency,
        success_rate,
        base,
        max,
        max_share,
        canary,
    } = old;
    keys.value("ejection.failures", failures, &new.failures);
    keys.value(
        "ejection.gateway_failures",
        gateway_failures,
        &new.gateway_failures,
    );
    keys.whole("ejection.latency", latency, &new.latency);
    keys.whole("ejection.success_rate", success_rate, &new.success_rate);
    keys.value("ejection.base", base, &new.base);
    keys.value("ejection.max", max, &new.max);
    keys.value("ejection.max_share", max_share, &new.max_share);
    keys.value("ejection.canary", canary, &new.canary);
}

fn supervised(keys: &mut Keys, old: &Supervised, new: &Supervised) {
    let Supervised {
        run,
        prepare,
        replicas,
        redundancy,
        spread,
        max_per_zone,
        min_ready,
        directory,
        env,
        env_file,
        user,
        version,
        stop,
        restart,
    } = old;
    keys.whole("run", run, &new.run);
    keys.whole("prepare", prepare, &new.prepare);
    keys.value("replicas", replicas, &new.replicas);
    keys.whole("redundancy", redundancy, &new.redundancy);
    keys.whole("spread", spread, &new.spread);
    keys.whole("max_per_zone", max_per_zone, &new.max_per_zone);
    keys.value("min_ready", min_ready, &new.min_ready);
    keys.whole("directory", directory, &new.directory);
    // Values may be secrets.
    keys.whole("env", env, &new.env);
    keys.whole("env_file", env_file, &new.env_file);
    keys.whole("user", user, &new.user);
    keys.whole("version", version, &new.version);
    keys.whole("stop", stop, &new.stop);
    keys.whole("restart", restart, &new.restart);
}
