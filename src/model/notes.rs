//! What is to be said beside the figures of a prediction.

use super::calibration::{Calibration, words_of};
use super::parent::Parent;
use super::shape::{Part, Shape};
use crate::harness::anatomy::{Anatomy, Frames, MappingSeen};
use crate::units::human_size;

/// A parent larger than this many times the largest that was measured is worth a note.
const FAR_BEYOND: f64 = 4.0;

/// What matters to fork and is in no part.
pub(super) fn of_process(anatomy: &Anatomy, copied: &[&MappingSeen], busy: u64) -> Vec<String> {
    let mut notes = Vec::new();
    let status = &anatomy.status;
    notes.extend(of_frames(anatomy));
    let running = |count: u64| match count {
        1 => "1 other thread was".to_owned(),
        _ => format!("{count} other threads were"),
    };
    if busy > 0 {
        notes.push(format!(
            "{} running when it was read; each on another CPU makes fork dearer, and the low end counts none",
            running(busy)
        ));
    }
    for (bytes, what) in [
        (
            status.swap,
            "in swap: fork copies their entries too, which is not counted",
        ),
        (
            status.hugetlb,
            "in reserved huge pages: fork copies their entries too, which is not counted",
        ),
        (
            status.pinned,
            "pinned for a device: fork copies these pages themselves at once, which is not counted",
        ),
    ] {
        if let Some(bytes) = bytes.filter(|&bytes| bytes > 0) {
            notes.push(format!("{} are {what}", human_size(bytes)));
        }
    }
    let flagged = |flags: &[&str]| {
        // The clock's data page is in every process, the measured ones too.
        let has = |seen: &&&MappingSeen| {
            !seen.name.starts_with("[vvar") && flags.iter().any(|flag| seen.has(flag))
        };
        copied.iter().filter(has).count()
    };
    for (count, what) in [
        (
            flagged(&["um", "uw", "ui"]),
            "watched by userfaultfd: who watches is told of the fork, and may hold it up",
        ),
        (
            flagged(&["pf", "mm"]),
            "of a device: pages that it maps are copied, and not counted",
        ),
    ] {
        if count > 0 {
            notes.push(format!("{count} of its mappings are {what}"));
        }
    }
    notes
}

/// What could not be seen of page frame numbers.
fn of_frames(anatomy: &Anatomy) -> Option<String> {
    anatomy.mappings.as_ref()?;
    let hidden = match anatomy.frames {
        Frames::Known { every: 1, .. } => return None,
        Frames::Known { every, .. } => {
            return Some(format!(
                "it is large: every {every}th stretch of 2 MiB was looked at to see how scattered its pages are"
            ));
        }
        Frames::Hidden => {
            "page frame numbers need CAP_SYS_ADMIN; run as root, outside of a user namespace,"
        }
        Frames::Unreadable => "its pagemap can't be read; run as root",
    };
    Some(format!(
        "how scattered its pages are is not known: {hidden} for the expected value"
    ))
}

/// What was noticed of the parent, and what to make of the calibration's figures for it.
pub(super) fn of_prediction(
    calibration: &Calibration,
    parent: &Parent,
    is_expected: bool,
) -> Vec<String> {
    let fit = &calibration.call.rewritten;
    let mut notes = parent.notes.clone();
    if parent.footprint.pid.is_none() && !is_expected {
        notes.push(
            "how scattered its pages would be is not known: --order sequential is a fresh heap, --order shuffled one \
             that was long in use"
                .to_owned(),
        );
    }
    if parent.is_of_unknown_pages() {
        notes.push(
            "whether its pages are of 4 KiB or huge ones can't be seen: the low end takes them for huge, the high end \
             for 4 KiB"
                .to_owned(),
        );
    }
    if parent.footprint.vmas.is_none() {
        notes.push("its mappings can't be counted, and what they cost is left out".to_owned());
    }
    for part in calibration.known(&parent.most()).1 {
        notes.push(format!(
            "the calibration does not tell what {} cost, and they are left out: --calibrate makes one that does",
            words_of(part)
        ));
    }
    if let Some(cell) = fit.worst().filter(|_| !fit.is_good()) {
        notes.push(format!(
            "the calibration's parts do not add up well: they miss {} by {:.0} %. Take figures for rough, or --calibrate \
             again on a quiet host",
            cell.id,
            100.0 * fit.largest_residual()
        ));
    }
    let most = parent.most();
    let beyond = |part: &[Part]| {
        let count = |shape: &Shape| part.iter().map(|&part| shape.count(part)).sum::<f64>();
        let largest = fit
            .cells
            .iter()
            .map(|cell| count(&cell.shape))
            .fold(0.0, f64::max);
        match largest > 0.0 {
            true => count(&most) / largest,
            false => 0.0,
        }
    };
    let small = beyond(&[Part::PageNear, Part::PageMid, Part::PageFar]);
    let times = small.max(beyond(&[Part::PageThp]));
    if times > FAR_BEYOND {
        notes.push(format!(
            "it has {times:.0} times the pages of the largest parent that was measured: the figures take each further \
             page to cost the same"
        ));
    }
    notes
}
