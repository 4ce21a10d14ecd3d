//! Which parts' costs a set of cells can tell.

use super::rows::Row;
use super::shape::{Part, Shape};

/// How many more of a part one cell must have than another to tell its cost: below, it drowns in what two
/// fresh processes differ by.
fn enough(part: Part) -> f64 {
    match part {
        Part::Bare => 0.0,
        Part::PageNear | Part::PageMid | Part::PageFar => 256.0,
        Part::PageThp => 8.0,
        Part::Vma | Part::VmaDontfork => 256.0,
        Part::Fd => 1_000.0,
        Part::Thread => 8.0,
        Part::Busy => 1.0,
    }
}

/// How many of a part beyond those of the least parent cost too little to matter, where its cost is not known.
fn slight(part: Part) -> f64 {
    match part {
        Part::PageNear | Part::PageMid | Part::PageFar | Part::Vma | Part::VmaDontfork => 16.0,
        Part::Fd => 64.0,
        Part::Bare | Part::PageThp | Part::Thread | Part::Busy => 0.0,
    }
}

/// The 4 KiB pages by where they lie.
const PLACES: [Part; 3] = [Part::PageNear, Part::PageMid, Part::PageFar];

/// Pages of an unknown kind that may stand for a known one, as a share of all: the kinds' costs differ by half,
/// so this makes an error of a twentieth at most.
const MIXED: f64 = 0.1;

/// What share of a column the others must leave unexplained: one in a hundred of its squares. With less,
/// noise of 1 % in the cells is 10 % in the cost.
const APART: f64 = 0.01;

/// The parts whose costs can be told, and how a shape is counted in them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// Parts whose cost can be told, [`Part::Bare`] first.
    pub known: Vec<Part>,
    /// All others.
    pub unknown: Vec<Part>,
    /// The fewest of each part that a cell has: what the bare call is measured with.
    least: Shape,
}

impl Told {
    /// What these rows can tell. A row with much of a part that none can tell tells nothing itself, so this
    /// goes on until no part falls out.
    pub fn of(rows: &[Row]) -> Self {
        let mut told = Self::with(rows, Part::ALL.to_vec());
        while let Some(part) = told.least_told(rows) {
            told.known.retain(|&known| known != part);
            told = Self::with(rows, told.known);
        }
        told
    }

    fn with(rows: &[Row], known: Vec<Part>) -> Self {
        let fewest = |part| {
            let counts = rows.iter().map(|row| row.shape.count(part));
            counts.reduce(f64::min).unwrap_or(0.0)
        };
        let unknown = Part::ALL.into_iter().filter(|part| !known.contains(part));
        Self {
            unknown: unknown.collect(),
            known,
            least: Part::ALL.into_iter().fold(Shape::default(), |shape, part| {
                shape.with(part, fewest(part))
            }),
        }
    }

    /// How many of each known part a shape has. `None` where it has much of one that is not known.
    pub fn columns(&self, shape: &Shape) -> Option<Vec<f64>> {
        let known = |part: Part| self.known.contains(&part);
        let mut counted = *shape;
        for from in PLACES.into_iter().filter(|&part| !known(part)) {
            let count = shape.count(from);
            if count > slight(from).max(MIXED * shape.base_pages()) {
                return None;
            }
            // A page between the two costs about their mean.
            let stand_ins: Vec<Part> = match from {
                Part::PageMid => vec![Part::PageNear, Part::PageFar],
                _ => PLACES.to_vec(),
            };
            let stand_ins: Vec<Part> = stand_ins.into_iter().filter(|&to| known(to)).collect();
            let all = if from == Part::PageMid {
                stand_ins.len()
            } else {
                1
            };
            for &to in stand_ins.iter().take(all) {
                counted = counted.with(to, counted.count(to) + count / all as f64);
            }
        }
        let rest = self.unknown.iter().filter(|part| !PLACES.contains(part));
        let beyond = |part: Part| shape.count(part) - self.least.count(part) > slight(part);
        if rest.into_iter().any(|&part| beyond(part)) {
            return None;
        }
        let counts = self.known.iter().map(|&part| counted.count(part));
        Some(counts.collect())
    }

    /// How many rows have much of a part.
    pub fn rows_with(&self, part: Part, rows: &[Row]) -> usize {
        // Few pages beside many of another kind are a residue of the allocator's: their cost would be what the sum of
        // the others misses.
        let few = |row: &Row| match PLACES.contains(&part) {
            true => MIXED * row.shape.base_pages(),
            false => 0.0,
        };
        let much = |row: &&Row| {
            let beyond = row.shape.count(part) - self.least.count(part);
            beyond >= enough(part) && beyond > few(row)
        };
        rows.iter().filter(much).count()
    }

    /// The known part that the rows tell least of, if they don't tell enough.
    fn least_told(&self, rows: &[Row]) -> Option<Part> {
        let usable = |row: &&Row| self.columns(&row.shape).is_some();
        let used: Vec<Row> = rows.iter().filter(usable).cloned().collect();
        let others = |part: &&Part| **part != Part::Bare;
        let parts = || self.known.iter().filter(others).copied();
        if let Some(part) = parts().find(|&part| self.rows_with(part, &used) == 0) {
            return Some(part);
        }
        let weighted = |part: Part| -> Vec<f64> {
            let at = self.known.iter().position(|&known| known == part);
            let at = at.unwrap_or_default();
            let counts = used.iter().map(|row| (self.columns(&row.shape), row.ns));
            counts
                .map(|(counts, ns)| counts.map_or(0.0, |counts| counts[at] / ns))
                .collect()
        };
        let columns: Vec<Vec<f64>> = self.known.iter().map(|&part| weighted(part)).collect();
        // Of two that cannot be told apart the one goes that fewer parents have.
        const FIRST_TO_GO: [Part; 9] = [
            Part::PageMid,
            Part::Busy,
            Part::Thread,
            Part::Fd,
            Part::VmaDontfork,
            Part::Vma,
            Part::PageFar,
            Part::PageThp,
            Part::PageNear,
        ];
        FIRST_TO_GO.into_iter().find(|part| {
            let at = self.known.iter().position(|known| known == part);
            at.is_some_and(|at| unexplained(&columns, at) < APART)
        })
    }
}

/// What share of a column's squares the other columns leave unexplained (Gram and Schmidt).
fn unexplained(columns: &[Vec<f64>], at: usize) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let less = |mut column: Vec<f64>, basis: &[Vec<f64>]| {
        for unit in basis {
            let along = dot(&column, unit);
            column
                .iter_mut()
                .zip(unit)
                .for_each(|(c, u)| *c -= along * u);
        }
        column
    };
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for (_, column) in columns.iter().enumerate().filter(|(other, _)| *other != at) {
        let rest = less(column.clone(), &basis);
        let length = dot(&rest, &rest).sqrt();
        if length > 1e-6 * dot(column, column).sqrt() {
            basis.push(rest.iter().map(|value| value / length).collect());
        }
    }
    let whole = dot(&columns[at], &columns[at]);
    let rest = less(columns[at].clone(), &basis);
    if whole > 0.0 {
        dot(&rest, &rest) / whole
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pages: f64, within: f64) -> Row {
        let ns = 50_000.0 + 25.0 * pages;
        Row {
            id: format!("fork/{pages}"),
            shape: Shape::bare().with_base_pages(pages, within, within),
            trials: vec![(0, ns)],
            ns,
        }
    }

    #[test]
    fn a_few_pages_that_lie_elsewhere_have_no_cost_of_their_own() {
        let places = |rows: &[Row]| -> Vec<Part> {
            let known = Told::of(rows).known.into_iter();
            known.filter(|part| PLACES.contains(part)).collect()
        };
        let mut rows = vec![row(0.0, 1.0), row(16_384.0, 0.98), row(262_144.0, 0.98)];
        assert_eq!(places(&rows), [Part::PageNear]);
        // They count as near ones, and the rows are used.
        assert!(
            rows.iter()
                .all(|row| Told::of(&rows).columns(&row.shape).is_some())
        );
        rows.push(row(262_144.0, 0.1));
        assert_eq!(places(&rows), [Part::PageNear, Part::PageFar]);
    }
}
