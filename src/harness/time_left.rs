//! How long the trials that are left will take.

use std::time::Duration;

use super::cell::Cell;
use super::schedule::Slot;

/// Bytes of a parent that cost a trial about as much as all that does not grow with it.
const FIXED: u64 = 64 << 20;

/// Learns from the trials of a schedule what the others will take. A trial of a large parent takes hundreds of times as
/// long as one of a small one, and large ones may all come last: the mean of those that were made would say little.
#[derive(Debug)]
pub struct TimeLeft<'a> {
    cells: &'a [Cell],
    slots: &'a [Slot],
    /// Of each cell: its trials so far, and what they took together.
    made: Vec<(u32, Duration)>,
    dropped: Vec<bool>,
}

impl<'a> TimeLeft<'a> {
    /// For a schedule of which nothing was made.
    pub fn new(cells: &'a [Cell], slots: &'a [Slot]) -> Self {
        Self {
            cells,
            slots,
            made: vec![(0, Duration::ZERO); cells.len()],
            dropped: vec![false; cells.len()],
        }
    }

    /// The trial at a place of the schedule was made.
    pub fn made(&mut self, place: usize, took: Duration) {
        let (count, sum) = &mut self.made[self.slots[place].cell];
        *count += 1;
        *sum += took;
    }

    /// The cell at a place of the schedule is not measured any further.
    pub fn dropped(&mut self, place: usize) {
        self.dropped[self.slots[place].cell] = true;
    }

    /// What the trials from a place of the schedule on will take; `None` while nothing was made.
    pub fn left(&self, place: usize) -> Option<Duration> {
        let known: Vec<Option<f64>> = self
            .made
            .iter()
            .map(|(count, sum)| (*count > 0).then(|| sum.as_secs_f64() / f64::from(*count)))
            .collect();
        let means: Vec<f64> = known.iter().flatten().copied().collect();
        if means.is_empty() {
            return None;
        }
        let usual = means.iter().sum::<f64>() / means.len() as f64;
        let takes: Vec<f64> = (0..self.cells.len())
            .map(|cell| {
                known[cell]
                    .or_else(|| self.as_others(cell, &known))
                    .unwrap_or(usual)
            })
            .collect();
        let ahead = self.slots[place..].iter();
        let seconds = ahead
            .filter(|slot| !self.dropped[slot.cell])
            .map(|slot| takes[slot.cell])
            .sum();
        Some(Duration::from_secs_f64(seconds))
    }

    /// What a trial of a cell may take: as long as the longest of its mechanism, by its size.
    fn as_others(&self, cell: usize, known: &[Option<f64>]) -> Option<f64> {
        let size = |cell: usize| self.cells[cell].footprint.bytes.saturating_add(FIXED) as f64;
        let alike = (0..self.cells.len())
            .filter(|&other| self.cells[other].mechanism == self.cells[cell].mechanism);
        alike
            .filter_map(|other| Some(known[other]? * size(cell) / size(other)))
            .max_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::super::schedule::schedule;
    use super::*;

    fn cells(names: &[&str]) -> Vec<Cell> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn place(slots: &[Slot], cell: usize) -> usize {
        slots.iter().position(|slot| slot.cell == cell).unwrap()
    }

    #[test]
    fn a_large_parent_that_comes_last_is_reckoned_with() {
        let cells = cells(&["fork/0", "fork/1GiB", "fork/1GiB+shuffled"]);
        let slots = schedule(&cells, 2, 1);
        let mut time = TimeLeft::new(&cells, &slots);
        assert_eq!(time.left(0), None);
        time.made(place(&slots, 0), Duration::from_millis(100));
        // Nothing is known of a larger one but its size.
        let small = time.left(0).unwrap();
        assert!(small > Duration::from_secs(2), "{small:?}");
        time.made(place(&slots, 1), Duration::from_secs(8));
        // Of two trials each, and one that nobody has seen.
        assert_eq!(
            time.left(0),
            Some(Duration::from_millis(2 * (100 + 8_000 + 8_000)))
        );
        assert_eq!(time.left(4), Some(Duration::from_secs(16)));
        time.made(place(&slots, 2), Duration::from_secs(12));
        assert_eq!(time.left(5), Some(Duration::from_secs(12)));
        assert_eq!(time.left(6), Some(Duration::ZERO));
    }

    #[test]
    fn another_mechanism_is_as_usual_and_a_dropped_cell_takes_nothing() {
        let cells = cells(&["fork/0", "vfork/0", "thread/0"]);
        let slots = schedule(&cells, 1, 1);
        let mut time = TimeLeft::new(&cells, &slots);
        time.made(place(&slots, 0), Duration::from_secs(3));
        time.made(place(&slots, 1), Duration::from_secs(1));
        assert_eq!(time.left(0), Some(Duration::from_secs(6)));
        time.dropped(place(&slots, 2));
        assert_eq!(time.left(0), Some(Duration::from_secs(4)));
    }
}
