//! Where the store lies unless another place is named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The file below the user's data directory.
const FILE: &str = "forkbench/history.sqlite";

/// The user has no data directory.
#[derive(Debug, thiserror::Error)]
#[error(
    "neither XDG_DATA_HOME nor HOME names a folder for the history: name its file with --store or FORKBENCH_STORE"
)]
pub struct NoPlace;

/// The user's own store: `FORKBENCH_STORE`, or `forkbench/history.sqlite` below `XDG_DATA_HOME`, or below
/// `~/.local/share`.
///
/// # Errors
/// Where none of these is set.
pub fn default_path() -> Result<PathBuf, NoPlace> {
    chosen(|name| std::env::var_os(name))
}

fn chosen(get: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, NoPlace> {
    let set = |name| get(name).filter(|value| !value.is_empty());
    if let Some(store) = set("FORKBENCH_STORE") {
        return Ok(store.into());
    }
    // The XDG base directory specification has relative paths ignored.
    let absolute = |name| set(name).filter(|value| Path::new(value).is_absolute());
    let data = absolute("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| absolute("HOME").map(|home| Path::new(&home).join(".local/share")));
    data.map(|data| data.join(FILE)).ok_or(NoPlace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Option<String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| OsString::from(value))
        };
        chosen(get).ok().map(|path| path.display().to_string())
    }

    #[test]
    fn it_is_named_or_below_the_data_directory() {
        let home = ("HOME", "/home/a");
        let below_home = Some("/home/a/.local/share/forkbench/history.sqlite".to_owned());
        assert_eq!(of(&[home]), below_home);
        assert_eq!(of(&[home, ("XDG_DATA_HOME", "data")]), below_home);
        assert_eq!(of(&[home, ("XDG_DATA_HOME", "")]), below_home);
        let elsewhere = of(&[home, ("XDG_DATA_HOME", "/data")]);
        assert_eq!(elsewhere.as_deref(), Some("/data/forkbench/history.sqlite"));
        assert_eq!(
            of(&[home, ("FORKBENCH_STORE", "own")]).as_deref(),
            Some("own")
        );
        assert_eq!(of(&[]), None);
    }
}
