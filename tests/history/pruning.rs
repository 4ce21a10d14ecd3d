//! Taking runs away.

use std::time::Duration;

use forkbench::history::{Point, Pruning, Selection, Series};
use forkbench::mechanism::Phase;

use crate::made::{assert_sound, ids, path, run, runs, series, store};
use crate::scratch::Scratch;

#[test]
fn old_runs_go_whole_and_the_others_stay_as_they_are() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    for minute in 0..6 {
        let made = run(minute, 40_000 + u64::from(minute));
        let made = made.on(|header| {
            if minute < 2 {
                header.host.name = "beta".to_owned();
                header.host.kernel = "5.10.0".to_owned();
            }
        });
        store.add(&made.plain(), false).unwrap();
    }
    let third = runs(&store)[2].started;
    let before = Pruning::Before(third + Duration::from_secs(60));
    let all = Selection::default();
    let would = store.prune(&all, before, true).unwrap();
    assert_eq!((would.len(), ids(&store).len()), (3, 6));
    let alpha: Vec<_> = series(&store, Phase::Call);
    let alpha = alpha
        .into_iter()
        .find(|series| series.host_name == "alpha")
        .unwrap();

    let gone = store.prune(&all, before, false).unwrap();
    assert_eq!(gone, would);
    assert_eq!(ids(&store), ["run-0003", "run-0004", "run-0005"]);
    let left = series(&store, Phase::Call);
    assert_eq!(left.len(), 1);
    let told = |series: &Series, points: &[Point]| -> Vec<(String, Point)> {
        let told = points.iter().map(|point| {
            let run = series.run(point).id.clone();
            (run, Point { run: 0, ..*point })
        });
        told.collect()
    };
    assert_eq!(
        told(&left[0], &left[0].points),
        told(&alpha, &alpha.points[1..])
    );
    drop(store);
    assert_sound(&path(&scratch));
    let connection = rusqlite::Connection::open(path(&scratch)).unwrap();
    for (table, count) in [
        ("hosts", 1),
        ("kernels", 1),
        ("series", 2),
        ("levels", 6),
        ("trials", 6),
    ] {
        let text = format!("SELECT count(*) FROM {table}");
        let found: i64 = connection.query_row(&text, [], |row| row.get(0)).unwrap();
        assert_eq!(found, count, "{table}");
    }
}

#[test]
fn the_newest_of_each_host_are_kept() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    for minute in 0..7 {
        let made = run(minute, 40_000);
        let made = made.on(|header| {
            if minute < 3 {
                header.host.name = "beta".to_owned();
            }
        });
        store.add(&made.plain(), false).unwrap();
    }
    store
        .prune(&Selection::default(), Pruning::AllBut(2), false)
        .unwrap();
    assert_eq!(
        ids(&store),
        ["run-0001", "run-0002", "run-0005", "run-0006"]
    );
    let beta = Selection {
        hosts: vec!["beta".to_owned()],
        ..Selection::default()
    };
    store.prune(&beta, Pruning::AllBut(0), false).unwrap();
    assert_eq!(ids(&store), ["run-0005", "run-0006"]);
    // What went may come again.
    store.add(&run(0, 40_000).plain(), false).unwrap();
    assert_eq!(ids(&store).len(), 3);
}
