//! The shop's programs and routes over real sockets.

// `cfg(test)` is always set here; it tells clippy that functions beside the tests are tests too.
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod checkout;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod process;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod stop;
