//! What the kernel actually gave the subject.

use serde::{Deserialize, Serialize};

/// What the kernel gave the subject, read back from `/proc` after the footprint was held.
///
/// Counts are exact. Bytes hold within 2 % of the ballast. `None` is "could not be read"; what a
/// receipt leaves open is named in [`Receipt::unverified`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The subject's pid.
    pub pid: i32,
    /// `dynamic` or `static`: how its image was linked.
    pub image: String,
    /// Bytes the ballast is mapped with.
    pub ballast: u64,
    /// Bytes of it that are resident.
    pub rss: Option<u64>,
    /// Bytes of it in transparent huge pages, anonymous or of shared memory.
    pub thp: Option<u64>,
    /// Bytes of it in reserved huge pages.
    pub hugetlb: Option<u64>,
    /// Bytes whose pages are present in the page table, the zero page included.
    pub present: Option<u64>,
    /// Flags of the ballast's VMA, as in smaps: `rd wr mr mw me dc ac`.
    pub vm_flags: Option<String>,
    /// Bytes of the subject's page tables.
    pub page_tables: Option<u64>,
    /// Resident bytes of the whole subject.
    pub process_rss: Option<u64>,
    /// Its VMAs in all.
    pub vmas: Option<u64>,
    /// Those that were added for the footprint.
    pub vmas_added: Option<u64>,
    /// Its threads in all, the main one included.
    pub threads: Option<u64>,
    /// Of those, threads that spin.
    pub busy: Option<u64>,
    /// Its open file descriptors in all.
    pub fds: Option<u64>,
    /// Those that were added for the footprint.
    pub fds_added: Option<u64>,
    /// Share of neighbouring pages of the ballast that are neighbours in physical memory, 0 to 1.
    pub adjacency: Option<f64>,
    /// Share of neighbouring pages that lie within 64 pages of each other.
    pub nearness: Option<f64>,
    /// Share of neighbouring pages that lie within 8 pages of each other.
    pub within_8: Option<f64>,
    /// Share of neighbouring pages that lie within 512 pages of each other.
    pub within_512: Option<f64>,
    /// Of the blocks of 64 neighbouring frames that hold a page of the ballast, the share of frames that do, 0 to 1.
    #[serde(default)]
    pub density: Option<f64>,
    /// Nanoseconds it took to fill the ballast.
    pub fill_ns: Option<u64>,
    /// Bytes of fragmented free memory that were held while the ballast was filled. 0 where none
    /// were needed: the ballast has no order, or was filled with huge pages that were then split.
    pub soaked: Option<u64>,
    /// What could not be checked, by name.
    #[serde(default)]
    pub unverified: Vec<String>,
}
