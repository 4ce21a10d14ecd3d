//! Named values: the columns that tables of every kind share.

use super::cut;
use crate::footprint::Footprint;
use crate::recording::{Cell, Status};

/// A value of a column, `None` where it is missing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Text as it stands in the run: untrusted.
    Text(Option<String>),
    /// A count, bytes or nanoseconds.
    Whole(Option<u64>),
    /// A figure with a fraction; never NaN or infinite.
    Real(Option<f64>),
    /// Yes or no.
    Truth(Option<bool>),
}

/// A column's name and the value in it.
pub(crate) type Field = (&'static str, Value);

/// Text.
pub(crate) fn text(name: &'static str, value: &str) -> Field {
    maybe_text(name, Some(value))
}

/// Text, or none.
pub(crate) fn maybe_text(name: &'static str, value: Option<&str>) -> Field {
    (name, Value::Text(value.map(|value| cut(value).to_owned())))
}

/// A whole number, or none.
pub(crate) fn whole(name: &'static str, value: impl Into<Option<u64>>) -> Field {
    (name, Value::Whole(value.into()))
}

/// A figure, or none; one that is not finite is none.
pub(super) fn real(name: &'static str, value: impl Into<Option<f64>>) -> Field {
    let finite = value.into().filter(|value| value.is_finite());
    (name, Value::Real(finite))
}

/// The axes of a footprint, by their names.
pub(super) fn axes(footprint: &Footprint) -> [Field; 12] {
    [
        whole("bytes", footprint.bytes),
        text("page", footprint.page.name()),
        text("mapping", footprint.mapping.name()),
        text("touch", footprint.touch.name()),
        text("order", footprint.order.name()),
        whole("window", u64::from(footprint.window)),
        whole("spread", u64::from(footprint.spread)),
        text("state", footprint.state.name()),
        whole("vmas", u64::from(footprint.vmas)),
        whole("threads", u64::from(footprint.threads)),
        whole("busy", u64::from(footprint.busy)),
        whole("fds", u64::from(footprint.fds)),
    ]
}

/// What tells a cell from others, and how it ended.
pub(super) fn of_cell(run: &str, cell: &Cell) -> Vec<Field> {
    let mut fields = vec![
        text("run", run),
        text("cell", &cell.id),
        text("subject", &cell.subject),
        text("mechanism", &cell.mechanism),
        text("footprint", &cell.footprint.to_string()),
    ];
    fields.extend(axes(&cell.footprint));
    fields.push(whole("message", cell.message));
    fields.extend([
        text("placement", placement(cell)),
        maybe_text("exec", cell.exec.as_deref()),
        text("status", status(cell)),
        maybe_text("reason", cell.reason.as_deref()),
    ]);
    fields
}

/// The word for where a cell ran.
pub(super) fn placement(cell: &Cell) -> &'static str {
    cell.placement.name()
}

/// The word for how a cell ended.
fn status(cell: &Cell) -> &'static str {
    match cell.status {
        Status::Ok => "ok",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
    }
}
