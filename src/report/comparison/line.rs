//! An interval against its threshold, in a line of characters.

use super::numbers::signed;

/// How many thresholds the line reaches to either side.
const REACH: f64 = 3.0;
/// What stands for a threshold of zero when a scale is chosen.
const USUAL: f64 = 0.01;
const FEWEST: usize = 9;
const MOST: usize = 200;

/// Where ratios less one stand on a line: even in their logarithm, zero in the middle.
#[derive(Debug, Clone, Copy)]
struct Places {
    reach: f64,
    bound: f64,
    middle: usize,
}

/// Which end of a line a value lies beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Left,
    On(usize),
    Right,
}

impl Places {
    fn of(threshold: f64, columns: usize) -> Self {
        let threshold = if threshold.is_finite() && threshold > 0.0 {
            threshold.min(1e6)
        } else {
            0.0
        };
        let unit = if threshold > 0.0 { threshold } else { USUAL };
        Self {
            reach: unit.ln_1p() * REACH,
            bound: threshold.ln_1p(),
            middle: columns / 2,
        }
    }

    /// Where a logarithm of a ratio lies.
    fn of_log(&self, log: f64) -> Place {
        if log > self.reach {
            Place::Right
        } else if log < -self.reach {
            Place::Left
        } else {
            let middle = self.middle as f64;
            Place::On((middle + log / self.reach * middle).round() as usize)
        }
    }

    fn at(&self, ratio_less_one: f64) -> Place {
        // −1 and what lies below are no ratios.
        self.of_log(ratio_less_one.max(-1.0).ln_1p())
    }

    /// The columns of the threshold marks and of zero.
    fn marks(&self) -> [(usize, char); 3] {
        let column = |log| match self.of_log(log) {
            Place::On(column) => column,
            Place::Left => 0,
            Place::Right => 2 * self.middle,
        };
        [
            (column(-self.bound), '┊'),
            (column(self.bound), '┊'),
            (self.middle, '│'),
        ]
    }
}

/// An odd number of columns, so that zero has one of its own.
fn odd(columns: usize) -> usize {
    let columns = columns.clamp(FEWEST, MOST);
    columns - (columns + 1) % 2
}

/// An interval from `low` to `high` and the `effect` in it, ratios less one, as a line of at most `columns` characters
/// (9 to 200; one less where they are even).
///
/// `│` is zero, `┊` are the thresholds, `├━●━┤` is the interval, `┼` where it crosses a mark. The line
/// reaches three thresholds to either side, whatever the interval, so that lines can be compared; an end beyond
/// it is an arrow. What is no number is open: an end that is NaN is an arrow too, an effect that is NaN is not
/// drawn, and where all three are NaN only the marks stand.
pub fn line(low: f64, effect: f64, high: f64, threshold: f64, columns: usize) -> String {
    let columns = odd(columns);
    let places = Places::of(threshold, columns);
    let mut cells = vec!['·'; columns];
    for (column, mark) in places.marks() {
        cells[column] = mark;
    }
    if !(low.is_nan() && effect.is_nan() && high.is_nan()) {
        let (low, high) = if low > high { (high, low) } else { (low, high) };
        let from = if low.is_nan() {
            Place::Left
        } else {
            places.at(low)
        };
        let to = if high.is_nan() {
            Place::Right
        } else {
            places.at(high)
        };
        draw(&mut cells, from, to);
        if let (false, Place::On(column)) = (effect.is_nan(), places.at(effect)) {
            cells[column] = '●';
        }
    }
    cells.into_iter().collect()
}

fn draw(cells: &mut [char], from: Place, to: Place) {
    let last = cells.len() - 1;
    let column = |place| match place {
        Place::Left => 0,
        Place::On(column) => column,
        Place::Right => last,
    };
    let (first, end) = (column(from), column(to));
    for cell in &mut cells[first..=end] {
        *cell = if *cell == '·' { '━' } else { '┼' };
    }
    if first < end {
        cells[first] = '├';
        cells[end] = '┤';
    }
    if from == Place::Left || to == Place::Left {
        cells[0] = '◀';
    }
    if from == Place::Right || to == Place::Right {
        cells[last] = '▶';
    }
}

/// What the marks of a [`line`] stand for, written above it.
pub(super) fn scale(threshold: f64, columns: usize) -> String {
    let columns = odd(columns);
    let places = Places::of(threshold, columns);
    let mut text = vec![' '; columns];
    let mut write = |word: &str, column: usize| {
        let letters: Vec<char> = word.chars().collect();
        let start = column.saturating_sub(letters.len() / 2);
        let start = start.min(columns.saturating_sub(letters.len()));
        let room = start.saturating_sub(1)..(start + letters.len() + 1).min(columns);
        // Where two would touch, zero stays, which is written first.
        if text[room].iter().all(|&c| c == ' ') && letters.len() <= columns {
            text[start..start + letters.len()].copy_from_slice(&letters);
        }
    };
    write("0", places.middle);
    if places.bound > 0.0 {
        let [(left, _), (right, _), _] = places.marks();
        write(&signed(Some((-places.bound).exp_m1())), left);
        write(&signed(Some(places.bound.exp_m1())), right);
    }
    text.into_iter().collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_stands_against_zero_and_both_thresholds() {
        assert_eq!(
            line(0.045, 0.05, 0.055, 0.03, 31),
            "··········┊····│····┊·├●┤······"
        );
        assert_eq!(
            line(-0.01, 0.0, 0.02, 0.03, 31),
            "··········┊··├━●━━┤·┊··········"
        );
        assert_eq!(
            line(0.01, 0.03, 0.06, 0.03, 31),
            "··········┊····│·├━━●━━━━┤·····"
        );
        assert_eq!(
            line(0.02, 0.04, 0.05, 0.03, 31),
            "··········┊····│··├━┼━●┤·······"
        );
        assert_eq!(scale(0.03, 31), "       −2.9 %  0 +3.0 %");
    }

    #[test]
    fn what_lies_beyond_is_an_arrow() {
        assert_eq!(line(-0.5, 0.0, 0.02, 0.03, 21), "◀━━━━━━┼━━●━┤┊·······");
        assert_eq!(line(0.5, 0.6, 9e99, 0.03, 21), "·······┊··│··┊······▶");
        assert_eq!(line(-0.9, -0.8, -0.7, 0.03, 21), "◀······┊··│··┊·······");
        assert_eq!(line(-2.0, 0.0, f64::INFINITY, 0.03, 9), "◀━━┼●┼━━▶");
    }

    #[test]
    fn every_number_makes_a_line_of_the_same_length() {
        let wild = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -1.0,
            -7.0,
            0.0,
            1e-300,
            1e300,
        ];
        for low in wild {
            for high in wild {
                for threshold in [f64::NAN, -1.0, 0.0, 1e-12, 0.03, 1e300] {
                    let drawn = line(low, high, high, threshold, 40);
                    assert_eq!(drawn.chars().count(), 39, "{low} {high} {threshold}");
                    assert!(scale(threshold, 40).chars().count() <= 39);
                }
            }
        }
        assert_eq!(line(0.0, 0.0, 0.0, 0.03, 0).chars().count(), 9);
        assert_eq!(line(f64::NAN, f64::NAN, f64::NAN, 0.03, 9), "···┊│┊···");
    }
}
