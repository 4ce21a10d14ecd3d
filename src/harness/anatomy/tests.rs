//! Processes that were never there.

use super::*;
use std::os::unix::fs::PermissionsExt;

struct Made {
    proc: tempfile::TempDir,
}

const STAT: &str = "42 (made) S 7 42 42 0 -1 4194560 0 0 0 0 0 1 0 0 20 0 1 0 1234 0 0\n";
const STATUS: &str = "Tgid:\t42\nVmRSS:\t 1500 kB\nRssAnon:\t1500 kB\nThreads:\t1\nFDSize:\t64\n";
const SMAPS: &str = "1000-201000 rw-p 00000000 00:00 0 [heap]\nRss: 1500 kB\nAnonymous: 1500 kB\n";

impl Made {
    fn new() -> Self {
        let made = Self {
            proc: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(made.folder().join("fd")).unwrap();
        fs::create_dir_all(made.folder().join("task/42")).unwrap();
        for (name, text) in [
            ("stat", STAT),
            ("status", STATUS),
            ("smaps", SMAPS),
            ("fd/0", ""),
            ("fd/1", ""),
        ] {
            made.write(name, text);
        }
        made.write("task/42/stat", &STAT.replace(") S", ") R"));
        made
    }

    fn folder(&self) -> PathBuf {
        self.proc.path().join("42")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder().join(name), text).unwrap();
    }

    fn read(&self) -> Result<Anatomy, AnatomyError> {
        Anatomy::read(self.proc.path(), 42)
    }
}

#[test]
fn a_process_is_read_from_all_its_files() {
    let anatomy = Made::new().read().unwrap();
    assert_eq!((anatomy.pid, anatomy.name.as_str()), (42, "made"));
    assert_eq!(
        (anatomy.fds, anatomy.running, anatomy.vmas),
        (Some(2), 1, Some(1))
    );
    let mappings = anatomy.mappings.unwrap();
    assert_eq!(mappings[0].base_pages(), 375);
    // There is no pagemap.
    assert_eq!(
        (anatomy.frames, anatomy.unseen),
        (Frames::Unreadable, vec![])
    );
}

#[test]
fn what_can_never_fork_is_refused_with_its_reason() {
    let made = Made::new();
    assert_eq!(
        Anatomy::read(made.proc.path(), 43),
        Err(AnatomyError::Gone { pid: 43 })
    );
    made.write("stat", &STAT.replace(") S", ") Z"));
    assert!(made.read().unwrap_err().to_string().contains("zombie"));
    made.write("stat", &STAT.replace("4194560", "2129984"));
    assert!(
        made.read()
            .unwrap_err()
            .to_string()
            .contains("kernel thread")
    );
    made.write("stat", "banana");
    assert!(matches!(made.read(), Err(AnatomyError::Unreadable { .. })));
}

#[test]
fn one_that_ends_meanwhile_is_no_anatomy() {
    let ended = Err(AnatomyError::Ended { pid: 42 });
    let with = |change: fn(&Made)| {
        let made = Made::new();
        Anatomy::read_watched(made.proc.path(), 42, || change(&made))
    };
    assert_eq!(
        with(|made| fs::remove_dir_all(made.folder()).unwrap()),
        ended
    );
    assert_eq!(
        with(|made| made.write("stat", &STAT.replace(") S", ") Z"))),
        ended
    );
    // Another has its pid.
    assert_eq!(
        with(|made| made.write("stat", &STAT.replace("1234", "9999"))),
        ended
    );
    // It has let go of its memory, and is about to end.
    assert_eq!(
        with(|made| made.write("status", "Tgid:\t42\nThreads:\t1\n")),
        ended
    );
    let made = Made::new();
    made.write("smaps", "");
    assert_eq!(made.read(), ended);
    assert!(with(|_| ()).is_ok());
}

#[test]
fn what_is_not_ours_is_said_and_the_rest_is_kept() {
    let made = Made::new();
    fs::remove_file(made.folder().join("smaps")).unwrap();
    fs::remove_dir_all(made.folder().join("fd")).unwrap();
    made.write(
        "maps",
        "1000-2000 rw-p 0 0 0 [heap]\n2000-3000 rw-p 0 0 0\n",
    );
    let anatomy = made.read().unwrap();
    assert_eq!(
        (anatomy.mappings, anatomy.vmas, anatomy.fds),
        (None, Some(2), None)
    );
    assert_eq!(anatomy.status.anonymous, Some(1500 << 10));
    let told = anatomy.unseen.join("; ");
    assert!(
        told.contains("smaps can't be read") && told.contains("room for 64"),
        "{told}"
    );
}

#[test]
fn a_process_that_grows_while_it_is_read_is_told() {
    let made = Made::new();
    let grow = || made.write("status", &STATUS.replace("1500 kB", "9000 kB"));
    let anatomy = Anatomy::read_watched(made.proc.path(), 42, grow).unwrap();
    assert!(
        anatomy.unseen[0].contains("1.46 MiB to 8.79 MiB"),
        "{:?}",
        anatomy.unseen
    );
}

#[test]
fn a_folder_without_permission_is_not_ours() {
    if nix::unistd::geteuid().is_root() {
        return; // Root may read everything; tests/predict.rs becomes another user.
    }
    let made = Made::new();
    let smaps = made.folder().join("smaps");
    fs::set_permissions(smaps, fs::Permissions::from_mode(0o000)).unwrap();
    let anatomy = made.read().unwrap();
    assert!(
        anatomy.unseen[0].contains("not yours"),
        "{:?}",
        anatomy.unseen
    );
}
