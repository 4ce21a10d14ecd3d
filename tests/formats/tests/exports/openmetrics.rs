//! Prometheus' own Python client reads the text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::readers::read;
use crate::{document, measured, runs};

/// A histogram as it was read: counts by upper bound in seconds, rising; count and sum.
type Histogram = (Vec<(f64, u64)>, u64, f64);

fn histograms(families: &Value) -> BTreeMap<(String, String), Histogram> {
    let family = &families[1];
    assert_eq!(family["name"], "forkbench_latency_seconds");
    assert_eq!(
        (&family["type"], &family["unit"]),
        (&"histogram".into(), &"seconds".into())
    );
    let mut found: BTreeMap<(String, String), Histogram> = BTreeMap::new();
    for sample in family["samples"].as_array().unwrap() {
        let (name, labels) = (sample[0].as_str().unwrap(), &sample[1]);
        let text = |label: &str| labels[label].as_str().unwrap().to_owned();
        let value: f64 = sample[2].as_str().unwrap().parse().unwrap();
        let histogram = found.entry((text("cell"), text("phase"))).or_default();
        match name.rsplit_once('_').unwrap().1 {
            "bucket" => {
                let bound = text("le").replace("+Inf", "inf").parse().unwrap();
                histogram.0.push((bound, value as u64));
            }
            "count" => histogram.1 = value as u64,
            "sum" => histogram.2 = value,
            other => panic!("{other}"),
        }
    }
    found
}

#[test]
fn prometheus_sees_the_histograms_of_the_run() {
    let runs = runs();
    let documents: Vec<Vec<u8>> = runs
        .iter()
        .map(|run| document("openmetrics", run))
        .collect();
    let Some(seen) = read("openmetrics", &documents) else {
        return;
    };
    for (recorded, families) in runs.iter().zip(&seen) {
        let host = &families[0];
        assert_eq!(
            (&host["name"], &host["type"]),
            (&"forkbench_host".into(), &"info".into())
        );
        assert_eq!(host["samples"][0][1]["kernel"], *recorded.run.host.kernel);
        assert_eq!(host["samples"][0][1]["run"], *recorded.run.id);

        let mut found = histograms(families);
        for (cell, phase, summary) in measured(recorded) {
            let key = (cell.id.clone(), phase.name().to_owned());
            let (buckets, count, sum) = found.remove(&key).expect("a histogram of the phase");
            assert_eq!(count, summary.count);
            assert_eq!(buckets.last(), Some(&(f64::INFINITY, count)));
            let expected = summary.mean * count as f64 / 1e9;
            assert!((sum - expected).abs() <= expected * 1e-12, "{key:?}");
            let samples = &recorded.histograms[&cell.id][&phase];
            for (bound, below) in buckets.iter().filter(|(bound, _)| bound.is_finite()) {
                let ns = (bound * 1e9).round() as u64;
                // The sample before the bound is below it and the next one above.
                assert!(
                    *below == 0 || samples.at_rank(*below) <= ns,
                    "{key:?} {bound}"
                );
                assert!(
                    *below == count || samples.at_rank(below + 1) > ns,
                    "{key:?} {bound}"
                );
            }
            // The median of all samples lies in the bucket that holds half of them. A summary's p50 is that of trials.
            let middle = samples.at_rank(count.div_ceil(2)) as f64 / 1e9;
            let half = buckets
                .iter()
                .find(|(_, below)| *below * 2 >= count)
                .unwrap();
            assert!(
                half.0 * (1.0 + 1e-9) >= middle,
                "{key:?}: {} {middle}",
                half.0
            );
        }
        assert!(found.is_empty(), "{:?}", found.keys());
    }
}
