//! Parses addresses, with the digest that pins their content.

use url::Url;

/// An address that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    url: Url,
    pin: Option<String>,
}

impl Address {
    /// Parses an address; `None` if the text is a path.
    ///
    /// # Errors
    /// If the address is wrong, with its correct form.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, String>> {
        let (scheme, _) = text.split_once("://")?;
        Some(match scheme {
            "https" | "s3" | "http" => Self::read(text),
            _ => Err(format!(
                "the scheme {scheme:?} is not known; a file is fetched from https:// or s3://"
            )),
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|error| format!("this is no address: {error}"))?;
        let pin = url.fragment().map(pinned).transpose()?;
        url.set_fragment(None);
        if url.host_str().is_none_or(str::is_empty) {
            return Err(
                "this names no host; wanted is https://HOST/PATH or s3://BUCKET/KEY".into(),
            );
        }
        let address = Self { url, pin };
        if address.url.scheme() == "http" && address.pin.is_none() {
            return Err(
                "http:// is not encrypted, and anyone on the way could change what comes; use https://, or pin the content with #sha256=…"
                    .into(),
            );
        }
        if address.bucket().is_some_and(|(_, key)| key.is_empty()) {
            return Err("this names a bucket and no key; wanted is s3://BUCKET/KEY".into());
        }
        Ok(address)
    }

    /// Returns the SHA-256 of the pin, in hex.
    #[must_use]
    pub(crate) fn pin(&self) -> Option<&str> {
        self.pin.as_deref()
    }

    /// Returns the bucket and the key of an `s3://` address.
    #[must_use]
    pub(crate) fn bucket(&self) -> Option<(&str, &str)> {
        if self.url.scheme() != "s3" {
            return None;
        }
        Some((
            self.url.host_str()?,
            self.url.path().trim_start_matches('/'),
        ))
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the address with its pin, for the command that repeats a run.
    #[must_use]
    pub(crate) fn again(&self) -> String {
        match &self.pin {
            Some(pin) => format!("{}#sha256={pin}", self.shown()),
            None => self.shown(),
        }
    }

    /// Returns the address for messages: without login, query and pin, which may be secret.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        shown(&self.url)
    }
}

/// Returns a URL without its secrets.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // This fails for a URL that cannot have a login.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

fn pinned(fragment: &str) -> Result<String, String> {
    let digest = fragment.strip_prefix("sha256=").map(str::to_lowercase);
    let hex = |digest: &String| digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit());
    digest.filter(hex).ok_or_else(|| {
        format!(
            "#{fragment} pins nothing; wanted is #sha256= and 64 hexadecimal digits, as `mockfleet inspect` prints them"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Address::parse(text).unwrap().unwrap_err()
    }

    #[test]
    fn addresses_are_told_from_paths() {
        for path in ["fleet.toml", "/a/b.bundle", "a#b", "C:/x"] {
            assert!(Address::parse(path).is_none(), "{path}");
        }
        let digest = "0123456789abcdef".repeat(4);
        let text = format!(
            "https://me:pw@host/a/w.bundle?sig=1#sha256={}",
            digest.to_uppercase()
        );
        let address = Address::parse(&text).unwrap().unwrap();
        assert_eq!(address.pin(), Some(digest.as_str()));
        assert_eq!(address.shown(), "https://host/a/w.bundle");
        let s3 = Address::parse("s3://bucket/a/b.bundle").unwrap().unwrap();
        assert_eq!(s3.bucket(), Some(("bucket", "a/b.bundle")));
        let plain = format!("http://host/x#sha256={digest}");
        assert!(Address::parse(&plain).unwrap().is_ok());
    }

    #[test]
    fn what_is_no_address_is_explained() {
        assert!(refused("ftp://host/x").contains("https:// or s3://"));
        assert!(refused("http://host/x").contains("not encrypted"));
        assert!(refused("https://host/x#sha256=12").contains("64 hexadecimal digits"));
        assert!(refused("https://host/x#v1").contains("#v1 pins nothing"));
        assert!(refused("s3://bucket").contains("no key"));
        assert!(refused("https://").contains("no address"));
    }
}
