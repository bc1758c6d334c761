//! Files that are results: one of that name is there with all of it, or as it was.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a file aside and renames it.
pub(crate) fn write(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // As any new file: less what the user's umask takes away.
    let permissions = std::fs::Permissions::from_mode(0o666);
    let mut aside = tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(folder)?;
    aside.write_all(content)?;
    aside.persist(file)?;
    Ok(())
}
