//! What is predicted for a process, from a calibration whose costs are known.

use forkbench::harness::anatomy::{Anatomy, Frames, MappingSeen};
use forkbench::model::{Calibration, Parent, Part, Prediction, predict};
use forkbench::report;

use crate::made::{calibration, host, huge, mapping, process, whole};
use crate::parents::{TRUTH, run, sum};

fn predicted(anatomy: &Anatomy) -> Prediction {
    let run = whole();
    let calibration = Calibration::of(&run).unwrap();
    predict(&calibration, &Parent::of(anatomy, &host())).unwrap()
}

fn cost(part: Part) -> f64 {
    TRUTH.iter().find(|(one, _)| *one == part).unwrap().1
}

fn is_about(ns: u64, expected: f64) -> bool {
    (ns as f64 / expected - 1.0).abs() < 0.02
}

const HEAP: u64 = 200_000;

#[test]
fn pages_cost_what_their_places_cost_and_the_bracket_holds_all_places() {
    let heap = mapping("[heap]", HEAP, Some([0.25, 0.75]));
    let fork = predicted(&process(vec![heap])).fork.call_ns;
    let pages = HEAP as f64;
    let places = |near, mid, far| {
        let each = [
            (Part::PageNear, near),
            (Part::PageMid, mid),
            (Part::PageFar, far),
        ];
        each.map(|(part, share)| share * pages * cost(part))
            .iter()
            .sum::<f64>()
    };
    let expected = fork.expected.unwrap();
    assert!(is_about(expected, places(0.25, 0.5, 0.25)), "{fork:?}");
    // Wider by what a fit that counts as good may be off by.
    let (least, most) = (0.9 * places(1.0, 0.0, 0.0), places(0.0, 0.0, 1.0));
    assert!(is_about(fork.low, 0.85 * least), "{fork:?}");
    assert!(is_about(fork.high, 1.15 * most), "{fork:?}");
    assert!(fork.low < expected && expected < fork.high);
}

#[test]
fn what_lies_among_the_pages_of_others_costs_what_far_pages_cost() {
    let heap = MappingSeen {
        own_places: Some([0.1, 0.2]),
        ..mapping("[heap]", HEAP, Some([0.4, 0.8]))
    };
    let mut heap = process(vec![heap]);
    heap.frames = Frames::Known {
        every: 1,
        own_share: Some(0.25),
    };
    let told = predicted(&heap);
    let each = 0.1 * cost(Part::PageNear) + 0.1 * cost(Part::PageMid) + 0.8 * cost(Part::PageFar);
    let expected = told.fork.call_ns.expected.unwrap();
    assert!(is_about(expected, HEAP as f64 * each), "{expected}");
    // What is told of the process is what was seen of it.
    assert_eq!(told.footprint.within_8, Some(0.4));
    assert_eq!(told.footprint.own_share, Some(0.25));
    assert_eq!(told.mappings[0].within_8, Some(0.4));
}

#[test]
fn without_frames_a_bracket_is_all_unless_places_hardly_matter() {
    let hidden = |mappings| Anatomy {
        frames: Frames::Hidden,
        ..process(mappings)
    };
    let told = predicted(&hidden(vec![mapping("[heap]", HEAP, None)]));
    assert_eq!(told.fork.call_ns.expected, None);
    assert!(told.mappings[0].call_ns.is_none() && told.mappings[0].share > 0.9);
    assert!(told.notes.iter().any(|note| note.contains("CAP_SYS_ADMIN")));
    // Huge pages are huge wherever they lie.
    let told = predicted(&hidden(vec![huge("", 400)]));
    let expected = told.fork.call_ns.expected.unwrap();
    let truth = 400.0 * cost(Part::PageThp) + cost(Part::Bare);
    assert!(
        (expected as f64 / truth - 1.0).abs() < 0.05,
        "{expected} against {truth}"
    );
}

#[test]
fn mappings_make_up_the_whole_the_dearest_first() {
    let mut mappings: Vec<_> = (1..=30)
        .map(|n| mapping(&format!("m{n}"), 1_000 * n, Some([1.0, 1.0])))
        .collect();
    mappings.push(huge("huge", 10));
    let told = predicted(&process(mappings));
    assert_eq!(
        (told.mappings[0].name.as_str(), told.mappings.len()),
        ("m30", 20)
    );
    assert_eq!(told.other_mappings.count, 11);
    assert_eq!(told.other_mappings.pages_thp, 10);
    let listed: u64 = told.mappings.iter().filter_map(|one| one.call_ns).sum();
    let parts: u64 = told.parts.iter().map(|part| part.call_ns).sum();
    let pages = listed + told.other_mappings.call_ns.unwrap();
    let fork = told.fork.call_ns.expected.unwrap();
    assert!(parts.abs_diff(fork) < 10, "{parts} against {fork}");
    assert!(pages < fork && fork - pages < 100_000, "{pages} of {fork}");
}

#[test]
fn changes_save_what_the_fit_says_and_the_greatest_comes_first() {
    let arena = mapping("", HEAP, Some([0.0, 0.0]));
    let small = mapping("[heap]", 100, Some([0.0, 0.0]));
    let told = predicted(&process(vec![arena, small]));
    let fork = told.fork.call_ns.expected.unwrap();
    let named = |name: &str| {
        told.changes
            .iter()
            .find(|change| change.change == name)
            .unwrap()
    };
    assert!(
        told.changes
            .is_sorted_by_key(|change| std::cmp::Reverse(change.saves_ns))
    );
    assert_eq!(named("vfork").call_ns, 15_000);
    assert_eq!(named("posix_spawn").call_ns, 50_000);
    let pages = HEAP as f64 * cost(Part::PageFar);
    assert!(is_about(named("dontfork").saves_ns, pages));
    let huge_pages = (HEAP as f64 / 512.0).ceil() * cost(Part::PageThp);
    assert!(is_about(named("thp").saves_ns, pages - huge_pages));
    assert!(
        told.changes
            .iter()
            .all(|change| change.saves_ns + change.call_ns <= fork + 1)
    );
    // Nothing that saves next to nothing.
    assert!(
        !told
            .changes
            .iter()
            .any(|change| ["vmas", "fds", "busy"].contains(&change.change.as_str()))
    );
}

#[test]
fn a_run_that_tells_too_little_says_what_it_lacks() {
    let run = calibration(&["0", "1GiB+rewritten", "1GiB+shuffled+rewritten"]);
    let told = Calibration::of(&run).unwrap();
    let parent = Parent::of(&process(vec![huge("", 400)]), &host());
    let error = told.suits(&parent).unwrap_err().to_string();
    assert!(error.contains("transparent huge pages"), "{error}");
    assert!(predict(&told, &parent).is_err());
    // What can be left out is left out, and said.
    let many = (0..300).map(|n| mapping(&format!("m{n}"), 100, Some([1.0, 1.0])));
    let parent = Parent::of(&process(many.collect()), &host());
    assert!(told.suits(&parent).is_err());
    let without = predict(&told, &parent).unwrap();
    assert!(
        without
            .notes
            .iter()
            .any(|note| note.contains("what VMAs cost")),
        "{:?}",
        without.notes
    );
    assert!(is_about(
        without.fork.call_ns.expected.unwrap(),
        30_000.0 * cost(Part::PageNear) + 50_000.0
    ));
}

#[test]
fn a_hostile_name_stays_a_name() {
    let mut anatomy = process(vec![mapping(
        "/tmp/\u{1b}[2J\u{202e}x",
        HEAP,
        Some([1.0, 1.0]),
    )]);
    anatomy.name = "a\u{1b}]0;b\u{7}\nfork".to_owned();
    let text = report::prediction(&predicted(&anatomy), None, false);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\u{202e}'));
    assert!(
        text.starts_with("fork would stop a\u{fffd}]0;b\u{fffd} fork (pid 42,"),
        "{text}"
    );
}

#[test]
fn the_text_fits_its_width_and_says_what_is_not_known() {
    let anatomy = Anatomy {
        frames: Frames::Hidden,
        running: 9,
        ..process(vec![
            mapping("/a/very/long/path/".repeat(20).as_str(), HEAP, None),
            huge("", 3),
        ])
    };
    for width in [40, 80, 100] {
        let text = report::prediction(&predicted(&anatomy), Some(width), false);
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= width, "{longest} columns of {width}:\n{text}");
    }
    let text = report::prediction(&predicted(&anatomy), None, false);
    for words in [
        "for between",
        "Reckoned for pages side by side",
        "run as root",
        "–",
        "lay side by side",
    ] {
        assert!(text.contains(words), "no `{words}` in:\n{text}");
    }
}

#[test]
fn parents_of_another_size_do_not_say_what_scattered_pages_cost() {
    // Where the kernel's structures for a small parent's pages fit a cache, scattered ones cost what others do.
    let names = [
        "0",
        "64MiB+rewritten",
        "64MiB+shuffled+rewritten",
        "1GiB+rewritten",
        "1GiB+shuffled+rewritten",
    ];
    let run = run(&names, 5, 0.0, 1, |name, shape| {
        let small = name.starts_with("64MiB");
        let far = shape.count(Part::PageFar) * (cost(Part::PageFar) - cost(Part::PageNear));
        sum(shape) - if small { far } else { 0.0 }
    });
    let far = |bytes: u64| {
        let told = Calibration::near(&run, bytes).unwrap();
        let pages = bytes / 4096;
        let parent = process(vec![mapping("[heap]", pages, Some([0.0, 0.0]))]);
        let call = predict(&told, &Parent::of(&parent, &host())).unwrap();
        call.fork.call_ns.expected.unwrap() as f64 / pages as f64
    };
    // The call itself and its VMAs are little beside so many pages; near and far differ by almost half.
    let is_near = |ns: f64, expected: f64| (ns / expected - 1.0).abs() < 0.05;
    assert!(is_near(far(64 << 20), cost(Part::PageNear)));
    assert!(is_near(far(1 << 30), cost(Part::PageFar)));
    // All together tell neither, and say so.
    let all = Calibration::of(&run).unwrap();
    let parent = Parent::of(
        &process(vec![mapping("[heap]", HEAP, Some([0.0, 0.0]))]),
        &host(),
    );
    let notes = predict(&all, &parent).unwrap().notes.join("\n");
    assert!(notes.contains("do not add up"), "{notes}");
    // Between them, none is of the size.
    assert!(Calibration::near(&run, 8 << 30).is_err());
}
