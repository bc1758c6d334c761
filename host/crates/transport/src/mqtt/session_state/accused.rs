//! Holds the message that was sent alone when a connection ended.
//!
//! A second client with the same client id also ends connections, whatever is sent. So the
//! next connection first sends no message for a while. If it is lost as well, the message
//! was not the reason, and is sent again.

use std::time::Duration;

use tokio::time::Instant;

use crate::cause::Cause;
use crate::envelope::Outcome;
use crate::event::Completion;
use crate::mqtt::session_state::in_flight::InFlight;

/// The minimum time without a message, 250 ms: most brokers end a connection within
/// milliseconds of the message that they cannot take.
const MIN_TRIAL: Duration = Duration::from_millis(250);

/// The maximum time without a message, 10 s.
const MAX_TRIAL: Duration = Duration::from_secs(10);

/// The time without a message, in lives of the lost connection, 4: another client that
/// opens its connection again doubles its waits at most, and then adds jitter.
const TRIAL_FACTOR: u32 = 4;

/// The connections that a message has to end alone, 3, if others ended without a message.
pub(crate) const STRIKES_IN_DOUBT: u8 = 3;

/// The time for which a connection that ended without a message is a reason for doubt.
pub(crate) const DOUBT: Duration = Duration::from_secs(300);

/// The message that was sent alone when a connection ended.
#[derive(Debug)]
pub(crate) struct Accused {
    pub(crate) packet: InFlight,
    /// The cause of its failure, if it was the reason.
    cause: Cause,
    /// The time for which the next connection sends no message.
    pub(crate) trial: Duration,
}

impl Accused {
    /// Accuses a message of the end of a connection that had this age.
    pub(crate) fn new(mut packet: InFlight, cause: Cause, lived: Duration) -> Self {
        packet.strikes = packet.strikes.saturating_add(1);
        let trial = lived.saturating_mul(TRIAL_FACTOR);
        Self {
            packet,
            cause,
            trial: trial.clamp(MIN_TRIAL, MAX_TRIAL),
        }
    }

    /// Returns the failure of the message.
    pub(crate) fn into_failure(self) -> Completion {
        Completion {
            sent_at: self.packet.sent_at.map(Instant::into_std),
            ..Completion::unsent(self.packet.envelope, Outcome::Failed, self.cause)
        }
    }
}
