//! A server's own handlers.

use ninefold_core::policy::{self, DeadlineConfig, InvalidPolicy, LoadShedderConfig};
use ninefold_core::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admission::Deadline;
use crate::clock::Time;
use crate::pipeline::{Nothing, Pipeline, Stack};
use crate::time_limiter::{TimeLimiter, TimeLimiterConfig};
use crate::waiting::WaitingRoom;
use crate::{ByError, Source};

type Deadlines<T> = Stack<Nothing, Deadline<T, ByError>>;
type Shedders<T> = Stack<Deadlines<T>, WaitingRoom<policy::LoadShedder, T, ByError>>;

/// What a [`Server`] is made of.
pub type ServerStages<T> = Stack<Shedders<T>, TimeLimiter<T>>;

/// A server that refuses early what would come too late, the least important first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// For requests that bring none: 10 s.
    pub deadline: DeadlineConfig,
    /// As [`LoadShedderConfig`]'s default; its limit is how many requests the server works on at
    /// once.
    pub shedder: LoadShedderConfig,
    /// 10 s for a handler.
    pub time_limit: TimeLimiterConfig,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            deadline: DeadlineConfig {
                default_timeout: Some(Span::secs(10)),
                ..DeadlineConfig::default()
            },
            shedder: LoadShedderConfig::default(),
            time_limit: TimeLimiterConfig {
                timeout: Span::secs(10),
            },
        }
    }
}

impl Server {
    /// The pipeline.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if a part makes no sense.
    pub fn build<T: Time>(self, time: T) -> Result<Pipeline<ServerStages<T>>, InvalidPolicy> {
        self.build_with(time, &Source::default())
    }

    /// The pipeline, with a name and a listener for all its policies.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if a part makes no sense.
    pub fn build_with<T: Time>(
        self,
        time: T,
        source: &Source,
    ) -> Result<Pipeline<ServerStages<T>>, InvalidPolicy> {
        let shedder = policy::LoadShedder::new(self.shedder)?.with_source(source.clone());
        Ok(Pipeline::builder()
            .stage(
                Deadline::new(self.deadline)?
                    .with_source(source.clone())
                    .with_clock(time.clone())
                    .by_error(),
            )
            .stage(WaitingRoom::on(time.clone(), shedder).by_error())
            .stage(TimeLimiter::on(time, self.time_limit)?.with_source(source.clone()))
            .build())
    }
}
