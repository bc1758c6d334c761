//! Writes files atomically.
//!
//! The file is complete or unchanged.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a temporary file in the same folder, and renames it.
pub(crate) fn write(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // The permissions of a new file, without those that the user's umask removes.
    let permissions = std::fs::Permissions::from_mode(0o666);
    let mut aside = tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(folder)?;
    aside.write_all(content)?;
    aside.persist(file)?;
    Ok(())
}
