//! Reads and writes objects of an S3-compatible bucket.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mockfleet_files::dir_handle::DirHandle;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    RetryConfig,
};
use tokio::runtime::Runtime;

use crate::error::store_error::StoreError;
use crate::store::bounded_client::BoundedConnector;

/// Limits of a list: a server can continue it without end. A log of ten hosts has 2,000,000 files
/// after some years.
const MAX_LISTED: usize = 2_000_000;
const LIST_TIMEOUT: Duration = Duration::from_secs(600);

/// Maximum size of an object that is written by one request, 5 GiB (S3).
const MAX_PUT_BYTES: u64 = 5 << 30;

/// Key of an object that is written and deleted to prove that the bucket accepts files. Its
/// name begins with an underscore, so that no engine reads it as data.
const PROBE_KEY: &str = "_mockfleet_proof";

/// Fetches an object of at most `max_bytes` bytes from a bucket.
///
/// Reads the credentials from the `AWS_*` variables of the environment.
///
/// # Errors
/// - [`StoreError::NoCredentials`], [`StoreError::Unencrypted`] or [`StoreError::Settings`] if
///   the environment has no usable settings.
/// - [`StoreError::NotFound`], [`StoreError::AccessDenied`] or [`StoreError::Request`] if the store
///   does not return the object.
/// - [`StoreError::Key`] if `key` is no path of an object.
/// - [`StoreError::TooLarge`] if the object is larger than `max_bytes`.
/// - [`StoreError::Io`] if the system refuses to create a runtime.
pub fn fetch_object(bucket: &str, key: &str, max_bytes: u64) -> Result<bytes::Bytes, StoreError> {
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
    pub(crate) fn open(bucket: &str, prefix: &str) -> Result<Self, StoreError> {
        check_environment(|name| std::env::var(name).ok())?;
        let allow_http = is_true(std::env::var("AWS_ALLOW_HTTP").ok().as_deref());
        Self::connect(AmazonS3Builder::from_env(), allow_http, bucket, prefix)
    }

    /// Makes the client of a bucket, with the settings of a builder.
    pub(crate) fn connect(
        store: AmazonS3Builder,
        allow_http: bool,
        bucket: &str,
        prefix: &str,
    ) -> Result<Self, StoreError> {
        let store = store
            .with_client_options(ClientOptions::new().with_allow_http(allow_http))
            .with_http_connector(BoundedConnector)
            // The log retries by itself, and reports the reason.
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: 1,
                retry_timeout: Duration::from_secs(10),
            })
            .with_bucket_name(bucket)
            .build()
            .map_err(StoreError::Settings)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
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
    pub(crate) fn probe(&self) -> Result<(), StoreError> {
        let key = self.key(PROBE_KEY);
        self.runtime.block_on(async {
            let payload = PutPayload::from_static(b"mockfleet");
            let put = self.store.put_opts(&key, payload, PutOptions::default());
            put.await?;
            // A user who may write but not delete may still write a log.
            let _ = self.store.delete(&key).await;
            Ok(())
        })
    }

    /// Uploads a file, checks its size in the store, and deletes the local file.
    ///
    /// Returns its size in bytes, and the number of requests.
    pub(crate) fn upload(
        &self,
        folder: &DirHandle,
        file: &str,
        key: &str,
    ) -> (Result<u64, StoreError>, u64) {
        let key = self.key(key);
        let local = |source| StoreError::File {
            path: folder.path().join(file),
            source,
        };
        let bytes = match folder.read(file, MAX_PUT_BYTES) {
            Ok(bytes) => bytes,
            // An earlier process uploaded the file and deleted it already.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let found = self.runtime.block_on(self.store.head(&key));
                let size = found.map(|found| found.size);
                return (size.map_err(StoreError::from), 1);
            }
            Err(source) => return (Err(local(source)), 0),
        };
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // `Create` would report our own retried write as an object of another writer.
        let options = PutOptions::from(PutMode::Overwrite);
        let put = self.store.put_opts(&key, bytes.into(), options);
        if let Err(error) = self.runtime.block_on(put) {
            return (Err(error.into()), 1);
        }
        let checked = match self.runtime.block_on(self.store.head(&key)) {
            Ok(found) if found.size == size => {
                folder.remove_file(file).map(|()| size).map_err(local)
            }
            Ok(found) => Err(StoreError::SizeMismatch {
                key: key.to_string(),
                found: found.size,
                sent: size,
            }),
            Err(error) => Err(error.into()),
        };
        (checked, 2)
    }

    /// Returns a whole object of at most `most` bytes, by the key that a user gave.
    pub(crate) fn object(&self, key: &str, most: u64) -> Result<bytes::Bytes, StoreError> {
        let key = Key::from_url_path(key)?;
        let size = self.runtime.block_on(self.store.head(&key))?.size;
        if size > most {
            return Err(StoreError::TooLarge { size, limit: most });
        }
        self.get(&key, size)
    }

    /// Lists the objects below a folder: keys without the prefix, and sizes in bytes.
    pub(crate) fn sizes(&self, folder: &str) -> Result<Vec<(String, u64)>, StoreError> {
        use futures_util::TryStreamExt;
        let place = self.key(folder);
        let listing = self.store.list(Some(&place));
        let listing = listing.map_err(StoreError::from);
        let listed =
            self.listed_in_time(listing.try_fold(Vec::new(), |mut all, object| async {
                all.push(object);
                match all.len() > MAX_LISTED {
                    true => Err(StoreError::EndlessList { limit: MAX_LISTED }),
                    false => Ok(all),
                }
            }))?;
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
    pub(crate) fn has_any(&self, folder: &str) -> Result<bool, StoreError> {
        use futures_util::TryStreamExt;
        let place = self.key(folder);
        let first = async { Ok(self.store.list(Some(&place)).try_next().await?) };
        Ok(self.listed_in_time(first)?.is_some())
    }

    /// Waits for a list, whose pages may be empty and without end.
    fn listed_in_time<T>(
        &self,
        list: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let in_time = async { tokio::time::timeout(LIST_TIMEOUT, list).await };
        self.runtime
            .block_on(in_time)
            .unwrap_or(Err(StoreError::EndlessList { limit: MAX_LISTED }))
    }

    /// Reads a part of an object, by a key that `sizes` returned.
    pub(crate) fn get_range(
        &self,
        key: &str,
        range: std::ops::Range<u64>,
    ) -> Result<bytes::Bytes, StoreError> {
        let key = self.listed(key)?;
        let part = self.store.get_range(&key, range);
        Ok(self.runtime.block_on(part)?)
    }

    /// Deletes objects by keys that `sizes` returned, many with one request. The results are
    /// in the order of the keys.
    pub(crate) fn delete(&self, keys: &[&str]) -> Vec<Result<(), StoreError>> {
        use futures_util::StreamExt;
        let wanted: Vec<_> = keys.iter().map(|key| self.listed(key)).collect();
        let paths: Vec<_> = wanted.iter().flatten().cloned().map(Ok).collect();
        let stream = self
            .store
            .delete_stream(futures_util::stream::iter(paths).boxed());
        let ended: Vec<_> = self.runtime.block_on(stream.collect());
        let (mut gone, mut refused) = (HashSet::new(), Vec::new());
        for end in ended {
            match end {
                Ok(key) => {
                    gone.insert(key);
                }
                Err(error) => refused.push(Arc::new(StoreError::from(error))),
            }
        }
        let answer = |key: Result<Key, StoreError>| match key? {
            key if gone.contains(&key) => Ok(()),
            key => Err(refusal(key.as_ref(), &refused)),
        };
        wanted.into_iter().map(answer).collect()
    }

    /// Converts a key that the store listed. It must not be escaped again.
    fn listed(&self, key: &str) -> Result<Key, StoreError> {
        let (prefix, slash) = match self.key("").as_ref() {
            "" => (String::new(), ""),
            prefix => (prefix.to_owned(), "/"),
        };
        Ok(Key::parse(format!("{prefix}{slash}{key}"))?)
    }

    /// Writes a small object, over an earlier one.
    pub(crate) fn put(&self, key: &str, bytes: bytes::Bytes) -> Result<(), StoreError> {
        let options = PutOptions::from(PutMode::Overwrite);
        let key = self.key(key);
        let put = self.store.put_opts(&key, bytes.into(), options);
        self.runtime.block_on(put)?;
        Ok(())
    }

    /// Reads a whole object, by a key and a size that `sizes` returned.
    pub(crate) fn read_object(&self, key: &str, size: u64) -> Result<bytes::Bytes, StoreError> {
        self.get(&self.listed(key)?, size)
    }

    /// Reads a whole object of this size. With a range, the response is bounded by it.
    fn get(&self, key: &Key, size: u64) -> Result<bytes::Bytes, StoreError> {
        if size == 0 {
            return Ok(bytes::Bytes::new());
        }
        Ok(self.runtime.block_on(self.store.get_range(key, 0..size))?)
    }
}

/// Returns the reason why an object was not deleted: the error that names it, or the first
/// one.
fn refusal(key: &str, refused: &[Arc<StoreError>]) -> StoreError {
    let own = format!("{key}: ");
    let naming = refused.iter().find_map(|error| {
        let text = error.to_string();
        Some((text.split_once(&own)?.1.to_owned(), error))
    });
    let first = || refused.first().map(|error| (error.to_string(), error));
    match naming.or_else(first) {
        Some((message, error)) => StoreError::NotDeleted {
            message,
            source: Arc::clone(error),
        },
        None => StoreError::NotConfirmed,
    }
}

fn is_true(value: Option<&str>) -> bool {
    matches!(value, Some("true" | "1" | "TRUE" | "True"))
}

/// Checks the settings of the environment. Without the check, a wrong one would end in a
/// timeout or in an error that does not help.
fn check_environment(environment: impl Fn(&str) -> Option<String>) -> Result<(), StoreError> {
    let has = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    let plain = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .into_iter()
        .find(|name| environment(name).is_some_and(|url| url.starts_with("http://")));
    if let Some(variable) = plain
        && !is_true(environment("AWS_ALLOW_HTTP").as_deref())
    {
        return Err(StoreError::Unencrypted { variable });
    }
    let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    match (has(id), has(secret)) {
        (true, true) => return check_session(environment),
        (true, false) => {
            return Err(StoreError::HalfOfKey {
                present: id,
                missing: secret,
            });
        }
        (false, true) => {
            return Err(StoreError::HalfOfKey {
                present: secret,
                missing: id,
            });
        }
        (false, false) => {}
    }
    // Roles of pods and containers, and of machines if the user sets the endpoint.
    let role = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_METADATA_ENDPOINT",
    ]
    .into_iter()
    .any(has);
    if role {
        return Ok(());
    }
    let profile = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter();
    match profile
        .filter_map(&environment)
        .find(|name| !name.is_empty())
    {
        Some(profile) => Err(StoreError::Profile { profile }),
        None => Err(StoreError::NoCredentials),
    }
}

/// Checks that the keys of a session have their token and have not expired. Keys of a session
/// begin with `ASIA` (IAM user guide, "IAM identifiers").
fn check_session(environment: impl Fn(&str) -> Option<String>) -> Result<(), StoreError> {
    let value = |name: &str| environment(name).filter(|value| !value.is_empty());
    let is_of_session = value("AWS_ACCESS_KEY_ID").is_some_and(|id| id.starts_with("ASIA"));
    let token = value("AWS_SESSION_TOKEN").or_else(|| value("AWS_TOKEN"));
    if is_of_session && token.is_none() {
        return Err(StoreError::NoSessionToken);
    }
    let end = value("AWS_CREDENTIAL_EXPIRATION").filter(|_| token.is_some());
    let has_passed = |end: &String| {
        let end = end.parse::<jiff::Timestamp>();
        end.is_ok_and(|end| end <= jiff::Timestamp::now())
    };
    match end.filter(has_passed) {
        Some(at) => Err(StoreError::Expired { at }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(variables: &[(&str, &str)]) -> Result<(), StoreError> {
        check_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];

    #[test]
    fn a_refusal_is_told_of_the_object_that_it_names() {
        let refused = ["all: Slow down", "request for b: Access Denied"]
            .map(|text| Arc::new(StoreError::Io(std::io::Error::other(text))));
        let refusal = |key: &str, refused: &[_]| refusal(key, refused).to_string();
        assert_eq!(refusal("b", &refused), "Access Denied");
        assert_eq!(refusal("a", &refused), "all: Slow down");
        assert!(refusal("a", &[]).contains("did not say"));
    }

    #[test]
    fn credentials_are_missed_before_anything_is_sent() {
        let missing = checked(&[]).unwrap_err();
        assert!(matches!(missing, StoreError::NoCredentials));
        assert!(missing.to_string().contains("AWS_ACCESS_KEY_ID"));
        assert!(checked(&KEYS).is_ok());
    }

    #[test]
    fn profiles_and_sessions_have_a_way_out() {
        let export = "`eval \"$(aws configure export-credentials --format env)\"`";
        let said = |variables: &[(&str, &str)]| checked(variables).unwrap_err().to_string();
        assert_eq!(
            said(&[("AWS_PROFILE", "dev")]),
            format!(
                "AWS_PROFILE=\"dev\" is not read, nor are ~/.aws and SSO sessions; export the credentials of the profile first, with {export}"
            )
        );
        assert_eq!(
            said(&KEYS[..1]),
            format!(
                "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not; set both, such as with {export}"
            )
        );
        let session = ("AWS_ACCESS_KEY_ID", "ASIAX");
        assert_eq!(
            said(&[session, KEYS[1]]),
            format!(
                "AWS_ACCESS_KEY_ID is the key of a session (ASIA…), which is valid with AWS_SESSION_TOKEN only, and that is not set; {export} exports all three"
            )
        );
        let token = ("AWS_SESSION_TOKEN", "t");
        let end = |at| ("AWS_CREDENTIAL_EXPIRATION", at);
        assert_eq!(
            said(&[session, KEYS[1], token, end("2026-01-01T00:00:00+00:00")]),
            format!(
                "the credentials have expired at 2026-01-01T00:00:00+00:00 (AWS_CREDENTIAL_EXPIRATION); log in again (aws sso login), and export new ones with {export}"
            )
        );
        for good in [
            &[session, KEYS[1], token][..],
            &[session, KEYS[1], token, end("9999-01-01T00:00:00+00:00")],
            // Left over from an earlier session.
            &[KEYS[0], KEYS[1], end("2026-01-01T00:00:00+00:00")],
            &[KEYS[0], KEYS[1], ("AWS_PROFILE", "dev")],
        ] {
            assert!(checked(good).is_ok());
        }
    }

    #[test]
    fn plain_http_is_only_used_when_asked_for() {
        let mut variables = KEYS.to_vec();
        variables.push(("AWS_ENDPOINT_URL", "http://127.0.0.1:9000"));
        let refused = checked(&variables).unwrap_err();
        assert!(matches!(refused, StoreError::Unencrypted { .. }));
        assert!(refused.to_string().contains("AWS_ALLOW_HTTP=true"));
        variables.push(("AWS_ALLOW_HTTP", "true"));
        assert!(checked(&variables).is_ok());
    }
}
