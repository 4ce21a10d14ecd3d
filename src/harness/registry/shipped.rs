//! The registry and the scripts that are part of this program.

use std::path::{Path, PathBuf};

use crate::harness::cache::{self, Refused};

/// The registry.
pub(super) const SUBJECTS: &str = include_str!("../../../scripts/subjects.toml");

/// Scripts, as the registry names them.
const SCRIPTS: [(&str, &str); 3] = [
    (
        "subjects/python.py",
        include_str!("../../../scripts/subjects/python.py"),
    ),
    (
        "subjects/node.js",
        include_str!("../../../scripts/subjects/node.js"),
    ),
    (
        "subjects/ruby.rb",
        include_str!("../../../scripts/subjects/ruby.rb"),
    ),
];

/// The text of a script that ships.
pub(super) fn script(name: &str) -> Option<&'static str> {
    let found = SCRIPTS.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

/// Puts a script into the user's cache folder, once for each version of it.
///
/// # Errors
/// Why no folder took it.
pub(super) fn place(name: &str, text: &str) -> Result<PathBuf, String> {
    let path = Path::new(name);
    let part = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let (stem, extension) = (part(path.file_stem()), part(path.extension()));
    cache::place(&stem, &format!(".{extension}"), text.as_bytes(), false).map_err(
        |Refused { folder, source }| {
            format!(
                "{name} could not be put into {}: {source}; set XDG_CACHE_HOME to a folder that is yours",
                folder.display()
            )
        },
    )
}
