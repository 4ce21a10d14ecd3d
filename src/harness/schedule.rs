//! The order of trials.

use super::cell::Cell;
use crate::footprint::Order;
use crate::statistics::Random;

/// A trial to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Which cell, by its place in the plan.
    pub cell: usize,
    /// The block it stands in.
    pub block: u32,
    /// Its number within the cell.
    pub index: u32,
}

/// Blocks in each of which every cell stands once, in an order drawn from `seed`: what drifts on the
/// host then reaches all cells alike.
///
/// Cells with shuffled pages come in blocks of their own, last: what they leave behind in the kernel's
/// free lists would scatter the pages of others.
pub fn schedule(cells: &[Cell], trials: u32, seed: u64) -> Vec<Slot> {
    schedule_each(cells, |_| trials, seed)
}

/// [`schedule`] with as many trials of each cell as `trials` says.
pub fn schedule_each(cells: &[Cell], trials: impl Fn(&Cell) -> u32, seed: u64) -> Vec<Slot> {
    let counts: Vec<u32> = cells.iter().map(trials).collect();
    let mut random = Random::new(seed);
    let (shuffled, others): (Vec<usize>, Vec<usize>) =
        (0..cells.len()).partition(|&cell| cells[cell].footprint.order == Order::Shuffled);
    let mut slots = Vec::new();
    let mut block = 0;
    for group in [others, shuffled] {
        let most = group.iter().map(|&cell| counts[cell]).max().unwrap_or(0);
        for index in 0..most {
            let left = group.iter().filter(|&&cell| index < counts[cell]);
            let mut order: Vec<usize> = left.copied().collect();
            random.shuffle(&mut order);
            slots.extend(order.into_iter().map(|cell| Slot { cell, block, index }));
            block += 1;
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::plan;

    #[test]
    fn every_cell_stands_once_in_every_block() {
        let cells = plan::default_cells();
        let slots = schedule(&cells, 5, 42);
        assert_eq!(slots.len(), cells.len() * 5);
        for block in 0..slots.last().unwrap().block + 1 {
            let mut members: Vec<usize> = slots
                .iter()
                .filter(|slot| slot.block == block)
                .map(|slot| slot.cell)
                .collect();
            let count = members.len();
            members.sort_unstable();
            members.dedup();
            assert_eq!(members.len(), count);
        }
    }

    #[test]
    fn shuffled_cells_come_last() {
        let cells = plan::memory_cells();
        let slots = schedule(&cells, 3, 7);
        let is_shuffled = |slot: &Slot| cells[slot.cell].footprint.order == Order::Shuffled;
        let first = slots.iter().position(is_shuffled).unwrap();
        assert!(slots[first..].iter().all(is_shuffled));
    }

    #[test]
    fn cells_may_have_more_trials_than_others() {
        let cells = plan::memory_cells();
        let trials = |cell: &Cell| 1 + cell.footprint.vmas % 7;
        let slots = schedule_each(&cells, trials, 7);
        for (at, cell) in cells.iter().enumerate() {
            let of_cell = slots.iter().filter(|slot| slot.cell == at);
            let indices: Vec<u32> = of_cell.map(|slot| slot.index).collect();
            assert_eq!(indices, (0..trials(cell)).collect::<Vec<u32>>(), "{cell}");
        }
    }

    #[test]
    fn the_seed_makes_the_order() {
        let cells = plan::default_cells();
        assert_eq!(schedule(&cells, 3, 1), schedule(&cells, 3, 1));
        assert_ne!(schedule(&cells, 3, 1), schedule(&cells, 3, 2));
    }
}
