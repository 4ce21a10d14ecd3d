//! How much of the memory around a process's pages is its own.

use crate::footprint::Layout;

/// A process's pages in each block of 64 frames.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    own: Vec<u8>,
}

impl Surroundings {
    /// Adds a page by its entry of pagemap, which stands for `times` pages.
    pub(super) fn add(&mut self, entry: u64, times: u64) {
        let Some(block) = Layout::block(entry) else {
            return;
        };
        if block >= self.own.len() {
            self.own.resize(block + 1, 0);
        }
        self.own[block] = (u64::from(self.own[block]) + times).min(Layout::BLOCK) as u8;
    }

    /// What share of the block around a page is the process's, 0 to 1.
    fn share(&self, entry: u64) -> f64 {
        let own = Layout::block(entry).and_then(|block| self.own.get(block));
        f64::from(own.copied().unwrap_or(0)) / Layout::BLOCK as f64
    }
}

/// Neighbouring pages that lie near each other, each counted by the share that the process has of the memory around it.
#[derive(Debug)]
pub(super) struct Neighbours<'a> {
    surroundings: &'a Surroundings,
    /// Pages that were seen.
    pub(super) pages: u64,
    /// The sum of the process's shares of the blocks around them.
    pub(super) own: f64,
    before: Option<u64>,
    pairs: u64,
    within: [f64; 2],
}

impl<'a> Neighbours<'a> {
    pub(super) fn of(surroundings: &'a Surroundings) -> Self {
        Self {
            surroundings,
            pages: 0,
            own: 0.0,
            before: None,
            pairs: 0,
            within: [0.0; 2],
        }
    }

    /// Adds the next page's entry.
    pub(super) fn add(&mut self, entry: u64) {
        let frame = Layout::frame(entry);
        let own = self.surroundings.share(entry);
        self.pages += u64::from(frame.is_some());
        self.own += own;
        if let (Some(one), Some(next)) = (self.before, frame) {
            self.pairs += 1;
            for (sum, limit) in self.within.iter_mut().zip([8, 512]) {
                *sum += if one.abs_diff(next) <= limit {
                    own
                } else {
                    0.0
                };
            }
        }
        self.before = frame;
    }

    /// Begins elsewhere: the next entry is no neighbour of the last.
    pub(super) fn skip(&mut self) {
        self.before = None;
    }

    /// Shares of neighbours within 8 and within 512 pages; `None` where there are none.
    pub(super) fn shares(&self) -> Option<[f64; 2]> {
        (self.pairs > 0).then(|| self.within.map(|sum| sum / self.pairs as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESENT: u64 = 1 << 63;

    fn shares(frames: &[u64]) -> (f64, [f64; 2]) {
        let entries: Vec<u64> = frames.iter().map(|frame| PRESENT | frame).collect();
        let mut surroundings = Surroundings::default();
        entries.iter().for_each(|&entry| surroundings.add(entry, 1));
        let mut neighbours = Neighbours::of(&surroundings);
        entries.iter().for_each(|&entry| neighbours.add(entry));
        let own_share = neighbours.own / neighbours.pages as f64;
        (own_share, neighbours.shares().unwrap())
    }

    #[test]
    fn neighbours_in_memory_of_ones_own_count_whole() {
        let frames: Vec<u64> = (640..768).collect();
        assert_eq!(shares(&frames), (1.0, [1.0, 1.0]));
    }

    #[test]
    fn neighbours_among_the_pages_of_others_count_little() {
        // Four pages in a row of each block, and the next block beside it.
        let frames: Vec<u64> = (0..1_000)
            .flat_map(|block| (0..4).map(move |at| 64 * (10 + block) + at))
            .collect();
        let (own_share, [within_8, within_512]) = shares(&frames);
        assert!((own_share - 1.0 / 16.0).abs() < 1e-9, "{own_share}");
        assert!((within_8 - 0.75 / 16.0).abs() < 1e-4, "{within_8}");
        assert!((within_512 - 1.0 / 16.0).abs() < 1e-9, "{within_512}");
    }

    #[test]
    fn a_few_pages_elsewhere_take_little_from_a_heap_in_one_piece() {
        let mut frames: Vec<u64> = (64_000..70_400).collect();
        frames.extend((0..1_600).map(|at| 64 * (2_000 + 3 * at)));
        let (own_share, [within_8, _]) = shares(&frames);
        assert!((0.79..0.81).contains(&own_share), "{own_share}");
        assert!((0.79..0.81).contains(&within_8), "{within_8}");
    }

    #[test]
    fn what_is_hidden_or_absurd_is_in_no_block() {
        let mut surroundings = Surroundings::default();
        for entry in [0, PRESENT, 700, u64::MAX] {
            surroundings.add(entry, 1);
        }
        assert_eq!(surroundings.share(PRESENT | 700), 0.0);
        assert!(surroundings.own.is_empty());
    }
}
