//! The shape of a parent: its name, holding it, and the kernel's receipt for it.

mod hold;
mod receipt;
mod spec;

pub use hold::{Held, HoldError, ReceiptMismatch, fits};
pub use receipt::Receipt;
pub use spec::{
    BASE_PAGE, Footprint, FootprintError, HUGE_PAGE, Mapping, Order, Page, State, Touch,
};
