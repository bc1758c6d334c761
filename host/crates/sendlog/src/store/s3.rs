//! Reads and writes objects of an S3-compatible bucket.

use std::path::Path;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    RetryConfig,
};
use tokio::runtime::Runtime;

/// Timeout of a request: 128 MiB over a slow line take longer than the library's 30 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);

/// Key of an object that is written and deleted to prove that the bucket accepts files. Its
/// name begins with an underscore, so that no engine reads it as data.
const PROBE_KEY: &str = "_mockfleet_proof";

/// Fetches an object of at most `max_bytes` bytes from a bucket.
///
/// Reads the credentials from the `AWS_*` variables of the environment.
///
/// # Errors
/// Missing settings of the environment, or the store's refusal.
pub fn fetch_object(bucket: &str, key: &str, max_bytes: u64) -> Result<bytes::Bytes, String> {
    Bucket::open(bucket, "")?.object(key, max_bytes)
}

/// A bucket and a prefix in it.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: AmazonS3,
    prefix: String,
    runtime: Runtime,
}

impl Bucket {
    /// Reads the environment. Does not connect yet.
    pub(crate) fn open(bucket: &str, prefix: &str) -> Result<Self, String> {
        check_environment(|name| std::env::var(name).ok())?;
        let options = ClientOptions::new()
            .with_timeout(REQUEST_TIMEOUT)
            .with_connect_timeout(Duration::from_secs(5));
        let store = AmazonS3Builder::from_env();
        let allow_http = is_true(std::env::var("AWS_ALLOW_HTTP").ok().as_deref());
        let store = store
            .with_client_options(options.with_allow_http(allow_http))
            // The log retries by itself, and reports the reason.
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: 1,
                retry_timeout: Duration::from_secs(10),
            })
            .with_bucket_name(bucket)
            .build()
            .map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            store,
            prefix: prefix.to_owned(),
            runtime,
        })
    }

    fn key(&self, key: &str) -> Key {
        match self.prefix.as_str() {
            "" => Key::from(key),
            prefix => Key::from(format!("{prefix}/{key}")),
        }
    }

    /// Writes a small object and deletes it.
    pub(crate) fn probe(&self) -> Result<(), String> {
        let key = self.key(PROBE_KEY);
        self.runtime.block_on(async {
            let payload = PutPayload::from_static(b"mockfleet");
            let put = self.store.put_opts(&key, payload, PutOptions::default());
            put.await.map_err(|error| reason(&error))?;
            // A user who may write but not delete may still write a log.
            let _ = self.store.delete(&key).await;
            Ok(())
        })
    }

    /// Uploads a file, checks its size in the store, and deletes the local file.
    ///
    /// Returns its size in bytes, and the number of requests.
    pub(crate) fn upload(&self, file: &Path, key: &str) -> (Result<u64, String>, u64) {
        let key = self.key(key);
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            // An earlier process uploaded the file and deleted it already.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let found = self.runtime.block_on(self.store.head(&key));
                let size = found.map(|found| found.size);
                return (size.map_err(|error| reason(&error)), 1);
            }
            Err(error) => return (Err(format!("{}: {error}", file.display())), 0),
        };
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // `Create` would report our own retried write as an object of another writer.
        let options = PutOptions::from(PutMode::Overwrite);
        let put = self.store.put_opts(&key, bytes.into(), options);
        if let Err(error) = self.runtime.block_on(put) {
            return (Err(reason(&error)), 1);
        }
        let checked = match self.runtime.block_on(self.store.head(&key)) {
            Ok(found) if found.size == size => std::fs::remove_file(file)
                .map(|()| size)
                .map_err(|error| format!("{}: {error}", file.display())),
            Ok(found) => Err(format!(
                "{key} has {} bytes there, and {size} were sent",
                found.size
            )),
            Err(error) => Err(reason(&error)),
        };
        (checked, 2)
    }

    /// Returns a whole object of at most `most` bytes, by the key that a user gave.
    pub(crate) fn object(&self, key: &str, most: u64) -> Result<bytes::Bytes, String> {
        let key = Key::from_url_path(key).map_err(|error| error.to_string())?;
        let head = self.runtime.block_on(self.store.head(&key));
        let size = head.map_err(|error| reason(&error))?.size;
        if size > most {
            return Err(format!(
                "it has {size} bytes, and at most {most} are fetched"
            ));
        }
        self.get(&key)
    }

    /// Lists the objects below a folder: keys without the prefix, and sizes in bytes.
    pub(crate) fn sizes(&self, folder: &str) -> Result<Vec<(String, u64)>, String> {
        use futures_util::TryStreamExt;
        let place = self.key(folder);
        let listed = self
            .runtime
            .block_on(self.store.list(Some(&place)).try_collect::<Vec<_>>())
            .map_err(|error| reason(&error))?;
        let below = |key: &Key| {
            let rest = key.as_ref().strip_prefix(place.as_ref())?;
            Some(format!("{folder}{rest}"))
        };
        Ok(listed
            .into_iter()
            .filter_map(|object| Some((below(&object.location)?, object.size)))
            .collect())
    }

    /// Returns whether any object is below a folder.
    pub(crate) fn has_any(&self, folder: &str) -> Result<bool, String> {
        use futures_util::TryStreamExt;
        let place = self.key(folder);
        let first = async { self.store.list(Some(&place)).try_next().await };
        let first = self.runtime.block_on(first);
        first.map_or_else(|error| Err(reason(&error)), |first| Ok(first.is_some()))
    }

    /// Reads a part of an object, by a key that `sizes` returned.
    pub(crate) fn get_range(
        &self,
        key: &str,
        range: std::ops::Range<u64>,
    ) -> Result<bytes::Bytes, String> {
        self.runtime
            .block_on(self.store.get_range(&self.listed(key)?, range))
            .map_err(|error| reason(&error))
    }

    /// Deletes objects by keys that `sizes` returned, many with one request. The results are
    /// in the order of the keys.
    pub(crate) fn delete(&self, keys: &[&str]) -> Vec<Result<(), String>> {
        use futures_util::StreamExt;
        let wanted: Vec<_> = keys.iter().map(|key| self.listed(key)).collect();
        let paths: Vec<_> = wanted.iter().flatten().cloned().map(Ok).collect();
        let stream = self
            .store
            .delete_stream(futures_util::stream::iter(paths).boxed());
        let ended: Vec<_> = self.runtime.block_on(stream.collect());
        let (gone, refused): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
        let gone: std::collections::HashSet<Key> = gone.into_iter().flatten().collect();
        let refused: Vec<String> = refused
            .iter()
            .filter_map(|end| end.as_ref().err().map(reason))
            .collect();
        let answer = |key: Result<Key, String>| match key? {
            key if gone.contains(&key) => Ok(()),
            key => Err(refusal(key.as_ref(), &refused)),
        };
        wanted.into_iter().map(answer).collect()
    }

    /// Converts a key that the store listed. It must not be escaped again.
    fn listed(&self, key: &str) -> Result<Key, String> {
        let (prefix, slash) = match self.key("").as_ref() {
            "" => (String::new(), ""),
            prefix => (prefix.to_owned(), "/"),
        };
        Key::parse(format!("{prefix}{slash}{key}")).map_err(|error| error.to_string())
    }

    /// Writes a small object, over an earlier one.
    pub(crate) fn put(&self, key: &str, bytes: bytes::Bytes) -> Result<(), String> {
        let options = PutOptions::from(PutMode::Overwrite);
        let key = self.key(key);
        let put = self.store.put_opts(&key, bytes.into(), options);
        let put = self.runtime.block_on(put);
        put.map(|_| ()).map_err(|error| reason(&error))
    }

    /// Reads a whole object, by a key that `sizes` returned.
    pub(crate) fn read_object(&self, key: &str) -> Result<bytes::Bytes, String> {
        self.get(&self.listed(key)?)
    }

    /// Reads a whole object.
    fn get(&self, key: &Key) -> Result<bytes::Bytes, String> {
        self.runtime
            .block_on(async { self.store.get(key).await?.bytes().await })
            .map_err(|error| reason(&error))
    }
}

/// Returns the reason why an object was not deleted: the error that names it, or the first
/// one.
fn refusal(key: &str, refused: &[String]) -> String {
    let own = format!("{key}: ");
    let after = |text: &String| Some(text.split_once(&own)?.1.to_owned());
    refused
        .iter()
        .find_map(after)
        .or_else(|| refused.first().cloned())
        .unwrap_or_else(|| "the store did not say that it is deleted".into())
}

fn is_true(value: Option<&str>) -> bool {
    matches!(value, Some("true" | "1" | "TRUE" | "True"))
}

/// Checks the settings of the environment. Without the check, a wrong one would end in a
/// timeout or in an error that does not help.
fn check_environment(environment: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let has = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    let plain = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .into_iter()
        .find(|name| environment(name).is_some_and(|url| url.starts_with("http://")));
    if let Some(name) = plain
        && !is_true(environment("AWS_ALLOW_HTTP").as_deref())
    {
        return Err(format!(
            "{name} is not encrypted (http://); set AWS_ALLOW_HTTP=true if that is meant"
        ));
    }
    let keys = has("AWS_ACCESS_KEY_ID") && has("AWS_SECRET_ACCESS_KEY");
    // Roles of pods and containers, and of machines if the user sets the endpoint.
    let role = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_METADATA_ENDPOINT",
    ]
    .into_iter()
    .any(has);
    if keys || role {
        return Ok(());
    }
    Err("the environment has no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_REGION; AWS_ENDPOINT_URL for a store that is not Amazon's), or AWS_METADATA_ENDPOINT=http://169.254.169.254 to use the role of this machine".into())
}

/// Returns the message of the store or the system. The same problem has the same text each
/// time.
fn reason(error: &object_store::Error) -> String {
    match error {
        object_store::Error::NotFound { source, .. } => {
            format!(
                "there is no such bucket or object ({})",
                plain(&source.to_string())
            )
        }
        object_store::Error::PermissionDenied { source, .. }
        | object_store::Error::Unauthenticated { source, .. } => {
            format!(
                "the store refuses these credentials ({})",
                plain(&source.to_string())
            )
        }
        other => plain(&other.to_string()),
    }
}

/// Shortens an error of the library. Removes the parts that differ between tries (address,
/// elapsed time, retries), and the XML around the store's own message.
fn plain(text: &str) -> String {
    let after = |text: &str, mark: &str| {
        let (_, rest) = text.split_once(mark)?;
        Some(rest.to_owned())
    };
    let said = after(text, "Error performing")
        .and_then(|rest| after(&rest, " - "))
        .unwrap_or_else(|| text.to_owned());
    let between = |open: &str, close: &str| {
        let rest = after(&said, open)?;
        let (inside, _) = rest.split_once(close)?;
        Some(inside.to_owned())
    };
    let head = said.split('<').next().unwrap_or(&said);
    let head = head.trim_end_matches(|c: char| c == ':' || c.is_whitespace());
    let words = match (
        between("<Code>", "</Code>"),
        between("<Message>", "</Message>"),
    ) {
        (Some(code), Some(message)) => format!("{head}: {code}: {message}"),
        (Some(code), None) => format!("{head}: {code}"),
        _ => head.to_owned(),
    };
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(variables: &[(&str, &str)]) -> Result<(), String> {
        check_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];

    #[test]
    fn the_same_trouble_has_the_same_words() {
        let text = |elapsed: &str| {
            format!(
                "Generic S3 error: Error performing PUT http://h/b/k.parquet in {elapsed}, after 1 retries, max_retries: 1, retry_timeout: 10s  - Server returned non-2xx status code: 500 Internal Server Error: <?xml version='1.0'?>\n<Error><Code>InternalError</Code><Message>We are sorry</Message></Error>"
            )
        };
        let said = plain(&text("102.6ms"));
        assert_eq!(said, plain(&text("99ms")));
        assert_eq!(
            said,
            "Server returned non-2xx status code: 500 Internal Server Error: InternalError: We are sorry"
        );
        let refused = "Error performing PUT http://h/k in 5µs - Server returned non-2xx status code: 403 Forbidden";
        assert_eq!(
            plain(refused),
            "Server returned non-2xx status code: 403 Forbidden"
        );
        assert_eq!(plain("no layers"), "no layers");
    }

    #[test]
    fn a_refusal_is_told_of_the_object_that_it_names() {
        let refused = [
            "all: Slow down".to_owned(),
            "request for b: Access Denied".into(),
        ];
        assert_eq!(refusal("b", &refused), "Access Denied");
        assert_eq!(refusal("a", &refused), "all: Slow down");
        assert!(refusal("a", &[]).contains("did not say"));
    }

    #[test]
    fn credentials_are_missed_before_anything_is_sent() {
        assert!(checked(&[]).unwrap_err().contains("AWS_ACCESS_KEY_ID"));
        assert_eq!(checked(&KEYS), Ok(()));
    }

    #[test]
    fn plain_http_is_only_used_when_asked_for() {
        let mut variables = KEYS.to_vec();
        variables.push(("AWS_ENDPOINT_URL", "http://127.0.0.1:9000"));
        assert!(
            checked(&variables)
                .unwrap_err()
                .contains("AWS_ALLOW_HTTP=true")
        );
        variables.push(("AWS_ALLOW_HTTP", "true"));
        assert_eq!(checked(&variables), Ok(()));
    }
}
