//! The report that a CI reads.

use super::*;

/// Elements, quotes and characters as XML 1.0 wants them.
fn assert_well_formed(xml: &str) {
    let mut open = Vec::new();
    for piece in xml.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{text}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        match (
            tag.strip_prefix('/'),
            tag.ends_with('/') || tag.starts_with('?'),
        ) {
            (Some(name), _) => assert_eq!(open.pop(), Some(name), "in {tag}"),
            (None, true) => {}
            (None, false) => open.push(tag.split(' ').next().unwrap_or_default()),
        }
        for entity in piece.split('&').skip(1) {
            let name = entity.split(';').next().unwrap_or_default();
            assert!(["lt", "gt", "amp", "quot"].contains(&name), "{entity}");
        }
    }
    assert!(open.is_empty());
    assert!(!xml.contains(|c: char| c.is_control() && c != '\n' || c == '\u{ffff}'));
}

#[test]
fn junit_fails_what_regressed_and_skips_what_was_not_found_out() {
    let xml = junit(&all_verdicts());
    assert_well_formed(&xml);
    assert_in_order(
        &xml,
        &[
            "<testsuite name=\"forkbench\"",
            "tests=\"8\" failures=\"2\" errors=\"0\" skipped=\"4\" time=\"73.600\"",
            "timestamp=\"2026-03-01T10:00:00\" hostname=\"shed\"",
            "<property name=\"seed\" value=\"42\"/>",
            "<property name=\"threshold\" value=\"0.03\"/>",
            "<property name=\"confidence\" value=\"0.99\"/>",
            "<testcase name=\"fork/1GiB call\" classname=\"forkbench.call\" time=\"9.200\">",
            "<failure type=\"regressed\" message=\"regressed: +31.0 % (+28.0 to +34.0 %)\">",
            "p99 2.90 ms",
            "<testcase name=\"null/0 call\"",
            "<skipped type=\"not measurable\"",
            "the clock ticks too seldom",
            "<testcase name=\"thread/0 call\"",
            "<skipped type=\"inconclusive\"",
            "--budget 35s",
            "<testcase name=\"fork/0 call\" classname=\"forkbench.call\" time=\"9.200\"></testcase>",
            "<system-out>8 cells: 2 regressed",
        ],
    );
    assert_eq!(xml.matches("<failure ").count(), 2);
    assert_eq!(xml.matches("<skipped ").count(), 4);
}

#[test]
fn junit_is_xml_whatever_it_holds() {
    assert_well_formed(&junit(&absurd()));
    assert_well_formed(&junit(&empty()));
    assert!(junit(&empty()).contains(" time=\"0.000\" "));
    let xml = junit(&with_cells(vec![cell(
        HOSTILE,
        Verdict::Regressed,
        0.1,
        0.01,
    )]));
    assert_well_formed(&xml);
    assert!(xml.contains("&lt;b onload=x&gt;&amp;|`"));
}
