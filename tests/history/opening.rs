//! What is no store, or another version of one, is refused by name and left as it is.

use std::fs;
use std::path::Path;

use forkbench::history::{APPLICATION, NEWEST, Store, StoreError};
use forkbench::mechanism::Phase;
use rusqlite::Connection;

use crate::made::{assert_sound, path, run, runs, series, store};
use crate::scratch::Scratch;

/// A store of one run, closed.
fn filled(scratch: &Scratch) -> Vec<u8> {
    let open = store(scratch);
    for minute in 0..20 {
        open.add(&run(minute, 40_000).plain(), false).unwrap();
    }
    drop(open);
    fs::read(path(scratch)).unwrap()
}

/// Opening it fails, and changes nothing.
fn assert_refused(path: &Path, words: &[&str]) -> StoreError {
    let before = fs::read(path).unwrap();
    for open in [Store::open, Store::create] {
        let told = open(path).map(drop).unwrap_err().to_string();
        for word in words {
            assert!(told.contains(word), "no `{word}` in: {told}");
        }
        assert!(told.contains(&path.display().to_string()), "{told}");
        assert_eq!(fs::read(path).unwrap(), before, "{told}");
    }
    Store::open(path).unwrap_err()
}

#[test]
fn a_store_that_is_not_there_is_made_or_named() {
    let scratch = Scratch::new();
    let path = scratch.path().join("some/folder/history.sqlite");
    let told = Store::open(&path).unwrap_err().to_string();
    assert!(told.contains("history add"), "{told}");
    assert!(!path.exists());
    drop(Store::create(&path).unwrap());
    assert_eq!(runs(&Store::open(&path).unwrap()).len(), 0);
    // Nothing else is left in its folder.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    assert_sound(&path);
}

#[test]
fn foreign_files_are_left_as_they_are() {
    let scratch = Scratch::new();
    let file = scratch.path().join("file");
    fs::write(&file, "notes of mine\n".repeat(500)).unwrap();
    assert_refused(&file, &["no SQLite file", "--store"]);
    fs::write(&file, "").unwrap();
    assert_refused(&file, &["empty", "--store"]);
    fs::remove_file(&file).unwrap();
    let connection = Connection::open(&file).unwrap();
    let text = "CREATE TABLE mine (a); INSERT INTO mine VALUES (1)";
    connection.execute_batch(text).unwrap();
    drop(connection);
    assert_refused(&file, &["SQLite file of another program", "--store"]);
    let told = Store::create(scratch.path()).unwrap_err().to_string();
    assert!(told.contains("no ordinary file"), "{told}");
}

#[test]
fn truncated_and_overwritten_stores_are_damaged() {
    let scratch = Scratch::new();
    let whole = filled(&scratch);
    let path = path(&scratch);
    for share in [2, 3, 10] {
        fs::write(&path, &whole[..whole.len() / share]).unwrap();
        let error = assert_refused(&path, &["damaged", "import"]);
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    }
    fs::write(&path, &whole[..70]).unwrap();
    assert_refused(&path, &["--store"]);
    // Garbage behind a sound header shows when it is read. It never panics, and never changes the file.
    for first in [100, 4_096, 8_192] {
        let mut broken = whole.clone();
        broken[first..].fill(0xa5);
        fs::write(&path, &broken).unwrap();
        let read = Store::open(&path)
            .and_then(|store| store.add(&run(99, 40_000).plain(), false).map(drop));
        let told = read.unwrap_err().to_string();
        assert!(told.contains("damaged"), "{first}: {told}");
        assert_eq!(fs::read(&path).unwrap(), broken, "{first}");
        for beside in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{beside}", path.display()));
        }
    }
}

#[test]
fn a_newer_store_is_refused_by_its_version() {
    let scratch = Scratch::new();
    filled(&scratch);
    let connection = Connection::open(path(&scratch)).unwrap();
    let newer = NEWEST + 1;
    connection
        .pragma_update(None, "user_version", newer)
        .unwrap();
    drop(connection);
    let version = format!("version {newer}");
    let error = assert_refused(&path(&scratch), &[&version, "newer", "--store"]);
    assert!(matches!(error, StoreError::Newer { .. }));
}

#[test]
fn what_a_store_that_is_gone_left_behind_is_not_taken_for_a_new_ones() {
    let scratch = Scratch::new();
    let log = format!("{}-wal", path(&scratch).display());
    fs::write(&log, "frames").unwrap();
    let told = Store::create(&path(&scratch)).unwrap_err().to_string();
    assert!(told.contains("-wal"), "{told}");
    assert_eq!(fs::read(&log).unwrap(), b"frames");
}

/// A store of version 1, as its first release made it, with one run.
fn version_1(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection
        .pragma_update(None, "application_id", APPLICATION)
        .unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    connection
        .execute_batch(include_str!("version-1.sql"))
        .unwrap();
    let version: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 1);
}

#[test]
fn a_store_of_version_1_is_taken_forward_with_all_it_holds() {
    let scratch = Scratch::new();
    version_1(&path(&scratch));
    let store = Store::open(&path(&scratch)).unwrap();
    let stored = &runs(&store)[0];
    assert_eq!((stored.id.as_str(), stored.cells), ("old-run", 1));
    assert_eq!(stored.commit.as_deref(), Some("abc"));
    let calls = series(&store, Phase::Call);
    let point = &calls[0].points[0];
    assert_eq!(
        (calls[0].cell.as_str(), point.p10, point.trials),
        ("fork/0", 40_000, 2)
    );
    // It takes runs like any other.
    store.add(&run(1, 41_000).plain(), false).unwrap();
    assert_eq!(runs(&store).len(), 2);
    drop(store);
    assert_sound(&path(&scratch));
    let connection = Connection::open(path(&scratch)).unwrap();
    let version: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, NEWEST);
}

#[test]
fn a_migrated_store_has_the_schema_of_a_new_one() {
    let schema = |path: &Path| -> Vec<String> {
        let connection = Connection::open(path).unwrap();
        let text = "SELECT type || ' ' || name || ' ' || tbl_name FROM sqlite_schema ORDER BY 1";
        let mut query = connection.prepare(text).unwrap();
        let mut names: Vec<String> = query
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let text = "SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_schema m, \
                    pragma_table_info(m.name) c ORDER BY 1";
        let mut query = connection.prepare(text).unwrap();
        let columns = query.query_map([], |row| row.get(0)).unwrap();
        names.extend(columns.collect::<Result<Vec<String>, _>>().unwrap());
        names
    };
    let scratch = Scratch::new();
    let (old, new) = (scratch.path().join("old"), scratch.path().join("new"));
    version_1(&old);
    drop(Store::open(&old).unwrap());
    drop(Store::create(&new).unwrap());
    assert_eq!(schema(&old), schema(&new));
}

#[test]
fn values_that_no_forkbench_writes_are_named() {
    let scratch = Scratch::new();
    for (change, words) in [
        (
            "UPDATE series SET phase = 'sprint' WHERE phase = 'call'",
            ["series.phase", "sprint"],
        ),
        ("UPDATE levels SET p10 = -5", ["levels", "-5"]),
        ("DROP TABLE levels", ["levels", "--store"]),
    ] {
        let _ = fs::remove_file(path(&scratch));
        filled(&scratch);
        let connection = Connection::open(path(&scratch)).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        let store = Store::open(&path(&scratch)).unwrap();
        let told = store.series(&Default::default()).unwrap_err().to_string();
        for word in words {
            assert!(told.contains(word), "{change}: {told}");
        }
    }
}
