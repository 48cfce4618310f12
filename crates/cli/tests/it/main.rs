//! The command against real processes.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod check;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod detect;
#[cfg(test)]
mod egress;
#[cfg(test)]
mod elsewhere;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod heal;
#[cfg(test)]
mod heritage;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod join;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod load;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod nodes_prove;
#[cfg(test)]
mod openmetrics;
#[cfg(test)]
mod prove;
#[cfg(test)]
mod refuse;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod simulate;
#[cfg(test)]
mod spy;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod survive;
#[cfg(test)]
mod upgrade;
