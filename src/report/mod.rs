//! Pages, charts and tables (a stand-in until the real ones land).

use std::path::{Path, PathBuf};

use crate::recording::{Recorded, Run};

/// Why a page could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the page could not be drawn")]
pub struct ReportError;

/// Draws the page.
///
/// # Errors
/// Never, yet.
pub fn write(dir: &Path, _: &Recorded) -> Result<PathBuf, ReportError> {
    Ok(dir.join("index.html"))
}

/// The table.
pub fn table(run: &Run, _width: Option<usize>, _colour: bool) -> String {
    let mut text = String::new();
    for cell in &run.cells {
        for (phase, summary) in &cell.phases {
            text.push_str(&format!(
                "{:30} {:6} n {:6} p50 {:?} {:?}\n",
                cell.id,
                phase.name(),
                summary.count,
                summary.p50,
                summary.intervals.get("p50")
            ));
        }
        if let Some(reason) = &cell.reason {
            text.push_str(&format!("{:30} {:?} {reason}\n", cell.id, cell.status));
        }
    }
    text
}

/// The table as Markdown.
pub fn markdown(run: &Run) -> String {
    table(run, None, false)
}
