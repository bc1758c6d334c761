//! The URL of a target, taken apart.

use crate::plan::target::Address;

/// Reads a target's URL.
///
/// # Errors
/// What is wrong with it; never with a password that stands in it.
pub(crate) fn parse(text: &str) -> Result<(Scheme, Address), String> {
    let wanted = "such as \"mqtt://127.0.0.1:1883\" or \"https://api.example.com/v1\"";
    let url = url::Url::parse(text)
        .map_err(|error| format!("this is no URL: {error}; wanted is one {wanted}"))?;
    let (scheme, encrypted, default_port) = match url.scheme() {
        "mqtt" => (Scheme::Mqtt, false, 1883),
        "mqtts" => (Scheme::Mqtt, true, 8883),
        "http" => (Scheme::Http, false, 80),
        "https" => (Scheme::Http, true, 443),
        other => {
            return Err(format!(
                "the scheme {other:?} is not known; there are mqtt, mqtts, http and https, {wanted}"
            ));
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
        _ => return Err(format!("it names no host; wanted is one {wanted}")),
    };
    let path = url.path().trim_end_matches('/');
    if scheme == Scheme::Mqtt && !path.is_empty() {
        return Err("a broker's URL has no path; topics belong to its channels".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            "a target's URL ends with its path; a query belongs to the path of a channel".into(),
        );
    }
    let port = url.port().unwrap_or(default_port);
    if port == 0 {
        return Err("port 0 cannot be reached".into());
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

/// Which protocol a URL asks for.
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
    fn what_is_wrong_is_said_without_the_password() {
        let error = |text| parse(text).unwrap_err();
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
