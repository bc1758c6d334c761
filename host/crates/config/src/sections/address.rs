//! Parses the URL of a target.

use crate::document::problem::ValueError;
use crate::plan::target::Address;
use crate::sections::brought_in::destination::path_fault;

/// Reads a target's URL.
///
/// # Errors
/// The URL cannot be used; the message never has its password.
pub(crate) fn parse(text: &str) -> Result<(Scheme, Address), ValueError> {
    let wanted = "such as \"mqtt://127.0.0.1:1883\" or \"https://api.example.com/v1\"";
    if let Some(why) = bare_ipv6(text) {
        return Err(why.into());
    }
    let url = url::Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase if !text.is_empty() => {
            format!("this is no URL, since it begins with no scheme; wanted is one {wanted}")
        }
        url::ParseError::InvalidPort => {
            "this is no URL: the port behind the host is no number from 1 to 65535".to_owned()
        }
        _ => format!("this is no URL: {error}; wanted is one {wanted}"),
    })?;
    let (scheme, encrypted, default_port) = match url.scheme() {
        "mqtt" => (Scheme::Mqtt, false, 1883),
        "mqtts" => (Scheme::Mqtt, true, 8883),
        "http" => (Scheme::Http, false, 80),
        "https" => (Scheme::Http, true, 443),
        other => {
            return Err(format!(
                "the scheme {other:?} is not known; there are mqtt, mqtts, http and https, {}",
                scheme_hint(other).unwrap_or(wanted)
            )
            .into());
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(match scheme {
            Scheme::Mqtt => "a login does not belong in the URL, which the log records; use the keys username and password".into(),
            Scheme::Http => "a login does not belong in the URL, which the log records; use headers = { authorization = \"…\" }".into(),
        });
    }
    let host = match url.host() {
        Some(url::Host::Domain(name)) if !name.is_empty() => name.to_owned(),
        Some(url::Host::Ipv4(address)) => address.to_string(),
        Some(url::Host::Ipv6(address)) => address.to_string(),
        _ => return Err(format!("it names no host; wanted is one {wanted}").into()),
    };
    let (path, written) = (url.path().trim_end_matches('/'), written_path(text));
    if scheme == Scheme::Mqtt && !written.trim_end_matches('/').is_empty() {
        return Err("a broker's URL has no path; topics belong to its channels".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            "a target's URL ends with its path; a query belongs to the path of a channel".into(),
        );
    }
    if let Some(why) = path_fault(written).filter(|_| !written.is_empty()) {
        return Err(format!(
            "the path of the URL would be {:?} in place of {written:?}: {why}",
            url.path()
        )
        .into());
    }
    let port = url.port().unwrap_or(default_port);
    if port == 0 {
        return Err(
            "port 0 cannot be reached; give the port of the backend, or none for the usual one"
                .into(),
        );
    }
    let bracketed = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    Ok((
        scheme,
        Address {
            encrypted,
            host,
            port,
            shown: format!("{}://{bracketed}:{port}{path}", url.scheme()),
        },
    ))
}

/// Returns the path of a URL as it is written, which the parser changes.
fn written_path(text: &str) -> &str {
    let (_, rest) = text.split_once(':').unwrap_or_default();
    let rest = rest.trim().trim_start_matches(['/', '\\']);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.find(['/', '\\'])
        .and_then(|start| rest.get(start..))
        .unwrap_or_default()
}

/// Returns the way out for a scheme that other programs have.
fn scheme_hint(scheme: &str) -> Option<&'static str> {
    match scheme {
        "tcp" | "mqtt+tcp" => Some("and tcp is mqtt here"),
        "ssl" | "tls" | "mqtt+ssl" | "mqtt+tls" => Some("and TLS is mqtts here"),
        "ws" | "wss" | "mqtt+ws" | "mqtt+wss" => {
            Some("and MQTT over WebSockets is not spoken; use the broker's port for MQTT")
        }
        _ => None,
    }
}

/// Explains an IPv6 address without brackets, or with a zone.
fn bare_ipv6(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("mqtt", text));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (path, host) = (
        rest.strip_prefix(authority).unwrap_or_default(),
        authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host),
    );
    let is_ipv6 = |text: &str| text.parse::<std::net::Ipv6Addr>().is_ok();
    let inside = host.trim_start_matches('[');
    if let Some((address, _)) = inside
        .split_once('%')
        .filter(|(address, _)| is_ipv6(address))
    {
        return Some(format!(
            "{address} has a zone (% and a network interface), which a URL cannot have; use the broker's name, or an address without a zone, such as {scheme}://[2001:db8::1]"
        ));
    }
    if inside != host || host.matches(':').count() < 2 {
        return None;
    }
    // The last part is a port, unless it is as short as a part of an address.
    let with_port = host
        .rsplit_once(':')
        .filter(|(address, port)| is_ipv6(address) && port.len() > 2 && port.parse::<u16>().is_ok())
        .map(|(address, port)| format!("[{address}]:{port}"));
    let bracketed = with_port.or_else(|| is_ipv6(host).then(|| format!("[{host}]")))?;
    Some(format!(
        "an IPv6 address has brackets around it in a URL; write {scheme}://{bracketed}{path}"
    ))
}

/// The protocol of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Mqtt,
    Http,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ports_have_the_default_of_their_scheme() {
        let shown = |text| parse(text).unwrap().1.shown;
        assert_eq!(shown("mqtt://broker"), "mqtt://broker:1883");
        assert_eq!(shown("mqtts://broker/"), "mqtts://broker:8883");
        assert_eq!(shown("https://h/v1/"), "https://h:443/v1");
        assert_eq!(shown("http://[::1]:8080"), "http://[::1]:8080");
        assert_eq!(parse("http://[::1]:8080").unwrap().1.host, "::1");
    }

    #[test]
    fn ipv6_address_without_brackets_is_shown_with_them() {
        for (wrong, right) in [
            ("mqtt://::1:1883", "mqtt://[::1]:1883"),
            ("mqtt://::1", "mqtt://[::1]"),
            ("::1:1883", "mqtt://[::1]:1883"),
            ("mqtts://2001:db8::1", "mqtts://[2001:db8::1]"),
            (
                "http://2001:db8::1:8080/api",
                "http://[2001:db8::1]:8080/api",
            ),
            ("mqtt://me:hunter2@fe80::1:2", "mqtt://[fe80::1:2]"),
        ] {
            assert_eq!(
                parse(wrong).unwrap_err().to_string(),
                format!("an IPv6 address has brackets around it in a URL; write {right}")
            );
        }
        for zone in ["mqtt://fe80::1%eth0:1883", "mqtt://[fe80::1%25eth0]:1883"] {
            assert_eq!(
                parse(zone).unwrap_err().to_string(),
                "fe80::1 has a zone (% and a network interface), which a URL cannot have; use the broker's name, or an address without a zone, such as mqtt://[2001:db8::1]"
            );
        }
    }

    #[test]
    fn scheme_and_port_of_other_programs_are_explained() {
        let error = |text| parse(text).unwrap_err().to_string();
        let known = "is not known; there are mqtt, mqtts, http and https, and";
        assert_eq!(
            error("tcp://x"),
            format!("the scheme \"tcp\" {known} tcp is mqtt here")
        );
        assert_eq!(
            error("ssl://x"),
            format!("the scheme \"ssl\" {known} TLS is mqtts here")
        );
        assert_eq!(
            error("wss://x"),
            format!(
                "the scheme \"wss\" {known} MQTT over WebSockets is not spoken; use the broker's port for MQTT"
            )
        );
        assert_eq!(
            error("broker"),
            "this is no URL, since it begins with no scheme; wanted is one such as \"mqtt://127.0.0.1:1883\" or \"https://api.example.com/v1\""
        );
        assert_eq!(
            error("mqtt://broker:99999"),
            "this is no URL: the port behind the host is no number from 1 to 65535"
        );
    }

    #[test]
    fn path_that_would_be_another_is_refused() {
        let error = |text| parse(text).unwrap_err().to_string();
        assert_eq!(
            error("http://h/base/../b2"),
            "the path of the URL would be \"/b2\" in place of \"/base/../b2\": a URL leaves out segments of dots, so that it would be another path"
        );
        for text in ["http://h/%2e%2e/", "http://h/./v1/", "http://h:80/a\\b"] {
            assert!(error(text).contains("in place of"), "{text}");
        }
        assert!(error("mqtt://h/a/..").contains("no path"));
        assert_eq!(
            parse("http://h/a%20b/v1.2/\n").unwrap().1.shown,
            "http://h:80/a%20b/v1.2"
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let error = |text| parse(text).unwrap_err().to_string();
        assert!(error("amqp://x").contains("mqtt, mqtts, http and https"));
        assert!(error("127.0.0.1:1883").contains("no URL"));
        assert!(error("mqtt://x/topic").contains("no path"));
        let login = error("mqtt://me:hunter2@x");
        assert!(login.contains("username and password") && !login.contains("hunter2"));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}
