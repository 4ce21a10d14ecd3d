//! The table in METHODOLOGY.md is what `cargo bench` is given.

use super::read;

// The targets themselves, for their plans; what else is in them is not used here.
#[allow(dead_code)]
#[path = "../../benches/cow.rs"]
mod cow;
#[allow(dead_code)]
#[path = "../../benches/footprint.rs"]
mod footprint;
#[allow(dead_code)]
#[path = "../../benches/ipc.rs"]
mod ipc;
#[allow(dead_code)]
#[path = "../../benches/languages.rs"]
mod languages;
#[allow(dead_code)]
#[path = "../../benches/mechanisms.rs"]
mod mechanisms;
#[allow(dead_code)]
#[path = "../../benches/memory.rs"]
mod memory;
#[allow(dead_code)]
#[path = "../../benches/overhead.rs"]
mod overhead;
#[allow(dead_code)]
#[path = "../../benches/servers.rs"]
mod servers;

macro_rules! rows {
    ($target:ident) => {
        $target::plan().into_iter().map(|planned| {
            (
                stringify!($target),
                planned.cell.to_string(),
                planned.seconds,
            )
        })
    };
}

/// The table as it should stand there: a target's cells with one budget in one row.
fn table() -> String {
    let planned: Vec<(&str, String, f64)> = rows!(footprint)
        .chain(rows!(mechanisms))
        .chain(rows!(memory))
        .chain(rows!(cow))
        .chain(rows!(ipc))
        .chain(rows!(languages))
        .chain(rows!(servers))
        .chain(rows!(overhead))
        .collect();
    let mut rows: Vec<(&str, f64, Vec<String>)> = Vec::new();
    for (target, cell, seconds) in &planned {
        let cell = format!("`{cell}`");
        match rows
            .iter_mut()
            .find(|row| (row.0, row.1) == (*target, *seconds))
        {
            Some(row) => row.2.push(cell),
            None => rows.push((*target, *seconds, vec![cell])),
        }
    }
    let mut lines = vec![
        "| target | cells | seconds each | together |".to_owned(),
        "|---|---|---:|---:|".to_owned(),
    ];
    lines.extend(rows.iter().map(|(target, seconds, cells)| {
        let together = seconds * cells.len() as f64;
        format!(
            "| {target} | {} | {seconds} | {together} |",
            cells.join(" ")
        )
    }));
    let total: f64 = planned.iter().map(|row| row.2).sum();
    lines.push(format!("| all | {} cells | | {total} |", planned.len()));
    lines.join("\n")
}

#[test]
fn the_budget_is_what_the_targets_say() {
    let text = read("docs/METHODOLOGY.md");
    let (_, rest) = text.split_once("<!-- budget -->\n").expect("a marker");
    let (written, _) = rest.split_once("\n<!-- /budget -->").expect("its end");
    let table = table();
    assert!(
        written.trim() == table,
        "docs/METHODOLOGY.md has another budget; between its markers should stand\n{table}"
    );
}
