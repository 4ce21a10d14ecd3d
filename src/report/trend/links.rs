//! Where the pages of runs lie, seen from the trend page.

use std::path::{Component, Path, PathBuf};

use crate::trend::RunSeen;

/// The address of a run's page from a page in the folder `from`, both made absolute: always a relative one, so that no
/// text of a store can name another place than a file below. `None` where the run's directory is not known or gone.
pub(super) fn to_run(run: &RunSeen, from: &Path) -> Option<String> {
    let directory = Path::new(run.path.as_deref()?);
    let page = ["index.html", "run.json"]
        .map(|name| directory.join(name))
        .into_iter()
        .find(|file| file.is_file())?;
    relative(&page, from)
}

/// The address of a file from a page in a folder.
fn relative(file: &Path, from: &Path) -> Option<String> {
    let (file, from) = (plain(file)?, plain(from)?);
    let shared = file.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = (shared..from.len()).map(|_| "..".to_owned());
    let down = file[shared..].iter().map(|name| encoded(name));
    let parts: Vec<String> = up.chain(down).collect();
    // A first part with a colon in it would be a scheme.
    Some(format!("./{}", parts.join("/")))
}

/// The parts of an absolute path, without `.` and `..`.
fn plain(path: &Path) -> Option<Vec<Vec<u8>>> {
    use std::os::unix::ffi::OsStrExt;
    let absolute: PathBuf = std::path::absolute(path).ok()?;
    let mut parts = Vec::new();
    for component in absolute.components() {
        match component {
            Component::Normal(name) => parts.push(name.as_bytes().to_vec()),
            Component::ParentDir => {
                parts.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Some(parts)
}

/// A file's name as part of an address.
fn encoded(name: &[u8]) -> String {
    let part = |&byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    name.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_relative_and_encoded() {
        let from = Path::new("/data/pages");
        for (file, address) in [
            ("/data/runs/a b/index.html", "./../runs/a%20b/index.html"),
            (
                "/data/pages/javascript:x\"<>/index.html",
                "./javascript%3Ax%22%3C%3E/index.html",
            ),
            ("/other/../data/pages/run/index.html", "./run/index.html"),
        ] {
            assert_eq!(relative(Path::new(file), from).as_deref(), Some(address));
        }
    }

    #[test]
    fn what_is_gone_has_no_address() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = RunSeen {
            id: "one".to_owned(),
            started: String::new(),
            seconds: 0,
            commit: None,
            kernel: None,
            path: None,
        };
        assert_eq!(to_run(&run, folder.path()), None);
        let directory = folder.path().join("one");
        run.path = Some(directory.display().to_string());
        assert_eq!(to_run(&run, folder.path()), None);
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("index.html"), "").unwrap();
        assert_eq!(
            to_run(&run, folder.path()).as_deref(),
            Some("./one/index.html")
        );
    }
}
