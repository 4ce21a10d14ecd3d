//! A parent that was not measured: a live process, or one that is described.

use serde::{Deserialize, Serialize};

use super::notes::of_process;
use super::piece::{Piece, pooled};
use super::shape::{Part, Shape};
use crate::footprint::{BASE_PAGE, HUGE_PAGE, Order, Page};
use crate::harness::anatomy::{Anatomy, Frames, MappingSeen};
use crate::recording::Host;

/// VMAs and descriptors of a described parent that nothing is said of: those of a small program.
const USUAL: (u64, u64) = (30, 3);

/// What fork would have to copy, as a prediction tells it. Bytes and counts; null is "not known".
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictedFootprint {
    /// The process, if it is one.
    pub pid: Option<i32>,
    /// The name it gave itself.
    pub name: Option<String>,
    /// Resident bytes.
    pub rss: Option<u64>,
    /// Resident bytes in mappings whose page tables fork copies.
    pub copied: u64,
    /// 4 KiB pages among these.
    pub pages_4k: u64,
    /// Transparent huge pages among these.
    pub pages_thp: u64,
    /// Share of neighbouring 4 KiB pages within 8 pages of each other in physical memory.
    pub within_8: Option<f64>,
    /// Likewise within 512.
    pub within_512: Option<f64>,
    /// What share of the 64 frames around a 4 KiB page is its own, in the mean over its pages.
    pub own_share: Option<f64>,
    /// Its mappings, those that the child doesn't get left out.
    pub vmas: Option<u64>,
    /// Mappings that the child doesn't get (`MADV_DONTFORK`), which fork has to pass over.
    pub vmas_dontfork: Option<u64>,
    /// Its threads, the main one included.
    pub threads: Option<u64>,
    /// Threads beside the one that forks that ran, or were ready to.
    pub busy: u64,
    /// Its open descriptors.
    pub fds: Option<u64>,
    /// Bytes of its page tables.
    pub page_tables: Option<u64>,
    /// Bytes in swap.
    pub swap: Option<u64>,
    /// Bytes in reserved huge pages.
    pub hugetlb: Option<u64>,
}

/// What is asked of a parent that is not there. Counts are those of the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Described {
    /// Resident bytes of private written memory.
    pub rss: u64,
    /// What it is made of.
    pub page: Page,
    /// How it lies in physical memory, if that is to be taken for known.
    pub order: Option<Order>,
    /// Its mappings.
    pub vmas: Option<u64>,
    /// Its threads, the main one included.
    pub threads: Option<u64>,
    /// Its open descriptors.
    pub fds: Option<u64>,
}

/// A parent that was not measured, part by part.
#[derive(Debug, Clone, PartialEq)]
pub struct Parent {
    /// As a prediction tells it.
    pub footprint: PredictedFootprint,
    /// What fork copies, mapping by mapping. Empty where mappings could not be read.
    pub pieces: Vec<Piece>,
    /// What was noticed of it, in words.
    pub notes: Vec<String>,
    /// All but 4 KiB pages.
    rest: Shape,
    /// 4 KiB pages.
    pages: f64,
    /// Where they lie, if that is known.
    places: Option<[f64; 2]>,
    /// Threads that may run on other CPUs, at the most.
    busy: f64,
    /// Whether pages that were counted as 4 KiB may be huge ones.
    may_be_huge: bool,
}

impl Parent {
    /// A parent that is described.
    pub fn described(asked: &Described) -> Self {
        let huge = match asked.page {
            Page::Base => 0,
            Page::Thp | Page::Hugetlb => asked.rss / HUGE_PAGE,
        };
        let pages = (asked.rss - huge * HUGE_PAGE).div_ceil(BASE_PAGE);
        let footprint = PredictedFootprint {
            rss: Some(asked.rss),
            copied: asked.rss,
            pages_4k: pages,
            pages_thp: huge,
            vmas: Some(asked.vmas.unwrap_or(USUAL.0)),
            threads: Some(asked.threads.unwrap_or(1)),
            fds: Some(asked.fds.unwrap_or(USUAL.1)),
            ..PredictedFootprint::default()
        };
        let places = asked.order.map(|order| match order {
            Order::Sequential => [1.0, 1.0],
            Order::Shuffled => [0.0, 0.0],
        });
        let all = Piece {
            name: String::new(),
            start: 0,
            bytes: asked.rss,
            pages,
            huge,
            places,
            own_places: places,
            could_be_huge: asked.rss >= HUGE_PAGE,
        };
        let mut parent = Self::from_parts(footprint, vec![all], Vec::new());
        parent.put_places(places, places, None);
        parent
    }

    /// A live process on `host`.
    pub fn of(anatomy: &Anatomy, host: &Host) -> Self {
        let status = &anatomy.status;
        let mappings = anatomy.mappings.as_deref().unwrap_or_default();
        let copied: Vec<&MappingSeen> = mappings.iter().filter(|seen| seen.is_copied()).collect();
        let own_share = match anatomy.frames {
            Frames::Known { own_share, .. } => own_share,
            Frames::Hidden | Frames::Unreadable => None,
        };
        let pieces: Vec<Piece> = copied.iter().map(|seen| Piece::of(seen)).collect();
        let seen = anatomy.mappings.is_some();
        let inherited = mappings.iter().filter(|seen| seen.is_inherited()).count();
        let anonymous = status.anonymous.or(status.rss).unwrap_or(0);
        let others = anatomy.running.saturating_sub(1);
        let footprint = PredictedFootprint {
            pid: Some(anatomy.pid),
            name: Some(anatomy.name.clone()),
            rss: status.rss,
            copied: match seen {
                true => copied
                    .iter()
                    .fold(0, |sum: u64, one| sum.saturating_add(one.rss)),
                false => anonymous,
            },
            pages_4k: match seen {
                true => pieces.iter().map(|piece| piece.pages).sum(),
                false => anonymous / BASE_PAGE,
            },
            pages_thp: pieces.iter().map(|piece| piece.huge).sum(),
            vmas: if seen {
                Some(inherited as u64)
            } else {
                anatomy.vmas
            },
            vmas_dontfork: seen.then(|| (mappings.len() - inherited) as u64),
            threads: status.threads,
            busy: others.min(u64::from(host.cpus.saturating_sub(1))),
            fds: anatomy.fds,
            page_tables: status.page_tables,
            swap: status.swap,
            hugetlb: status.hugetlb,
            ..PredictedFootprint::default()
        };
        let mut notes = anatomy.unseen.clone();
        notes.extend(of_process(anatomy, &copied, footprint.busy));
        let mut parent = Self::from_parts(footprint, pieces, notes);
        parent.may_be_huge = !seen && host.thp.as_deref() != Some("never");
        let [places, own] = [
            |piece: &Piece| piece.places,
            |piece: &Piece| piece.own_places,
        ]
        .map(|of| pooled(&parent.pieces, of));
        parent.put_places(places, own, own_share);
        parent
    }

    fn from_parts(footprint: PredictedFootprint, pieces: Vec<Piece>, notes: Vec<String>) -> Self {
        let count = |number: Option<u64>| number.unwrap_or(0) as f64;
        let busy = footprint.busy as f64;
        let others = (count(footprint.threads) - 1.0 - busy).max(0.0);
        Self {
            rest: Shape::bare()
                .with(Part::PageThp, footprint.pages_thp as f64)
                .with(Part::Vma, count(footprint.vmas))
                .with(Part::VmaDontfork, count(footprint.vmas_dontfork))
                .with(Part::Fd, count(footprint.fds))
                .with(Part::Thread, others)
                .with(Part::Busy, busy),
            pages: footprint.pages_4k as f64,
            footprint,
            pieces,
            notes,
            places: None,
            busy,
            may_be_huge: false,
        }
    }

    fn put_places(
        &mut self,
        places: Option<[f64; 2]>,
        own: Option<[f64; 2]>,
        own_share: Option<f64>,
    ) {
        self.places = own;
        if self.pages > 0.0 {
            self.footprint.own_share = own_share;
            self.footprint.within_8 = places.map(|[within_8, _]| within_8);
            self.footprint.within_512 = places.map(|[_, within_512]| within_512);
        } else {
            self.places = Some([1.0, 1.0]);
        }
    }

    /// Bytes of its 4 KiB pages and of its huge pages that fork copies.
    pub fn copied_by_kind(&self) -> [u64; 2] {
        let footprint = &self.footprint;
        [
            footprint.pages_4k.saturating_mul(BASE_PAGE),
            footprint.pages_thp.saturating_mul(HUGE_PAGE),
        ]
    }

    /// The cheapest it can be: every 4 KiB page beside its neighbour, and no other thread running.
    pub fn least(&self) -> Shape {
        let idle = self.rest.with(Part::Busy, 0.0);
        if self.may_be_huge {
            let huge = self.pages * (BASE_PAGE as f64) / HUGE_PAGE as f64;
            return idle.with(Part::PageThp, huge);
        }
        idle.with_base_pages(self.pages, 1.0, 1.0)
    }

    /// The dearest: every 4 KiB page far from its neighbour, and as many threads running as were.
    pub fn most(&self) -> Shape {
        self.lying([0.0, 0.0])
    }

    /// What it is; `None` where nothing is known of its pages' places or kind.
    pub fn expected(&self) -> Option<Shape> {
        self.places
            .filter(|_| !self.may_be_huge)
            .map(|places| self.lying(places))
    }

    /// With its 4 KiB pages lying so, as shares within 8 and 512 pages.
    pub fn lying(&self, [within_8, within_512]: [f64; 2]) -> Shape {
        self.rest
            .with(Part::Busy, self.busy)
            .with_base_pages(self.pages, within_8, within_512)
    }

    /// Shares of its pages that fork pays for as for near ones, within 8 and 512 pages of their neighbours, where known:
    /// each counted by the share that the process has of the memory around it.
    pub fn places(&self) -> Option<[f64; 2]> {
        self.places
    }

    /// Whether its pages may be of a kind that could not be seen.
    pub fn is_of_unknown_pages(&self) -> bool {
        self.may_be_huge
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::anatomy::Status;

    fn seen(name: &str, pages: u64, places: Option<[f64; 2]>) -> MappingSeen {
        MappingSeen {
            start: 1 << 32,
            end: (1 << 32) + pages * BASE_PAGE,
            private: true,
            name: name.to_owned(),
            rss: pages * BASE_PAGE,
            anonymous: pages * BASE_PAGE,
            places,
            own_places: places,
            ..MappingSeen::default()
        }
    }

    fn anatomy(mappings: Option<Vec<MappingSeen>>) -> Anatomy {
        Anatomy {
            pid: 42,
            name: "made".to_owned(),
            status: Status {
                rss: Some(64 << 20),
                anonymous: Some(32 << 20),
                threads: Some(4),
                ..Status::default()
            },
            vmas: mappings.as_ref().map(|mappings| mappings.len() as u64),
            mappings,
            frames: Frames::Known {
                every: 1,
                own_share: Some(1.0),
            },
            fds: Some(5),
            running: 3,
            unseen: Vec::new(),
        }
    }

    fn host(thp: &str) -> Host {
        Host {
            cpus: 2,
            thp: Some(thp.to_owned()),
            ..Host::default()
        }
    }

    #[test]
    fn what_fork_copies_is_counted_by_where_it_lies() {
        let mut kept = seen("kept", 1000, None);
        kept.flags = vec![*b"dc"];
        let mut file = seen("/lib", 1000, None);
        file.anonymous = 0;
        let mappings = vec![
            seen("[heap]", 1000, Some([0.5, 0.5])),
            seen("", 3000, Some([0.1, 0.9])),
            kept,
            file,
        ];
        let parent = Parent::of(&anatomy(Some(mappings)), &host("never"));
        let shape = parent.expected().unwrap();
        assert!((shape.count(Part::PageNear) - 800.0).abs() < 1e-6);
        assert!((shape.count(Part::PageMid) - 2400.0).abs() < 1e-6);
        assert!((shape.count(Part::PageFar) - 800.0).abs() < 1e-6);
        // The child gets the file's mapping, without entries; not the one that is kept back.
        assert_eq!(shape.count(Part::Vma), 3.0);
        assert_eq!(parent.pieces.len(), 2);
        // Two others ran, and there is one other CPU.
        assert_eq!(
            (shape.count(Part::Busy), shape.count(Part::Thread)),
            (1.0, 2.0)
        );
        assert_eq!(parent.least().count(Part::Busy), 0.0);
        assert_eq!(parent.most().count(Part::PageFar), 4000.0);
        assert!(
            parent.notes[0].contains("1 other thread was running"),
            "{:?}",
            parent.notes
        );
    }

    #[test]
    fn without_frames_there_is_no_expected_shape_and_a_note() {
        let hidden = Anatomy {
            frames: Frames::Hidden,
            ..anatomy(Some(vec![seen("[heap]", 1000, None)]))
        };
        let parent = Parent::of(&hidden, &host("never"));
        assert_eq!(parent.expected(), None);
        assert!(
            parent
                .notes
                .iter()
                .any(|note| note.contains("CAP_SYS_ADMIN"))
        );
        // A few pages without a neighbour lie like the others.
        let mostly = vec![seen("[heap]", 1000, Some([0.5, 0.5])), seen("x", 1, None)];
        let parent = Parent::of(&anatomy(Some(mostly)), &host("never"));
        assert_eq!(parent.places(), Some([0.5, 0.5]));
    }

    #[test]
    fn of_what_is_not_ours_the_bracket_covers_every_kind_of_page() {
        let parent = Parent::of(&anatomy(None), &host("madvise"));
        assert_eq!(parent.expected(), None);
        assert_eq!(parent.least().count(Part::PageThp), 16.0);
        assert_eq!(parent.least().base_pages(), 0.0);
        assert_eq!(parent.most().count(Part::PageFar), 8192.0);
        let parent = Parent::of(&anatomy(None), &host("never"));
        assert_eq!(parent.least().count(Part::PageNear), 8192.0);
    }

    #[test]
    fn a_described_parent_is_what_was_said_of_it() {
        let asked = Described {
            rss: 1 << 30,
            threads: Some(9),
            ..Described::default()
        };
        let parent = Parent::described(&asked);
        assert_eq!(parent.expected(), None);
        assert_eq!(parent.most().count(Part::PageFar), 262_144.0);
        assert_eq!(parent.most().count(Part::Thread), 8.0);
        let order = Some(Order::Shuffled);
        let far = Parent::described(&Described { order, ..asked });
        assert_eq!(far.expected(), Some(far.most()));
        let page = Page::Thp;
        let huge = Parent::described(&Described { page, ..asked });
        assert_eq!(huge.expected().unwrap().count(Part::PageThp), 512.0);
        assert_eq!(huge.expected().unwrap().base_pages(), 0.0);
    }
}
