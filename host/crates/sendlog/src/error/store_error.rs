//! Describes why a folder or a bucket cannot be read or written.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mockfleet_files::counted::{agree, noun_for};

/// The command that exports the credentials of a profile or a session.
const EXPORT: &str = "`eval \"$(aws configure export-credentials --format env)\"`";

/// The reason why a folder or a bucket cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A variable of the environment has an address without encryption.
    #[error("{variable} is not encrypted (http://); set AWS_ALLOW_HTTP=true if that is meant")]
    Unencrypted {
        /// The name of the variable.
        variable: &'static str,
    },
    /// No variable of the environment has credentials or a role.
    #[error(
        "the environment has no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_REGION; AWS_ENDPOINT_URL for a store that is not Amazon's), or AWS_METADATA_ENDPOINT=http://169.254.169.254 to use the role of this machine. Profiles, SSO and ~/.aws are not read; {EXPORT} exports their credentials"
    )]
    NoCredentials,
    /// The environment names a profile, and has no credentials.
    #[error(
        "AWS_PROFILE={profile:?} is not read, nor are ~/.aws and SSO sessions; export the credentials of the profile first, with {EXPORT}"
    )]
    Profile {
        /// The name of the profile.
        profile: String,
    },
    /// One of the two variables of a key is missing.
    #[error("{present} is set and {missing} is not; set both, such as with {EXPORT}")]
    HalfOfKey {
        /// The variable that is set.
        present: &'static str,
        /// The variable that is missing.
        missing: &'static str,
    },
    /// The key belongs to a session whose token is missing.
    #[error(
        "AWS_ACCESS_KEY_ID is the key of a session (ASIA…), which is valid with AWS_SESSION_TOKEN only, and that is not set; {EXPORT} exports all three"
    )]
    NoSessionToken,
    /// The credentials have expired.
    #[error(
        "the credentials have expired at {at} (AWS_CREDENTIAL_EXPIRATION); log in again (aws sso login), and export new ones with {EXPORT}"
    )]
    Expired {
        /// The time of the variable.
        at: String,
    },
    /// The settings of the environment do not describe a bucket.
    #[error("{0}")]
    Settings(#[source] object_store::Error),
    /// The key is no path of an object.
    #[error(transparent)]
    Key(#[from] object_store::path::Error),
    /// The bucket or the object does not exist.
    #[error("there is no such bucket or object ({})", message(.0))]
    NotFound(#[source] object_store::Error),
    /// The store refuses the credentials.
    #[error("the store refuses these credentials ({})", message(.0))]
    AccessDenied(#[source] object_store::Error),
    /// A request to the store failed.
    #[error("{}", message(.0))]
    Request(#[source] object_store::Error),
    /// The object is larger than the caller's limit.
    #[error("it has {size} bytes, and at most {limit} are fetched")]
    TooLarge {
        /// Size of the object, in bytes.
        size: u64,
        /// Maximum size, in bytes.
        limit: u64,
    },
    /// The store's list of objects has no end.
    #[error(
        "its list of objects has no end: it is above {limit} objects, or took more than 10 minutes"
    )]
    EndlessList {
        /// Maximum number of objects.
        limit: usize,
    },
    /// The object that was written has another size in the store.
    #[error("{key} has {found} {} there, and {sent} {} sent", noun_for(*found, "byte"), agree(*sent, "was", "were"))]
    SizeMismatch {
        /// The key of the object.
        key: String,
        /// Size in the store, in bytes.
        found: u64,
        /// Size of the local file, in bytes.
        sent: u64,
    },
    /// The store refuses to delete an object.
    #[error("{message}")]
    NotDeleted {
        /// The part of the source's text that is about this object.
        message: String,
        /// The error of the request. One request deletes many objects.
        source: Arc<StoreError>,
    },
    /// The store does not report whether an object is deleted.
    #[error("the store did not say that it is deleted")]
    NotConfirmed,
    /// The path of the store is no folder.
    #[error("it is no folder; give the one that a log is in")]
    NotAFolder,
    /// The folder of the store cannot be found or accessed.
    #[error("{0}; give the folder that a log is in, or s3://bucket/prefix")]
    Folder(#[source] io::Error),
    /// An entry of the store's folder is neither a file nor a folder.
    #[error("it is neither file nor folder")]
    NotAFile,
    /// The user may not write to the spool of the store.
    #[error("{} is not yours to write ({source}); choose another folder with --log", .folder.display())]
    SpoolDenied {
        /// The folder of all spools of the store.
        folder: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The spool of the store cannot be created or written.
    #[error("{}: {source}; choose another folder with --log", .folder.display())]
    Spool {
        /// The folder of all spools of the store.
        folder: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A local file cannot be read or deleted.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The system refuses to read, write or delete a file of the store, or to create a runtime.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound(error),
            object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. } => Self::AccessDenied(error),
            _ => Self::Request(error),
        }
    }
}

/// Returns the message of the store or the system. The same problem has the same text each
/// time.
fn message(error: &object_store::Error) -> String {
    match error {
        object_store::Error::NotFound { source, .. }
        | object_store::Error::PermissionDenied { source, .. }
        | object_store::Error::Unauthenticated { source, .. } => plain(&source.to_string()),
        other => plain(&other.to_string()),
    }
}

/// Maximum length of a store's message, in characters: a server may send a whole page.
const MAX_MESSAGE_CHARS: usize = 500;

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
    let code = between("<Code>", "</Code>");
    let hint = code.as_deref().and_then(way_out).unwrap_or_default();
    let words = match (code, between("<Message>", "</Message>")) {
        (Some(code), Some(message)) => format!("{head}: {code}: {message}"),
        (Some(code), None) => format!("{head}: {code}"),
        _ => head.to_owned(),
    };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…{hint}", words.get(..end).unwrap_or_default()),
        None => words + hint,
    }
}

/// Returns the way out for an error code of a store.
fn way_out(code: &str) -> Option<&'static str> {
    Some(match code {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
            "; the session has ended: log in again (aws sso login), export new credentials with `eval \"$(aws configure export-credentials --format env)\"`, and start again"
        }
        "InvalidToken" => {
            "; AWS_SESSION_TOKEN does not belong to these keys: `eval \"$(aws configure export-credentials --format env)\"` exports all three together, and keys of a user need none (unset AWS_SESSION_TOKEN)"
        }
        "InvalidAccessKeyId" => {
            "; AWS_ACCESS_KEY_ID is of another account or store, or of a session without its AWS_SESSION_TOKEN"
        }
        "SignatureDoesNotMatch" => "; AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID",
        "RequestTimeTooSkewed" => "; the clock of this machine is wrong: set it (timedatectl)",
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            "; the bucket is in another region: set AWS_REGION to it"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the text that the library has for a refused request.
    fn refusal() -> Box<dyn std::error::Error + Send + Sync> {
        "Error performing GET http://h/b/k in 5ms - Server returned non-2xx status code: 404 Not Found: <Error><Code>NoSuchBucket</Code></Error>".into()
    }

    #[test]
    fn errors_of_the_library_have_their_variant_text_and_source() {
        let path = || "k".to_owned();
        let message = "Server returned non-2xx status code: 404 Not Found: NoSuchBucket";
        let missing = StoreError::from(object_store::Error::NotFound {
            path: path(),
            source: refusal(),
        });
        assert!(matches!(missing, StoreError::NotFound(_)));
        assert_eq!(
            missing.to_string(),
            format!("there is no such bucket or object ({message})")
        );
        let denied = StoreError::from(object_store::Error::Unauthenticated {
            path: path(),
            source: refusal(),
        });
        assert!(matches!(denied, StoreError::AccessDenied(_)));
        assert_eq!(
            denied.to_string(),
            format!("the store refuses these credentials ({message})")
        );
        let failed = StoreError::from(object_store::Error::Generic {
            store: "S3",
            source: refusal(),
        });
        assert!(matches!(failed, StoreError::Request(_)));
        assert_eq!(failed.to_string(), message);
        for error in [missing, denied, failed] {
            let source = std::error::Error::source(&error);
            assert!(source.is_some_and(|source| source.is::<object_store::Error>()));
        }
    }

    #[test]
    fn codes_of_credentials_have_a_way_out() {
        let said = |code: &str| {
            plain(&format!(
                "Error performing PUT http://h/k in 5ms - Server returned non-2xx status code: 400 Bad Request: <Error><Code>{code}</Code><Message>No</Message></Error>"
            ))
        };
        let head = "Server returned non-2xx status code: 400 Bad Request";
        assert_eq!(
            said("ExpiredToken"),
            format!(
                "{head}: ExpiredToken: No; the session has ended: log in again (aws sso login), export new credentials with `eval \"$(aws configure export-credentials --format env)\"`, and start again"
            )
        );
        assert_eq!(
            said("PermanentRedirect"),
            format!(
                "{head}: PermanentRedirect: No; the bucket is in another region: set AWS_REGION to it"
            )
        );
        assert_eq!(said("SlowDown"), format!("{head}: SlowDown: No"));
    }

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
}
