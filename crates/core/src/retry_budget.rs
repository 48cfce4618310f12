//! How many retries a stream of requests may cause.
