//! Opens connections: addresses, back-off, connect limiter and TLS.

pub(crate) mod backoff;
pub(crate) mod connect_limiter;
pub(crate) mod dial;
pub(crate) mod pem_words;
pub(crate) mod stream;
pub(crate) mod tls;
pub(crate) mod tls_words;
