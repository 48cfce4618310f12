//! Putting a pipeline together.

use super::stack::{Nothing, Stack, Stages, in_order};
use super::{Pipeline, Stage};

/// A pipeline under construction. Policies are named from the outside in; one in the wrong place
/// does not compile.
#[derive(Clone, Debug)]
#[must_use]
pub struct PipelineBuilder<S> {
    stages: S,
    findings: Vec<Finding>,
}

/// Something about a pipeline that works and is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {remedy}")]
pub struct Finding {
    /// What is odd.
    pub message: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl PipelineBuilder<Nothing> {
    pub(super) const fn new() -> Self {
        Self {
            stages: Nothing,
            findings: Vec::new(),
        }
    }
}

impl<S: Stages> PipelineBuilder<S> {
    /// The next policy, within those before.
    ///
    /// One in the wrong place is refused by the compiler; see [the order](super#the-order).
    pub fn stage<P: Stage>(self, policy: P) -> PipelineBuilder<Stack<S, P>> {
        const {
            assert!(
                in_order(S::INNERMOST, P::KIND),
                "this policy belongs outside of the one before it; see the order in `ninefold::pipeline`, or use `out_of_order`"
            );
        }
        self.push(policy)
    }

    /// The next policy, wherever it may belong. What is odd about it stands in the
    /// [findings](Pipeline::findings).
    pub fn out_of_order<P: Stage>(mut self, policy: P) -> PipelineBuilder<Stack<S, P>> {
        if let Some(before) = S::INNERMOST
            && !in_order(S::INNERMOST, P::KIND)
        {
            self.findings.push(Finding {
                message: format!("the {} stands within the {before}", P::KIND),
                remedy: "the order in `ninefold::pipeline` says why it belongs outside",
            });
        }
        self.push(policy)
    }

    fn push<P>(self, policy: P) -> PipelineBuilder<Stack<S, P>> {
        PipelineBuilder {
            stages: Stack {
                outer: self.stages,
                inner: policy,
            },
            findings: self.findings,
        }
    }

    /// The pipeline.
    pub fn build(self) -> Pipeline<S> {
        Pipeline::new(self.stages, self.findings)
    }
}
