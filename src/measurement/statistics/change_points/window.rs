//! The middle of the last so many values.

use std::collections::VecDeque;

use crate::statistics::median_of_sorted;

/// The last values, in the order of their coming and sorted.
#[derive(Debug, Clone)]
pub(super) struct Window {
    size: usize,
    coming: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl Window {
    /// Room for `size` values, 1 or more.
    pub fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            coming: VecDeque::new(),
            sorted: Vec::new(),
        }
    }

    /// Takes a finite value; the oldest goes where there is no more room.
    pub fn push(&mut self, value: f64) {
        let place_of = |value: f64| self.sorted.partition_point(|other| *other < value);
        let place = place_of(value);
        let oldest = match self.coming.len() == self.size {
            true => self.coming.pop_front(),
            false => None,
        };
        match oldest {
            // Only what lies between the two places moves.
            Some(oldest) => {
                let free = place_of(oldest);
                if place > free {
                    self.sorted.copy_within(free + 1..place, free);
                    self.sorted[place - 1] = value;
                } else {
                    self.sorted.copy_within(place..free, place + 1);
                    self.sorted[place] = value;
                }
            }
            None => self.sorted.insert(place, value),
        }
        self.coming.push_back(value);
    }

    /// How many values are in it.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// Their median; `None` of none.
    pub fn median(&self) -> Option<f64> {
        median_of_sorted(&self.sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;
    use crate::statistics::median_of;

    #[test]
    fn the_median_is_that_of_the_last_values() {
        let mut random = Random::new(5);
        let (mut window, mut all) = (Window::new(7), Vec::new());
        assert_eq!(window.median(), None);
        for _ in 0..200 {
            // Some come twice.
            let value = (4.0 * random.normal()).round();
            window.push(value);
            all.push(value);
            let last = &all[all.len().saturating_sub(7)..];
            assert_eq!(window.count(), last.len());
            assert_eq!(window.median(), median_of(last.iter().copied()));
        }
    }
}
