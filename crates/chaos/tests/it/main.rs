//! End to end, with real processes, signals and sockets on loopback.
//!
//! `cfg(test)` always holds here; written out, it tells the lints that these are tests.

#[cfg(test)]
mod claims;
#[cfg(test)]
mod files;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod load;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod rack;
#[cfg(test)]
mod reaper;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod shots;
#[cfg(test)]
mod simulate;
