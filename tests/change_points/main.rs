//! Segmentations, beside those of ruptures, a Python package: `golden.py` made them.

use forkbench::statistics::change_points::{Cost, Lengths, Lines, Means, segments};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    made_by: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    cost: String,
    steepest: f64,
    shortest: usize,
    penalty: f64,
    values: Vec<f64>,
    pelt: Vec<usize>,
    dynp: Vec<usize>,
    kernel: Option<Vec<usize>>,
}

impl Case {
    fn segmented(&self) -> (Vec<usize>, f64) {
        let count = self.values.len();
        let at: Vec<f64> = (0..count).map(|at| at as f64).collect();
        let lengths = Lengths::at_least(self.shortest);
        let found = match self.cost.as_str() {
            "mean" => segments(&Means::of(&self.values), self.penalty, lengths),
            "line" => {
                let lines = Lines::of(&at, &self.values, &vec![1.0; count], self.steepest);
                segments(&lines, self.penalty, lengths)
            }
            other => panic!("{other} is no cost"),
        };
        (found.starts(count), found.cost(count))
    }

    /// What a segmentation costs, with its penalties.
    fn costs(&self, starts: &[usize]) -> f64 {
        let count = self.values.len();
        let at: Vec<f64> = (0..count).map(|at| at as f64).collect();
        let ends = starts.iter().skip(1).chain([&count]);
        let means = Means::of(&self.values);
        let lines = Lines::of(&at, &self.values, &vec![1.0; count], self.steepest);
        let segment = |(&from, &to): (&usize, &usize)| match self.cost.as_str() {
            "mean" => means.cost(from, to),
            _ => lines.cost(from, to),
        };
        let sum: f64 = starts.iter().zip(ends).map(segment).sum();
        sum + self.penalty * (starts.len() - 1) as f64
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden.json")).expect("golden.py wrote it")
}

#[test]
fn segmentations_are_those_of_ruptures() {
    let golden = golden();
    assert!(
        golden.made_by.starts_with("ruptures v1.1."),
        "{}",
        golden.made_by
    );
    assert!(golden.cases.len() >= 80);
    let mut cuts = 0;
    for case in &golden.cases {
        let name = format!(
            "{} {} {} {}",
            case.kind, case.cost, case.shortest, case.penalty
        );
        let (starts, cost) = case.segmented();
        assert_eq!(starts, case.pelt, "{name}: Pelt");
        assert_eq!(starts, case.dynp, "{name}: Dynp, with as many cuts");
        if let Some(kernel) = &case.kernel {
            assert_eq!(&starts, kernel, "{name}: KernelCPD");
        }
        assert!((cost - case.costs(&case.pelt)).abs() < 1e-6, "{name}");
        cuts += starts.len() - 1;
    }
    assert!(cuts >= 100, "there is something to find: {cuts}");
}
