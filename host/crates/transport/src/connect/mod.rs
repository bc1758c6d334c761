//! Opens connections: addresses, back-off, limits and TLS.

pub(crate) mod backoff;
pub(crate) mod connect_limiter;
pub(crate) mod connect_window;
pub(crate) mod dial;
pub(crate) mod first_connections;
pub(crate) mod host_limit;
pub(crate) mod pem_words;
pub(crate) mod stream;
pub(crate) mod tls;
pub(crate) mod tls_words;
