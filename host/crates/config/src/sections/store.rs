//! Parses the location of a store: a folder, or `s3://bucket/prefix`.

use crate::document::problem::ValueError;
use crate::plan::log::Store;

impl Store {
    /// Reads a store; a relative folder stays relative.
    ///
    /// # Errors
    /// The text is no store; the message shows correct ones.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        if let Some(place) = text.strip_prefix("s3://") {
            let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
            if bucket.is_empty() {
                return Err("it names no bucket; wanted is \"s3://bucket/prefix\"".into());
            }
            return Ok(Self::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.trim_matches('/').to_owned(),
            });
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(format!(
                "the scheme {scheme:?} is not known; a store is a folder, or \"s3://bucket/prefix\""
            )
            .into());
        }
        if text.is_empty() {
            return Err("it is empty; a store is a folder, or \"s3://bucket/prefix\"".into());
        }
        Ok(Self::Folder(text.into()))
    }
}
