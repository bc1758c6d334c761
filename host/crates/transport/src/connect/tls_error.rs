//! Describes TLS errors without the time at which they were found.

use std::io;

use jiff::Timestamp;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

/// Returns the text of an error of a TLS handshake.
///
/// The library's text for an expired certificate has the time of the check, so that each
/// second has a text of its own. This text has the time of the certificate only, so that all
/// devices have the same cause.
pub(crate) fn text(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let Some(rustls::Error::InvalidCertificate(reason)) = inner else {
        return error.to_string();
    };
    let reason = match reason {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!(
                "certificate expired: it was valid until {}",
                shown(*not_after)
            )
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!(
                "certificate not valid yet: it is valid from {}",
                shown(*not_before)
            )
        }
        CertificateError::ExpiredRevocationListContext { next_update, .. } => format!(
            "certificate revocation list expired: it was valid until {}",
            shown(*next_update)
        ),
        _ => return error.to_string(),
    };
    format!("invalid peer certificate: {reason}")
}

fn shown(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn text_of(reason: CertificateError) -> String {
        text(&io::Error::new(
            io::ErrorKind::InvalidData,
            rustls::Error::InvalidCertificate(reason),
        ))
    }

    #[test]
    fn expired_certificate_has_the_same_text_each_second() {
        let expired = |now| {
            text_of(CertificateError::ExpiredContext {
                time: at(now),
                not_after: at(1_767_225_600),
            })
        };
        assert_eq!(expired(1_767_225_700), expired(1_767_225_701));
        assert_eq!(
            expired(1_767_225_700),
            "invalid peer certificate: certificate expired: it was valid until 2026-01-01T00:00:00Z"
        );
        let early = |now| {
            text_of(CertificateError::NotValidYetContext {
                time: at(now),
                not_before: at(1_767_225_600),
            })
        };
        assert_eq!(early(1), early(2));
        let other = text_of(CertificateError::UnknownIssuer);
        assert_eq!(other, "invalid peer certificate: UnknownIssuer");
    }
}
