//! Which huge pages the host offers.

use std::ffi::CStr;

use super::error::HoldError;
use super::proc::{File, value};
use super::{Footprint, HUGE_PAGE, Mapping, Page};

const ANONYMOUS: &CStr = c"/sys/kernel/mm/transparent_hugepage/enabled";
const ANONYMOUS_2M: &CStr = c"/sys/kernel/mm/transparent_hugepage/hugepages-2048kB/enabled";
const SHARED: &CStr = c"/sys/kernel/mm/transparent_hugepage/shmem_enabled";
const SHARED_2M: &CStr = c"/sys/kernel/mm/transparent_hugepage/hugepages-2048kB/shmem_enabled";

/// Whether the host offers the huge pages of `footprint`, if it has any.
///
/// # Errors
/// [`HoldError`] with the setting that is in the way.
pub(super) fn offered(footprint: &Footprint) -> Result<(), HoldError> {
    match (footprint.page, footprint.mapping) {
        (Page::Base, _) => Ok(()),
        (Page::Hugetlb, _) => reserved(footprint.bytes / HUGE_PAGE),
        (Page::Thp, Mapping::Shared) => transparent(SHARED, SHARED_2M, "advise"),
        (Page::Thp, _) => transparent(ANONYMOUS, ANONYMOUS_2M, "madvise"),
    }
}

/// The setting for 2 MiB overrides the general one unless it is `inherit` (Linux 6.8 and later).
fn transparent(
    general: &'static CStr,
    for_2m: &'static CStr,
    remedy: &'static str,
) -> Result<(), HoldError> {
    // SAFETY: this prctl reads no memory.
    if unsafe { libc::prctl(libc::PR_GET_THP_DISABLE, 0, 0, 0, 0) } == 1 {
        return Err(HoldError::ThpDisabled);
    }
    let refusal = |file: &CStr, setting: &str| {
        Err(HoldError::Thp {
            file: file.to_string_lossy().into_owned(),
            setting: setting.to_owned(),
            remedy,
        })
    };
    let (file, setting) = match chosen(for_2m) {
        Some(setting) if setting != "inherit" => (for_2m, Some(setting)),
        _ => (general, chosen(general)),
    };
    match setting.as_deref() {
        None => refusal(file, "not there"),
        Some(setting @ ("never" | "deny")) => refusal(file, setting),
        Some(_) => Ok(()),
    }
}

/// The word in brackets: `always [madvise] never`.
fn chosen(path: &CStr) -> Option<String> {
    let mut buffer = [0; 128];
    let read = File::open(path).ok()?.read(&mut buffer).ok()?;
    let text = std::str::from_utf8(&buffer[..read]).ok()?;
    let (_, rest) = text.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

fn reserved(needed: u64) -> Result<(), HoldError> {
    let total = value(c"/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages").unwrap_or(0);
    let free = value(c"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages").unwrap_or(0);
    let promised = value(c"/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages").unwrap_or(0);
    let free = free.saturating_sub(promised);
    if needed <= free {
        return Ok(());
    }
    Err(HoldError::HugePages {
        needed,
        free,
        total,
    })
}
