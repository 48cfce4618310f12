//! Real processes under a real supervisor.

#[cfg(test)]
mod adoption;
#[cfg(test)]
mod file;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod names;
#[cfg(test)]
mod output;
#[cfg(test)]
mod place;
#[cfg(test)]
mod prepare;
#[cfg(test)]
mod probes;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod starts;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod tls;
