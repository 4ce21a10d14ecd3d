//! The images of what is measured stay small: a child pays for each page of its parent's image that
//! was relocated or written, and for each library that the loader mapped.

mod elf;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use elf::Elf;

const FORKBENCH: &str = env!("CARGO_BIN_EXE_forkbench");
const SUBJECT: &str = env!("CARGO_BIN_EXE_forkbench-subject");

/// 1 MiB of relocated read-only data moved a bare fork from 43 to 56 µs.
const MOST_RELOCATED: usize = 64 * 1024;

/// What draws pages, reads runs and parses command lines.
const STRANGERS: [&str; 4] = ["plotters", "serde", "clap", "minijinja"];

/// Which of `STRANGERS` an image holds: by its symbols, and, as a release may be stripped, by the
/// source files that its panics name.
fn strangers(image: &Elf) -> Vec<&'static str> {
    let symbols = image.symbols();
    let holds = |name: &&str| {
        symbols.iter().any(|symbol| symbol.contains(name)) || image.loads(&format!("/{name}-"))
    };
    STRANGERS.into_iter().filter(holds).collect()
}

#[test]
fn the_subject_is_relocated_in_few_pages() {
    let relocated = Elf::read(SUBJECT).section_size(".data.rel.ro");
    assert!(relocated > 0, "the section has another name here");
    assert!(
        relocated <= MOST_RELOCATED,
        "{relocated} bytes of .data.rel.ro"
    );
    // The command has all that the subject must not have, and the same question shows it.
    let command = Elf::read(FORKBENCH).section_size(".data.rel.ro");
    assert!(
        command > MOST_RELOCATED,
        "{command} bytes of .data.rel.ro in forkbench itself"
    );
}

#[test]
fn the_subject_links_nothing_that_draws_or_parses() {
    assert_eq!(strangers(&Elf::read(SUBJECT)), [""; 0]);
    assert_eq!(strangers(&Elf::read(FORKBENCH)), STRANGERS);
}

#[test]
fn a_stripped_image_hides_no_stranger() {
    let command = Elf::read(FORKBENCH);
    let by_panics = STRANGERS
        .iter()
        .filter(|name| command.loads(&format!("/{name}-")));
    assert!(by_panics.count() > 0);
}

#[test]
fn the_subject_needs_the_c_library_alone() {
    let needed = Elf::read(SUBJECT).needed();
    assert!(
        needed.iter().any(|name| name.starts_with("libc.")),
        "{needed:?}"
    );
    for name in needed {
        // The last three were parts of their own until glibc 2.34.
        let known = [
            "libc.",
            "libgcc_s.",
            "ld-",
            "libpthread.",
            "libdl.",
            "librt.",
        ];
        assert!(known.iter().any(|known| name.starts_with(known)), "{name}");
    }
}

#[test]
fn the_image_to_execute_asks_for_no_loader() {
    let image = Elf::read(executed_image());
    assert!(!image.is_dynamic());
    assert!(image.needed().is_empty());
    assert!(
        Elf::read(SUBJECT).is_dynamic(),
        "the same question knows a dynamic image"
    );
}

/// The image that children execute, put into a cache folder of its own.
fn executed_image() -> PathBuf {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
    let _ = fs::remove_dir_all(&cache);
    fs::create_dir_all(&cache).unwrap();
    let job = Command::new(FORKBENCH)
        .args(["list", "--job", "posix_spawn/0"])
        .env("XDG_CACHE_HOME", &cache)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&job.stdout);
    let errors = String::from_utf8_lossy(&job.stderr);
    assert!(job.status.success(), "{errors}");
    assert!(text.contains("\nexec own "), "{text}");
    let mut files = fs::read_dir(cache.join("forkbench")).unwrap();
    files.next().unwrap().unwrap().path()
}
