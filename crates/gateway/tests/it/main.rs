//! The gateway over real sockets on loopback.

#[cfg(test)]
mod accounting;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod backend;
#[cfg(test)]
mod balancing;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod brownout;
#[cfg(test)]
mod bulkhead;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod departure;
#[cfg(test)]
mod downstream;
#[cfg(test)]
mod exemplars;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod fallback;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod garbled;
#[cfg(test)]
mod hedge;
#[cfg(test)]
mod hold;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod knocks;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lost;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod mirror;
mod outliers;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod protocols;
#[cfg(test)]
mod proxying;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod shadow;
#[cfg(test)]
mod smuggling;
#[cfg(test)]
mod split;
#[cfg(test)]
mod succession;
#[cfg(test)]
mod tcp;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod zones;
