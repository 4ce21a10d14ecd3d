//! Tables on a terminal and on the page: their marks, their widths, their intervals.

use super::*;

#[test]
fn trials_that_disagree_are_marked() {
    let (recorded, page, _) = full();
    let article = page
        .split("id=\"cell-fork-256MiB\"")
        .nth(1)
        .expect("the cell is there");
    assert!(
        article
            .split("</article>")
            .next()
            .is_some_and(|text| text.contains("trials disagree"))
    );
    let sound = page
        .split("id=\"cell-fork-64MiB\"")
        .nth(1)
        .expect("the cell is there");
    assert!(
        !sound
            .split("</article>")
            .next()
            .is_some_and(|text| text.contains("trials disagree"))
    );
    let table = report::table(&recorded.run, Some(80), false);
    let marked: Vec<&str> = table.lines().filter(|line| line.contains("s* ")).collect();
    assert!(
        marked.len() == 1 && marked[0].starts_with("fork "),
        "{marked:?}"
    );
}

#[test]
fn an_interval_of_few_trials_is_called_a_range() {
    // The trials of two cells, rows that say it, and what stands above them.
    for (trials, rows, head) in [
        ([3, 5], 0, "lowest to highest trial"),
        ([5, 6], 1, "95 % interval"),
        ([6, 10], 0, "95 % interval"),
    ] {
        let mut builder = Builder::new(5);
        for (trials, footprint) in trials.into_iter().zip(["64MiB", "256MiB"]) {
            builder.trials = trials;
            set_call(&mut builder, "fork", footprint, 400_000);
        }
        let page = report::page(&builder.recorded).unwrap();
        let row = "<a href=\"#method-interval\">range</a>";
        assert_eq!(page.matches(row).count(), rows, "{trials:?}");
        let table = page.split("<table class=\"full\"").nth(1).unwrap();
        let heads = table.split("</thead>").next().unwrap();
        assert!(heads.contains(&format!(">{head}</th>")), "{heads}");
        assert!(page.contains("id=\"method-interval\""));
    }
}

/// Text without ANSI styles.
fn unstyled(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

#[test]
fn the_table_fits_its_terminal() {
    for recorded in [&full().0, &hostile(), &recorded::empty()] {
        for width in [40, 58, 66, 72, 80, 100] {
            let table = report::table(&recorded.run, Some(width), false);
            for line in table.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
            let styled = report::table(&recorded.run, Some(width), true);
            assert!(styled.contains('\u{1b}') || recorded.run.cells.is_empty());
            assert_eq!(unstyled(&styled), table);
        }
    }
    let table = report::table(&full().0.run, None, false);
    assert!(table.starts_with("A 1 GiB parent stands still"), "{table}");
    let at = |name: &str| {
        table
            .find(&format!("\n{name} "))
            .expect("it is in the table")
    };
    assert!(
        at("pthread") < at("vfork") && at("vfork") < at("fork") && at("fork") < at("command-fork")
    );
}

#[test]
fn an_empty_run_says_so() {
    let recorded = recorded::empty();
    let page = report::page(&recorded).unwrap();
    assert!(page.contains("Nothing was measured") && page.contains("holds no cells"));
    assert_eq!(report::charts(&recorded).unwrap(), []);
    assert!(report::table(&recorded.run, None, false).contains("Nothing was measured"));
    assert!(report::markdown(&recorded.run).contains("Nothing was measured"));
}

#[test]
fn what_stands_alone_is_compared_with_nothing_and_says_how_to_repeat_it() {
    let mut builder = Builder::new(5);
    for footprint in ["64MiB", "1GiB"] {
        set_call(&mut builder, "fork", footprint, 400_000);
    }
    let table = report::table(&builder.recorded.run, Some(80), false);
    assert!(!table.contains("× least"), "{table}");
    set_call(&mut builder, "vfork", "1GiB", 40_000);
    let table = report::table(&builder.recorded.run, Some(80), false);
    let heads = table.lines().filter(|line| line.starts_with("mechanism"));
    let with_ratio: Vec<bool> = heads.map(|line| line.contains("× least")).collect();
    assert_eq!(with_ratio, [true, false], "{table}");
    // A program's name is in the id, and its path is what finds it.
    let mut builder = Builder::new(5);
    set_call(&mut builder, "posix_spawn", "0", 400_000);
    let cell = &mut builder.recorded.run.cells[0];
    cell.id = "posix_spawn/0@exec=true".to_owned();
    cell.exec = Some("/bin/true".to_owned());
    let markdown = report::markdown(&builder.recorded.run);
    assert!(
        markdown.contains("`forkbench run 'posix_spawn/0' --exec '/bin/true'`"),
        "{markdown}"
    );
}
