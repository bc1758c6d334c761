//! Holds the settings that all requests to a server share.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use mockfleet_config::{Http, HttpChannel, Target};
use rustls::ClientConfig;

use crate::connect::tls::{self, TlsError};
use crate::device::RunNames;
use crate::flow::backlog::Backlog;
use crate::http::connections::IdleConnections;
use crate::inbox::EventInbox;

/// A server, for all workers.
#[derive(Clone)]
pub struct HttpTarget {
    pub(crate) target: Arc<Target>,
    pub(crate) channels: Arc<[Channel]>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) names: RunNames,
    /// The time for which a connection may be idle.
    pub(crate) idle_timeout: Duration,
}

/// A channel with its parsed method.
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) plan: HttpChannel,
    pub(crate) method: Method,
}

impl HttpTarget {
    /// Checks the settings that can be checked without a connection.
    ///
    /// # Errors
    /// When CA or certificate files cannot be used.
    pub fn new(target: &Target, http: &Http, names: RunNames) -> Result<Self, TlsError> {
        let tls = target.address.encrypted.then(|| tls::client(&target.tls));
        let channels = http.channels.iter().map(|(name, plan)| Channel {
            name: name.clone(),
            plan: plan.clone(),
            // The fleet file's check permits only tokens.
            method: Method::from_bytes(plan.method.as_bytes()).unwrap_or(Method::POST),
        });
        Ok(Self {
            channels: channels.collect(),
            tls: tls.transpose()?,
            target: Arc::new(target.clone()),
            names,
            idle_timeout: http.idle_timeout,
        })
    }
}

/// State that the device queues of one worker share.
pub(crate) struct Shared {
    pub(crate) server: HttpTarget,
    pub(crate) idle: IdleConnections,
    /// Whether the server has answered a request.
    pub(crate) has_answered: Cell<bool>,
    pub(crate) inbox: EventInbox,
    /// Counts the bodies that are messages to devices.
    pub(crate) backlog: Rc<Backlog>,
}

impl Shared {
    /// Reports a problem with the target's name and URL.
    pub(crate) fn warn(&self, why: &str) {
        let target = &self.server.target;
        let (name, url) = (&target.name, &target.address.shown);
        self.inbox.warn(format!("target {name} ({url}): {why}"));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use mockfleet_config::Protocol;

    use super::*;
    use crate::tests::settings;

    /// Returns a server on this port, with one channel whose path is `/{device}`.
    pub(crate) fn server(port: u16, keys: &str) -> HttpTarget {
        let url = format!("http://127.0.0.1:{port}");
        let target = settings::target(&url, keys, "path = \"/{device}\"");
        let Protocol::Http(http) = &target.protocol else {
            panic!("no HTTP");
        };
        HttpTarget::new(&target, http, settings::names()).unwrap()
    }
}
