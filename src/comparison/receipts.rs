//! In what the subjects of two sides differ, by what the kernel gave them.

use crate::footprint::Receipt;
use crate::recording::plain;
use crate::statistics::median_of;

/// A figure of a receipt, by how much sides may differ in it, and whether that is a share.
struct Figure {
    name: &'static str,
    read: fn(&Receipt) -> Option<f64>,
    tolerated: Tolerated,
}

enum Tolerated {
    /// So much.
    Plain(f64),
    /// Such a share of the greater.
    Share(f64),
}

/// Bytes hold to 2 %, counts exactly; a few VMAs or descriptors more cost less than sittings stray by.
const FIGURES: [Figure; 9] = [
    figure(
        "ballast",
        |it| Some(it.ballast as f64),
        Tolerated::Share(0.02),
    ),
    figure("rss", |it| bytes(it.rss), Tolerated::Share(0.02)),
    figure("thp", |it| bytes(it.thp), Tolerated::Share(0.02)),
    figure("hugetlb", |it| bytes(it.hugetlb), Tolerated::Share(0.02)),
    figure(
        "page_tables",
        |it| bytes(it.page_tables),
        Tolerated::Share(0.10),
    ),
    figure("vmas", |it| bytes(it.vmas), Tolerated::Share(0.10)),
    figure("threads", |it| bytes(it.threads), Tolerated::Plain(0.0)),
    figure("fds", |it| bytes(it.fds), Tolerated::Share(0.20)),
    figure("adjacency", |it| it.adjacency, Tolerated::Plain(0.20)),
];

const fn figure(
    name: &'static str,
    read: fn(&Receipt) -> Option<f64>,
    tolerated: Tolerated,
) -> Figure {
    Figure {
        name,
        read,
        tolerated,
    }
}

fn bytes(count: Option<u64>) -> Option<f64> {
    count.map(|count| count as f64)
}

/// In what the receipts of two sides differ by more than a latency would forgive, in words; figures are those of the
/// trial in the middle.
pub(super) fn differing(base: &[&Receipt], candidate: &[&Receipt]) -> Vec<String> {
    let mut words = Vec::new();
    let images = [base, candidate].map(|side| {
        let first = side.first();
        first.map_or("", |receipt| receipt.image.as_str())
    });
    if images[0] != images[1] {
        let [one, other] = images.map(plain);
        words.push(format!("image {one} against {other}"));
    }
    for figure in &FIGURES {
        let middles = [base, candidate]
            .map(|side| median_of(side.iter().filter_map(|receipt| (figure.read)(receipt))));
        let [Some(one), Some(other)] = middles else {
            continue;
        };
        let apart = (one - other).abs();
        let tolerated = match figure.tolerated {
            Tolerated::Plain(most) => most,
            Tolerated::Share(share) => share * one.max(other),
        };
        if apart > tolerated {
            words.push(format!(
                "{} {} against {}",
                figure.name,
                short(one),
                short(other)
            ));
        }
    }
    words
}

/// Whole numbers whole, shares with two digits.
fn short(figure: f64) -> String {
    if figure.fract() == 0.0 {
        format!("{figure}")
    } else {
        format!("{figure:.2}")
    }
}
