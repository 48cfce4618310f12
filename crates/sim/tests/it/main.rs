//! The simulator, with SWIM and Lifeguard in it, and with our own membership.

#[cfg(test)]
mod figures;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod transcripts;

#[cfg(test)]
mod swim {
    use ninefold_sim::simulation::Build;
    use ninefold_sim::swim::{Config, Swim};

    pub(crate) fn lan() -> Box<Build> {
        Box::new(|boot| Box::new(Swim::new(boot, Config::LAN)))
    }
}
