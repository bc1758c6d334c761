//! Shows a store's location as people write it.

use mockfleet_config::Store;

/// Returns the location of a store: the folder's path, or `s3://bucket/prefix`.
#[must_use]
pub fn location(store: &Store) -> String {
    match store {
        Store::Folder(folder) => folder.display().to_string(),
        Store::S3 { bucket, prefix } if prefix.is_empty() => format!("s3://{bucket}"),
        Store::S3 { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
    }
}
