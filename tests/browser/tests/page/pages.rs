//! The pages that are opened, made once for all tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use forkbench::mechanism::Phase;
use forkbench::recording::{Placement, Recorded};
use forkbench::report;
use forkbench::trend::History;
use serde_json::Value;

use crate::made;
use crate::recorded::{self, Builder};

/// Text that would do harm, or break out of where it stands, were it taken for anything but text.
pub const HOSTILE: &str = concat!(
    "</title></style></svg></script><script>alert(1)</script>",
    "\"'><img class=planted src=x onerror=alert(2)><b class=planted>javascript:alert(3)</b>",
    "{{ 7 * 7 }}&lt;i class=planted&gt;",
);

/// Fields whose words the reader knows; any other word in them is refused before a page is drawn.
const CLOSED: [&str; 9] = [
    "schema",
    "status",
    "placement",
    "severity",
    "page",
    "mapping",
    "touch",
    "order",
    "state",
];

/// A page and what it is called in a failure.
pub struct Page {
    pub name: &'static str,
    pub file: PathBuf,
    /// A column of numbers that its table can be sorted by.
    pub column: &'static str,
}

/// All pages. Of runs: everything a page can show, a large one, a hostile one, and one measured here. Of histories: everything
/// a trend page can show, and a hostile one.
pub fn all() -> [Page; 6] {
    [
        everything(),
        large(),
        hostile(),
        measured(),
        trend(),
        hostile_trend(),
    ]
}

/// Everything a trend page can show, from made-up nights.
pub fn trend() -> Page {
    trend_of("trend", made::everything)
}

/// A history in which every text that is free would do harm.
pub fn hostile_trend() -> Page {
    trend_of("hostile-trend", made::hostile)
}

fn trend_of(name: &'static str, make: impl FnOnce() -> History) -> Page {
    let write = |folder: &Path| {
        let file = folder.join("trend.html");
        report::trend::write(&file, &make()).unwrap();
        file
    };
    Page {
        name,
        file: once(name, write),
        column: "level",
    }
}

/// Everything a page can show, from made-up figures.
pub fn everything() -> Page {
    drawn("everything", || recorded::full(7))
}

/// 200 cells of 10,000 samples.
pub fn large() -> Page {
    drawn("large", || {
        let mut builder = Builder::new(11);
        for size in 0..50u32 {
            for (rank, mechanism) in ["fork", "vfork", "posix_spawn", "thread"]
                .iter()
                .enumerate()
            {
                let cost = 1e4 * (1 + rank) as f64 * f64::from(1 + size);
                let footprint = if size == 0 {
                    "0".to_owned()
                } else {
                    format!("{size}MiB")
                };
                let costs = [(Phase::Call, cost), (Phase::Reap, 2.0 * cost)];
                builder.measured(mechanism, &footprint, Placement::Pinned, &costs, 0.05);
            }
        }
        assert_eq!(builder.recorded.run.cells.len(), 200);
        assert_eq!(builder.iterations * builder.trials as usize, 10_000);
        builder.recorded
    })
}

/// A run in which every text that is free says [`HOSTILE`].
pub fn hostile() -> Page {
    drawn("hostile", || {
        let Recorded {
            run, histograms, ..
        } = recorded::full(13);
        let mut value = serde_json::to_value(run).unwrap();
        poison(&mut value);
        let histograms = histograms
            .into_iter()
            .map(|(id, cell)| (id + HOSTILE, cell))
            .collect();
        Recorded {
            run: serde_json::from_value(value).expect("free text is free"),
            histograms,
            trial_histograms: BTreeMap::new(),
            problems: vec![HOSTILE.to_owned()],
        }
    })
}

/// Writes [`HOSTILE`] behind every text in `value`, but for the closed ones.
fn poison(value: &mut Value) {
    match value {
        Value::String(text) => text.push_str(HOSTILE),
        Value::Array(values) => values.iter_mut().for_each(poison),
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(name, _)| !CLOSED.contains(&name.as_str()))
            .for_each(|(_, value)| poison(value)),
        _ => {}
    }
}

/// A few cells measured by the command itself.
pub fn measured() -> Page {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let folder = empty_folder("measured");
        let output = Command::new(forkbench())
            .args([
                "run",
                "fork/0",
                "vfork/0",
                "thread/0",
                "fork/4MiB",
                "posix_spawn/0",
            ])
            .args(["--trials", "2", "--time", "0.2", "--out"])
            .arg(&folder)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", output.status);
        let text = String::from_utf8_lossy(&output.stdout);
        let page = text
            .lines()
            .last()
            .expect("the page's path is the last line");
        PathBuf::from(page)
    });
    Page {
        name: "measured",
        file: file.clone(),
        column: "p50",
    }
}

/// The command, built beside this test.
fn forkbench() -> PathBuf {
    // target/debug/deps/page-0123
    let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("debug");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--package",
            "forkbench",
            "--bins",
            "--target-dir",
        ])
        .arg(profile.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success(), "cargo build: {status}");
    profile.join("forkbench")
}

fn drawn(name: &'static str, make: impl FnOnce() -> Recorded) -> Page {
    Page {
        name,
        file: once(name, |folder| report::write(folder, &make()).unwrap()),
        column: "p50",
    }
}

/// The file of that name, written the first time that it is asked for.
fn once(name: &'static str, write: impl FnOnce(&Path) -> PathBuf) -> PathBuf {
    static WRITTEN: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut written = WRITTEN.lock().unwrap();
    let file = written
        .entry(name)
        .or_insert_with(|| write(&empty_folder(name)));
    file.clone()
}

/// A folder of that name below the target folder, emptied.
fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
