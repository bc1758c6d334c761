//! Explains TLS errors in a sentence each, with the way out.
//!
//! The texts have no times and no device, since causes are counted by their text.

use std::error::Error;
use std::fmt::Write;
use std::io;

use rustls::{AlertDescription, CertificateError, PeerIncompatible};

/// Returns the sentence for a TLS error among the causes of an error.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(sentence(error));
        }
        // The source of such an error is not its content, but the source of that.
        if let Some(content) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            && let Some(said) = explain(content)
        {
            return Some(said);
        }
        cause = error.source();
    }
    None
}

/// Describes an error of a connection, with or without TLS.
pub(crate) fn describe(error: &io::Error) -> String {
    explain(error).unwrap_or_else(|| error.to_string())
}

/// Describes an error of the TLS handshake.
pub(crate) fn describe_handshake(error: &io::Error) -> String {
    let is_closed = matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    );
    match explain(error) {
        Some(said) => said,
        None if is_closed => format!(
            "the server closed the connection ({error}); this may be its port without TLS (mqtt:// or http://), or it requires a client certificate (tls.cert and tls.key)"
        ),
        None => error.to_string(),
    }
}

fn sentence(error: &rustls::Error) -> String {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(error) => certificate(error),
        E::AlertReceived(alert) => refusal(*alert),
        E::InvalidMessage(_) | E::InappropriateMessage { .. } | E::PeerSentOversizedRecord => {
            "the server's answer is no TLS; this may be its port without TLS (mqtt:// or http://)"
                .into()
        }
        E::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => OLD_VERSION.into(),
        E::PeerIncompatible(why) => {
            format!(
                "the server and mockfleet share no way of TLS 1.2 or 1.3 ({why:?}); update the server, or permit more ciphers there"
            )
        }
        E::NoCertificatesPresented => {
            "the server has sent no certificate; give it one, with its key".into()
        }
        E::NoApplicationProtocol => NO_PROTOCOL.into(),
        other => other.to_string(),
    }
}

const OLD_VERSION: &str = "the server permits neither TLS 1.2 nor TLS 1.3; older versions are unsafe, and mockfleet has none of them; update the server, or permit TLS 1.2 there";

const NO_PROTOCOL: &str =
    "the server permits no protocol without ALPN on this port; use its port for this protocol";

/// Explains why the server's certificate is refused.
fn certificate(error: &CertificateError) -> String {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => "the server's certificate, or one of its chain, has expired by this machine's clock; renew it (`openssl x509 -noout -dates -in FILE` prints its dates)".into(),
        E::NotValidYet | E::NotValidYetContext { .. } => "the server's certificate is not valid yet by this machine's clock; set the clock, or make the certificate again (`openssl x509 -noout -dates -in FILE` prints its dates)".into(),
        E::UnknownIssuer => "the server's certificate is from no authority that is trusted (unknown issuer); name the authority's file with tls.ca, and let the server send its whole chain (`openssl s_client -showcerts -connect HOST:PORT` prints it)".into(),
        E::NotValidForName => "the server's certificate is for another host than that of the url; use one of its names in the url, or make it with `-addext subjectAltName=DNS:HOST`".into(),
        E::NotValidForNameContext { expected, presented } => {
            let host = expected.to_str();
            let kind = match host.parse::<std::net::IpAddr>() {
                Ok(_) => "IP",
                Err(_) => "DNS",
            };
            let names = names(presented);
            format!("the server's certificate is for {names}, and not for {host}; use a name of the certificate in the url, or make it with `-addext subjectAltName={kind}:{host}`")
        }
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => "the server's certificate is not for servers; make it with `-addext extendedKeyUsage=serverAuth`, or without that extension".into(),
        E::BadSignature => "the signature of the server's certificate does not fit its authority; the file of tls.ca may be of an older authority with the same name".into(),
        E::Revoked => "the server's certificate is revoked; give the server a new one".into(),
        E::BadEncoding => "the server's certificate cannot be read; make it again (`openssl x509 -noout -text -in FILE` prints it)".into(),
        E::UnhandledCriticalExtension => "the server's certificate has a critical extension that is not known; make it without that (`openssl x509 -noout -text -in FILE` prints it)".into(),
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => "the server's certificate, or one of its chain, is signed in a way that is not supported, such as with SHA-1; make it again with `-sha256` and a key of RSA (2048 bits or more) or P-256".into(),
        E::Other(other) => by_name(&format!("{:?}", other.0)),
        other => format!("the server's certificate is refused: {other}"),
    }
}

/// Explains an error of the library that checks certificates, by the name of its kind.
fn by_name(error: &str) -> String {
    let known = [
        (
            "UnsupportedCertVersion",
            "the server's certificate is of X.509 version 1, which has no extensions; make it with version 3: `openssl x509 -req` needs `-extfile FILE` with the line subjectAltName=DNS:HOST",
        ),
        (
            "CaUsedAsEndEntity",
            "the server's certificate is that of an authority (CA:TRUE); give the server one of its own, or make this with `-addext basicConstraints=critical,CA:FALSE`",
        ),
        (
            "EndEntityUsedAsCa",
            "a certificate of the server's chain is not of an authority, but has issued another; make it with `-addext basicConstraints=critical,CA:TRUE`",
        ),
        (
            "PathLenConstraintViolated",
            "the server's chain is longer than its authority permits (pathlen); issue the certificate by the authority itself",
        ),
        (
            "NameConstraintViolation",
            "the server's authority may not issue certificates for this name (nameConstraints); use a name that it permits",
        ),
    ];
    let said = known.iter().find(|(kind, _)| error.contains(kind));
    said.map_or_else(
        || format!("the server's certificate is refused ({error}); `openssl verify -x509_strict -CAfile CA FILE` may tell more"),
        |(_, said)| (*said).to_owned(),
    )
}

/// Lists the names of a certificate: `DnsName("a")` is `a`.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "no host (a common name without subjectAltName does not count)".into();
    }
    let mut text = String::new();
    for (place, name) in presented.iter().enumerate() {
        let inner = name.split(['(', ')']).nth(1).unwrap_or(name);
        let before = if place == 0 { "" } else { ", " };
        let _ = write!(text, "{before}{}", inner.trim_matches('"'));
    }
    text
}

/// Explains an alert, by which the server ends the handshake (RFC 8446, section 6.2).
fn refusal(alert: AlertDescription) -> String {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired | A::NoCertificate => "the server requires a client certificate; see tls.cert and tls.key".into(),
        A::HandshakeFailure | A::InsufficientSecurity => "the server refused the handshake; it may require a client certificate (tls.cert and tls.key), or permit none of the ciphers of TLS 1.2 and 1.3".into(),
        A::UnknownCA => "the server trusts no authority of the client certificate (unknown CA); make it by an authority that the server knows, and put its chain into the file of tls.cert".into(),
        A::CertificateExpired => "the server refused the client certificate, since it has expired; renew the file of tls.cert".into(),
        A::CertificateRevoked => "the server refused the client certificate, since it is revoked; use another in tls.cert".into(),
        A::BadCertificate | A::CertificateUnknown | A::UnsupportedCertificate => "the server refused the client certificate, or misses one; see tls.cert and tls.key, and make it for clients (`-addext extendedKeyUsage=clientAuth`)".into(),
        A::AccessDenied => "the server knows the client certificate, and denies access to it; permit it there, or use another in tls.cert".into(),
        A::DecryptError => "the server could not check the signature of the client; the file of tls.key must be the key of tls.cert".into(),
        A::ProtocolVersion => OLD_VERSION.into(),
        A::UnrecognisedName => "the server knows no host of this name; see the host in the url".into(),
        A::NoApplicationProtocol => NO_PROTOCOL.into(),
        other => format!("the server ended TLS with the alert {other:?}; its log may tell more"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::ServerName;
    use rustls::{InvalidMessage, OtherError};

    use super::*;

    fn said(error: impl Into<rustls::Error>) -> String {
        let inner = io::Error::new(io::ErrorKind::InvalidData, error.into());
        // As reqwest has it: an error of an error.
        let outer = io::Error::other(inner);
        let said = explain(&outer).unwrap();
        assert_eq!(describe(&outer), said);
        assert_eq!(describe_handshake(&outer), said);
        said
    }

    #[derive(Debug, thiserror::Error)]
    #[error("a kind")]
    enum Pki {
        UnsupportedCertVersion,
        CaUsedAsEndEntity,
        SomethingNew,
    }

    fn other(error: Pki) -> CertificateError {
        CertificateError::Other(OtherError(Arc::new(error)))
    }

    #[test]
    fn certificate_errors_have_a_way_out() {
        for (error, way_out) in [
            (
                other(Pki::UnsupportedCertVersion),
                "version 3: `openssl x509 -req` needs `-extfile",
            ),
            (
                other(Pki::CaUsedAsEndEntity),
                "`-addext basicConstraints=critical,CA:FALSE`",
            ),
            (other(Pki::SomethingNew), "(SomethingNew); `openssl verify"),
            (CertificateError::UnknownIssuer, "with tls.ca"),
            (CertificateError::Expired, "-dates"),
            (CertificateError::InvalidPurpose, "serverAuth"),
        ] {
            let said = said(error);
            assert!(said.contains(way_out), "{said}");
        }
    }

    #[test]
    fn wrong_name_names_both_sides() {
        let wrong = |host: &'static str, presented: &[&str]| {
            said(CertificateError::NotValidForNameContext {
                expected: ServerName::try_from(host).unwrap(),
                presented: presented.iter().map(|name| (*name).to_owned()).collect(),
            })
        };
        let text = wrong("broker.lan", &["DnsName(\"a.lan\")", "DnsName(\"b.lan\")"]);
        assert!(
            text.contains("is for a.lan, b.lan, and not for broker.lan;"),
            "{text}"
        );
        assert!(text.ends_with("subjectAltName=DNS:broker.lan`"), "{text}");
        let text = wrong("10.0.0.1", &[]);
        assert!(text.contains("no host (a common name"), "{text}");
        assert!(text.ends_with("subjectAltName=IP:10.0.0.1`"), "{text}");
    }

    #[test]
    fn alerts_name_the_keys_of_the_fleet_file() {
        for (alert, way_out) in [
            (
                AlertDescription::CertificateRequired,
                "see tls.cert and tls.key",
            ),
            (AlertDescription::HandshakeFailure, "(tls.cert and tls.key)"),
            (AlertDescription::UnknownCA, "tls.cert"),
            (AlertDescription::ProtocolVersion, "TLS 1.2"),
        ] {
            let said = said(rustls::Error::AlertReceived(alert));
            assert!(said.contains(way_out) && !said.contains("Alert"), "{said}");
        }
    }

    #[test]
    fn port_without_tls_is_named() {
        let error = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        assert!(said(error).contains("mqtt://"));
        let closed = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        assert!(describe_handshake(&closed).contains("mqtt://"));
        assert_eq!(describe(&closed), "tls handshake eof");
    }
}
