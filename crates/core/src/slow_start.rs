//! A newcomer's share of the traffic.
