//! How scattered a process's pages are in physical memory, from its `pagemap`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::smaps::MappingSeen;
use super::surroundings::{Neighbours, Surroundings};
use crate::footprint::{BASE_PAGE, HUGE_PAGE, Layout};

/// Pages that are looked at, about: 16 GiB of address space, which takes some tenths of a second.
const MOST_PAGES: u64 = 4 << 20;
/// Bytes of an entry.
const ENTRY: u64 = 8;

/// What could be seen of page frame numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Frames {
    /// All of them, or every so many-th stretch of 2 MiB.
    Known {
        /// 1: every one.
        every: u64,
        /// What share of the 64 frames around a 4 KiB page is the process's, 0 to 1, in the mean over its pages. `None`
        /// where there are none.
        own_share: Option<f64>,
    },
    /// They read as 0: that takes CAP_SYS_ADMIN.
    Hidden,
    /// `pagemap` can't be read.
    Unreadable,
}

/// Looks up where the 4 KiB pages of mappings lie that fork would copy.
///
/// # Errors
/// Those of reading; `ESRCH` is not among them: a process that has gone has no entries.
pub(super) fn place(pagemap: &File, mappings: &mut [MappingSeen]) -> io::Result<Frames> {
    place_within(pagemap, mappings, MOST_PAGES)
}

fn place_within(pagemap: &File, mappings: &mut [MappingSeen], most: u64) -> io::Result<Frames> {
    let looked_at = |seen: &&mut MappingSeen| seen.is_copied() && seen.base_pages() > 0;
    let all: u64 = mappings
        .iter_mut()
        .filter(looked_at)
        .fold(0, |sum, seen| sum.saturating_add(seen.bytes() / BASE_PAGE));
    let every = all.div_ceil(most).max(1);
    let mut surroundings = Surroundings::default();
    let mut stretches = 0;
    for seen in mappings.iter_mut().filter(looked_at) {
        let mut layout = Layout::default();
        for_each_stretch(pagemap, seen, every, &mut stretches, |entries| {
            let Some(entries) = entries else {
                layout.skip();
                return true;
            };
            for &entry in entries {
                layout.add(entry);
                // Of scattered pages, those that are not looked at lie among the others.
                surroundings.add(entry, every);
            }
            layout.hidden == 0
        })?;
        if layout.hidden > 0 {
            return Ok(Frames::Hidden);
        }
        seen.places = layout
            .shares()
            .map(|[_, within_8, _, within_512]| [within_8, within_512]);
    }
    let (mut pages, mut own) = (0, 0.0);
    let mut stretches = 0;
    for seen in mappings.iter_mut().filter(looked_at) {
        let mut neighbours = Neighbours::of(&surroundings);
        for_each_stretch(pagemap, seen, every, &mut stretches, |entries| {
            match entries {
                Some(entries) => entries.iter().for_each(|&entry| neighbours.add(entry)),
                None => neighbours.skip(),
            }
            true
        })?;
        seen.own_places = neighbours.shares();
        pages += neighbours.pages;
        own += neighbours.own;
    }
    let own_share = (pages > 0).then(|| own / pages as f64);
    Ok(Frames::Known { every, own_share })
}

/// Shows `look` the entries of one mapping's 4 KiB pages, a stretch of 2 MiB at a time, and nothing in the place of stretches
/// that are huge pages or left out; until it says that it has seen enough. `stretches` counts those of all mappings:
/// every so many-th is read.
fn for_each_stretch(
    pagemap: &File,
    seen: &MappingSeen,
    every: u64,
    stretches: &mut u64,
    mut look: impl FnMut(Option<&[u64]>) -> bool,
) -> io::Result<()> {
    let mut buffer = [0; (HUGE_PAGE / BASE_PAGE * ENTRY) as usize];
    let mut entries = Vec::with_capacity(buffer.len() / ENTRY as usize);
    let mut huge_left = seen.thp / HUGE_PAGE;
    let mut at = seen.start;
    while at < seen.end {
        let after = (at / HUGE_PAGE + 1).saturating_mul(HUGE_PAGE).min(seen.end);
        *stretches += 1;
        if every > 1 && *stretches % every != 0 {
            // Far faster than a step at a time where 100 TiB are reserved and little is used.
            let skipped = every - *stretches % every - 1;
            let inside = (seen.end - after).div_ceil(HUGE_PAGE).min(skipped);
            *stretches += inside;
            at = after
                .saturating_add(inside.saturating_mul(HUGE_PAGE))
                .min(seen.end);
            look(None);
            continue;
        }
        let wanted = ((after - at) / BASE_PAGE * ENTRY) as usize;
        let read = pagemap.read_at(&mut buffer[..wanted], at / BASE_PAGE * ENTRY)?;
        entries.clear();
        let words = buffer[..read].chunks_exact(ENTRY as usize);
        entries.extend(words.filter_map(|word| Some(u64::from_ne_bytes(word.try_into().ok()?))));
        let is_huge = huge_left > 0 && Layout::is_huge(&entries);
        huge_left -= u64::from(is_huge);
        if !look((!is_huge).then_some(&entries)) {
            break;
        }
        at = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const PRESENT: u64 = 1 << 63;

    /// A pagemap of pages from address 0 on.
    fn pagemap(entries: &[u64]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = entries
            .iter()
            .flat_map(|entry| entry.to_ne_bytes())
            .collect();
        file.write_all(&bytes).unwrap();
        file
    }

    fn heap(pages: u64, thp: u64) -> MappingSeen {
        MappingSeen {
            end: pages * BASE_PAGE,
            private: true,
            rss: pages * BASE_PAGE,
            anonymous: pages * BASE_PAGE,
            thp: thp * HUGE_PAGE,
            ..MappingSeen::default()
        }
    }

    #[test]
    fn huge_pages_do_not_make_the_others_look_near() {
        let mut entries: Vec<u64> = (1024..1536).map(|frame| PRESENT | frame).collect();
        entries.extend((0..512).map(|at| PRESENT | (2048 + 1000 * at)));
        let file = pagemap(&entries);
        let mut seen = [heap(1024, 1)];
        let Frames::Known {
            every: 1,
            own_share,
        } = place(&file, &mut seen).unwrap()
        else {
            panic!("every page is looked at");
        };
        // Each lies in a block of its own.
        assert_eq!(own_share, Some(1.0 / 64.0));
        assert_eq!(seen[0].places, Some([0.0, 0.0]));
        // The same without a huge page: half of them lie side by side.
        let mut seen = [heap(1024, 0)];
        place(&file, &mut seen).unwrap();
        let [within_8, _] = seen[0].places.unwrap();
        assert!((within_8 - 511.0 / 1023.0).abs() < 1e-9, "{within_8}");
    }

    #[test]
    fn hidden_frames_are_told_from_far_ones() {
        let file = pagemap(&[PRESENT; 512]);
        let mut seen = [heap(512, 0)];
        assert_eq!(place(&file, &mut seen).unwrap(), Frames::Hidden);
        assert_eq!(seen[0].places, None);
    }

    #[test]
    fn a_large_process_is_sampled_evenly_over_all_of_it() {
        // 16 stretches: in even ones pages lie side by side, in odd ones far apart.
        let mut entries = Vec::new();
        for stretch in 0..16 {
            for at in 0..512 {
                let step = if stretch % 4 < 2 { 1 } else { 5000 };
                entries.push(PRESENT | (7 + (stretch << 24) + at * step));
            }
        }
        let file = pagemap(&entries);
        let mut seen = [heap(16 * 512, 0)];
        let frames = place_within(&file, &mut seen, 3000).unwrap();
        let Frames::Known {
            every: 3,
            own_share,
        } = frames
        else {
            panic!("{frames:?}");
        };
        assert!((0.3..0.7).contains(&own_share.unwrap()), "{own_share:?}");
        let [within_8, _] = seen[0].places.unwrap();
        assert!((0.3..0.7).contains(&within_8), "{within_8}");
        // Address space that nobody could walk page by page.
        let mut seen = [MappingSeen {
            end: 1 << 47,
            ..heap(512, 0)
        }];
        assert!(place(&file, &mut seen).is_ok());
    }
}
