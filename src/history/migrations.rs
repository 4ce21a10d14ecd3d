//! The schema of the store, version by version.

use rusqlite::Connection;

/// What `PRAGMA application_id` of every store is: `fkbh`. A file with another is somebody else's.
pub const APPLICATION: u32 = 0x666b_6268;

/// What takes a store from each version to the next, from none. A file here never changes once it is released.
const STEPS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The version that this program writes; `PRAGMA user_version` of a store.
pub const NEWEST: i64 = STEPS.len() as i64;

/// The version of a store.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Takes a store from a version to the newest. To be called in a transaction: half a step is none.
pub(super) fn migrate(connection: &Connection, from: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(from).unwrap_or(0);
    for step in STEPS.iter().skip(done) {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "user_version", NEWEST)
}
