//! The process under measurement. It is a program of its own because a child pays for its parent's
//! image; see the library's `subject` module for what it does.
//!
//! There is no Rust `main`: the runtime's signal stack and guard page would be two more mappings for
//! every child to copy.
#![no_main]

use std::ffi::{CStr, c_char, c_int};

/// Entry point.
///
/// # Safety
/// To be called by the C runtime alone, with its own arguments.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    // SAFETY: the C runtime passes `count` pointers to null-terminated strings.
    let argument = (count > 1).then(|| unsafe { CStr::from_ptr(*arguments.add(1)) });
    match argument.map(CStr::to_bytes) {
        None => forkbench_measurement::subject::serve(),
        Some(b"keep") => forkbench_measurement::subject::keep(),
        #[cfg(feature = "slower")]
        Some(b"slower-by") if count == 3 => {
            // SAFETY: as above.
            let by = unsafe { CStr::from_ptr(*arguments.add(2)) };
            let by = by.to_str().ok().and_then(|by| by.parse().ok());
            let Some(by) = by else { return 2 };
            forkbench_measurement::clock::SLOWER_BY.store(by, std::sync::atomic::Ordering::Relaxed);
            forkbench_measurement::subject::serve()
        }
        Some(_) => {
            eprintln!(
                "forkbench-subject reads a job on standard input: forkbench list --job fork/64MiB | forkbench-subject"
            );
            2
        }
    }
}
