//! The shape of a parent: its name, holding it, and the kernel's receipt for it.

mod axis;
mod ballast;
mod check;
mod descriptors;
mod error;
mod hold;
mod huge;
mod mappings;
mod memory;
mod nameless;
mod order;
mod pagemap;
mod proc;
mod receipt;
mod region;
mod smaps;
mod soak;
mod spec;
#[cfg(test)]
mod tests;
mod threads;

pub use axis::{Mapping, Order, Page, State, Touch};
pub use check::{ReceiptMismatch, fits};
pub use error::HoldError;
pub use hold::Held;
pub use nameless::nameless_file;
pub use order::{Pages, Shuffled};
pub use pagemap::Layout;
pub use receipt::Receipt;
pub use spec::{BASE_PAGE, Footprint, FootprintError, HUGE_PAGE};
