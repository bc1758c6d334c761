//! Opens connections: back-off, connect limiter, limits of the host and TLS.

pub(crate) mod backoff;
pub(crate) mod connect_limiter;
pub(crate) mod host_limit;
pub(crate) mod tls;
pub(crate) mod tls_error;
