//! The retry budgets of all threads and routes.

use std::sync::Arc;

use ninefold_core::policy::RetryBudget;

use super::Hub;
use crate::plan::{Plan, RoutePlan};

/// By thread, then by route; nothing for a route without retries.
pub(super) type Budgets = Vec<Vec<Option<Arc<RetryBudget>>>>;

/// The budgets for `plan`. A budget of the gateway before that would be the same is that one: two
/// generations together repeat no more than one.
pub(super) fn budgets(plan: &Plan, threads: usize, elder: Option<&Hub>) -> Budgets {
    let of = |thread: usize, route: &RoutePlan| {
        let config = route.retry.as_ref()?.budget_of(threads);
        let kept = elder.and_then(|elder| {
            let mut routes = elder.plan.routes.iter();
            let index = routes.position(|before| before.name == route.name)?;
            elder.budgets.get(thread)?.get(index)?.clone()
        });
        kept.filter(|kept| kept.config() == config)
            .or_else(|| RetryBudget::new(config).ok().map(Arc::new))
    };
    let on = |thread| plan.routes.iter().map(|route| of(thread, route)).collect();
    (0..threads).map(on).collect()
}
