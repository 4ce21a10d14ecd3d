//! Every relative link leads to a file that is there, and to a heading in it.

use std::path::Path;

use super::{TEXTS, path, prose, read, root};

/// The targets of `[words](target)`.
fn targets(body: &str) -> Vec<String> {
    let prose = prose(body);
    let after = prose.split("](").skip(1);
    after
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target.to_owned()))
        .collect()
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(body: &str) -> Vec<String> {
    let prose = prose(body);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

/// What is wrong with a link that stands in `text`.
fn broken(text: &str, target: &str) -> Option<String> {
    if target.starts_with("http://") || target.starts_with("https://") {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(text).parent().expect("a file has a folder");
    let file = match file {
        "" => path(text),
        file => root().join(folder).join(file),
    };
    // A published package carries no runs.
    let is_left_out = target.contains("reports/") && !path("reports").exists();
    if !file.exists() && !is_left_out {
        return Some(format!("{text}: {target}: there is no such file"));
    }
    let is_missing = |body: String| !anchors(&body).contains(&heading.to_owned());
    if !heading.is_empty() && std::fs::read_to_string(&file).is_ok_and(is_missing) {
        return Some(format!("{text}: {target}: there is no such heading"));
    }
    None
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut links = 0;
    let mut problems = Vec::new();
    for text in TEXTS {
        for target in targets(&read(text)) {
            links += 1;
            problems.extend(broken(text, &target));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(links > 20, "only {links} links were found");
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    assert!(broken("README.md", "docs/NOTHING.md").is_some());
    assert!(broken("docs/BIAS.md", "GLOSSARY.md#nothing").is_some());
    assert!(broken("docs/BIAS.md", "GLOSSARY.md#the-id-of-a-cell").is_none());
    assert_eq!(
        targets("see [a](b.md#c) and\n```\n[d](e)\n```\n"),
        ["b.md#c"]
    );
}
