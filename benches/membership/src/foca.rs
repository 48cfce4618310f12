//! foca, driven by the simulator as its documentation asks for, with its settings for a LAN.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use foca::{
    AccumulatingRuntime, Config, Identity, Member, NoCustomBroadcast, OwnedNotification,
    PostcardCodec, Timer,
};
use ninefold_sim::node::Boot;
use ninefold_sim::{Context, Event, Node, NodeId};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use serde::{Deserialize, Serialize};

/// A node, with the number of its life: foca's way back for who was declared down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Name {
    node: u32,
    life: u16,
}

impl Identity for Name {
    type Addr = u32;

    fn renew(&self) -> Option<Self> {
        Some(Self {
            node: self.node,
            life: self.life.wrapping_add(1),
        })
    }

    fn addr(&self) -> u32 {
        self.node
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.life > adversary.life
    }
}

type Inner = foca::Foca<Name, PostcardCodec, SmallRng, NoCustomBroadcast>;

/// When the process begins, within a period: else all would probe at the same moment for ever.
const BEGIN: u64 = u64::MAX;

pub(crate) struct Foca {
    boot: Boot,
    /// How many times faster than by its own settings.
    faster: u32,
    inner: Option<Inner>,
    runtime: AccumulatingRuntime<Name>,
    timers: BTreeMap<u64, Timer<Name>>,
    count: u64,
}

impl Foca {
    pub(crate) fn new(boot: Boot, faster: u32) -> Self {
        Self {
            boot,
            faster,
            inner: None,
            runtime: AccumulatingRuntime::new(),
            timers: BTreeMap::new(),
            count: 0,
        }
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        let Boot {
            node,
            starts,
            nodes,
        } = self.boot;
        let name = |node| Name { node, life: 0 };
        let me = Name {
            life: u16::try_from(starts).unwrap_or(u16::MAX),
            ..name(node.0)
        };
        let size = NonZeroU32::new(nodes).unwrap_or(NonZeroU32::MIN);
        let rng = SmallRng::seed_from_u64(cx.rng().next_u64());
        let mut config = Config::new_lan(size);
        config.probe_period /= self.faster;
        config.probe_rtt /= self.faster;
        config.suspect_to_down_after /= self.faster;
        let mut inner = Inner::new(me, config, rng, PostcardCodec);
        let others = (0..nodes).filter(|other| *other != node.0);
        let others = others.map(|other| Member::alive(name(other)));
        report(inner.apply_many(others, false, &mut self.runtime));
        if starts > 0 {
            report(inner.gossip(&mut self.runtime));
        }
        self.inner = Some(inner);
        // Whom it begins with is no news.
        while self.runtime.to_notify().is_some() {}
        self.drain(cx);
    }

    /// Carries out what foca wants.
    fn drain(&mut self, cx: &mut Context<'_>) {
        while let Some((to, bytes)) = self.runtime.to_send() {
            cx.send(NodeId(to.node), &bytes);
        }
        while let Some((after, timer)) = self.runtime.to_schedule() {
            cx.set_timer(cx.now() + after, self.count);
            self.timers.insert(self.count, timer);
            self.count += 1;
        }
        while let Some(notification) = self.runtime.to_notify() {
            match notification {
                OwnedNotification::MemberDown(name) => cx.event(Event::Down(NodeId(name.node))),
                OwnedNotification::MemberUp(name) => cx.event(Event::Up(NodeId(name.node))),
                _ => {}
            }
        }
    }
}

/// foca goes on after an error, which says that a packet was no use, or that timers came late.
fn report<E>(done: Result<(), E>) {
    drop(done);
}

impl Node for Foca {
    fn start(&mut self, cx: &mut Context<'_>) {
        let wait = cx.rng().jitter(Duration::from_secs(1) / self.faster);
        cx.set_timer(cx.now() + wait, BEGIN);
    }

    fn packet(&mut self, _: NodeId, bytes: &[u8], cx: &mut Context<'_>) {
        if let Some(inner) = &mut self.inner {
            report(inner.handle_data(bytes, &mut self.runtime));
            self.drain(cx);
        }
    }

    fn timer(&mut self, token: u64, cx: &mut Context<'_>) {
        if token == BEGIN {
            return self.begin(cx);
        }
        if let (Some(inner), Some(timer)) = (&mut self.inner, self.timers.remove(&token)) {
            report(inner.handle_timer(timer, &mut self.runtime));
            self.drain(cx);
        }
    }
}
