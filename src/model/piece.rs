//! The mappings of a parent that fork copies, and where their pages lie.

use super::shape::{Part, Shape};
use crate::footprint::HUGE_PAGE;
use crate::harness::anatomy::MappingSeen;

/// What share of the pages must have known places to speak for the others.
const ENOUGH_KNOWN: f64 = 0.5;

/// A mapping that fork copies.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Its file, or a name as `[heap]`; foreign text. Empty for anonymous memory.
    pub name: String,
    /// Its first address.
    pub start: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// 4 KiB pages.
    pub pages: u64,
    /// Transparent huge pages.
    pub huge: u64,
    /// Shares of neighbours within 8 and 512 pages, where known.
    pub places: Option<[f64; 2]>,
    /// The same with each neighbour counted by the share that the process has of the memory around it: what fork pays
    /// for as for near pages.
    pub own_places: Option<[f64; 2]>,
    /// Whether its 4 KiB pages could be huge ones: of no file, and 2 MiB long.
    pub could_be_huge: bool,
}

impl Piece {
    pub(super) fn of(seen: &MappingSeen) -> Self {
        Self {
            name: seen.name.clone(),
            start: seen.start,
            bytes: seen.bytes(),
            pages: seen.base_pages(),
            huge: seen.thp / HUGE_PAGE,
            places: seen.places,
            own_places: seen.own_places,
            could_be_huge: !seen.name.starts_with('/') && seen.bytes() >= HUGE_PAGE,
        }
    }

    /// Its pages as parts, lying as `places` (see [`Parent::places`]) where nothing is known of its own.
    pub fn shape(&self, places: [f64; 2]) -> Shape {
        let [within_8, within_512] = self.own_places.unwrap_or(places);
        Shape::default()
            .with(Part::PageThp, self.huge as f64)
            .with_base_pages(self.pages as f64, within_8, within_512)
    }
}

/// Shares over all pieces, by their pages. `None` where too few are known.
pub(super) fn pooled(
    pieces: &[Piece],
    places: impl Fn(&Piece) -> Option<[f64; 2]>,
) -> Option<[f64; 2]> {
    let all: f64 = pieces.iter().map(|piece| piece.pages as f64).sum();
    let known = || {
        let known = pieces
            .iter()
            .filter_map(|piece| Some((piece.pages as f64, places(piece)?)));
        known.filter(|(pages, _)| *pages > 0.0)
    };
    let pages: f64 = known().map(|(pages, _)| pages).sum();
    let share = |at: usize| {
        known()
            .map(|(pages, places)| pages * places[at])
            .sum::<f64>()
            / pages
    };
    (pages > 0.0 && pages >= ENOUGH_KNOWN * all).then(|| [share(0), share(1)])
}
