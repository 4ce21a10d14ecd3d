//! HdrHistogram's plotter reads the files as `appendDataSeries` in its `plotFiles.html` does.

use std::collections::BTreeSet;

use crate::{exported, measured, runs};

/// What JavaScript's `parseFloat` makes of a word: as much of it as is a number, and `Infinity`.
fn parse_float(word: &str) -> Option<f64> {
    let digits = word.trim_start_matches(['+', '-']);
    if digits.starts_with("Infinity") {
        return Some(f64::INFINITY);
    }
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.');
    let number = &word[..word.len() - digits.len() + end.unwrap_or(digits.len())];
    number.parse().ok()
}

/// The points that the plotter draws: 1/(1 − percentile), and the value.
pub fn points(text: &str) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for line in text.split('\n').map(str::trim) {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        if line.starts_with('#') || words.len() != 4 {
            continue;
        }
        if let (Some(y), Some(x)) = (parse_float(words[0]), parse_float(words[3])) {
            points.push((x, y));
        }
    }
    points
}

#[test]
fn the_plotter_draws_the_histograms_of_the_run() {
    for recorded in runs() {
        let documents = exported("hgrm", &recorded).documents;
        let names: BTreeSet<&str> = documents.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names.len(), documents.len());
        assert_eq!(names.len(), measured(&recorded).len());
        for (cell, phase, _) in measured(&recorded) {
            let name = format!("{}-{}.hgrm", cell.id.replace('/', "~"), phase.name());
            let document = documents.iter().find(|document| document.name == name);
            let text = String::from_utf8(document.expect(&name).bytes.clone()).unwrap();
            let histogram = &recorded.histograms[&cell.id][&phase];

            let points = points(&text);
            assert!(points.len() > 5, "{name}");
            assert!(points.iter().all(|(x, y)| x.is_finite() && y.is_finite()));
            assert!(
                points
                    .windows(2)
                    .all(|two| two[0].0 <= two[1].0 && two[0].1 <= two[1].1)
            );

            let rows = text.lines().skip(2).filter(|line| !line.starts_with('#'));
            let rows: Vec<Vec<&str>> = rows.map(|row| row.split_whitespace().collect()).collect();
            for row in &rows {
                let value: f64 = row[0].parse().unwrap();
                let percentile: f64 = row[1].parse().unwrap();
                let below: u64 = row[2].parse().unwrap();
                let ns = (value * 1e6).round() as u64;
                // A row's value is that of a sample at or above its percentile, with all up to it counted.
                assert_eq!(ns, histogram.at_rank(below), "{name} {row:?}");
                assert!(below as f64 >= percentile * histogram.count() as f64 * (1.0 - 1e-9));
                assert!(histogram.at(percentile) <= ns, "{name} {row:?}");
            }
            let last = rows.last().unwrap();
            assert_eq!((last[1], last[3]), ("1.000000000000", "inf"));
            assert_eq!(last[2], histogram.count().to_string());
            for share in [0.5, 0.75] {
                // HdrHistogram adds its steps up, and can come out at the sample after.
                let next = (share * histogram.count() as f64).ceil() as u64 + 1;
                let row = rows.iter().find(|row| row[1].parse() == Ok(share)).unwrap();
                let ns = (row[0].parse::<f64>().unwrap() * 1e6).round() as u64;
                let allowed = histogram.at(share)..=histogram.at_rank(next);
                assert!(allowed.contains(&ns), "{name} {share}: {ns} {allowed:?}");
            }
            let mean = text
                .lines()
                .find_map(|line| line.strip_prefix("#[Mean    ="));
            let mean = mean.unwrap().split(',').next().unwrap().trim();
            let mean: f64 = mean.parse().unwrap();
            assert!((mean * 1e6 - histogram.mean()).abs() <= 1.0, "{name}");
        }
    }
}

#[test]
fn the_reader_here_reads_as_the_plotter_does() {
    assert_eq!(parse_float("1.25x"), Some(1.25));
    assert_eq!(parse_float("inf"), None);
    assert_eq!(parse_float("Infinity"), Some(f64::INFINITY));
    assert_eq!(
        points(" 1.0 0.5 2 2.00\n2.0 1.0 4 inf\n#[a b c\n"),
        [(2.0, 1.0)]
    );
}
