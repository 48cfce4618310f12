//! Metrics of incidents, objectives and instances, and the formats they are written in.
//!
//! | name | labels |
//! |---|---|
//! | `ninefold_build_info` | `version` |
//! | `ninefold_faults_total` | `class`, `effect` = `masked` or `surfaced` |
//! | `ninefold_detection_seconds` | `class` |
//! | `ninefold_recovery_seconds` | `class` |
//! | `ninefold_incidents_open` | |
//! | `ninefold_not_well` | `kind` = `node`, `link`, `zone` or `instance`, `class` |
//! | `ninefold_instances` | `service`, `state` |
//! | `ninefold_disturbances_total` | `what`, as in the journal |
//! | `ninefold_state_write_seconds` | |
//! | `ninefold_journal_healthy` | |
//! | `ninefold_slo_objective_ratio` | `slo`, `route`, `indicator` |
//! | `ninefold_slo_error_budget_remaining_ratio` | the same |
//! | `ninefold_slo_burn_rate` | the same and `window` |
//! | `ninefold_slo_alert_firing` | the same and `alert` |
//! | `ninefold_members` | `state`; this and the next only of a node in a cluster |
//! | `ninefold_gossip_syncs_total` | `role` = `fetched` or `served`, `result` = `whole`, `failed` or `refused` |
//! | `ninefold_gossip_*` | |
//!
//! A fault counts when its incident closes: `surfaced` if a client saw it, else `masked`. A rate
//! without traffic is absent, not NaN. Labels come from closed sets or from the file.

mod exemplar;
mod families;
mod format;
mod gossip;
mod text;

pub use exemplar::Exemplar;
pub use families::Metrics;
pub use format::Format;
pub use text::{CONTENT_TYPE, encode, encode_open};
