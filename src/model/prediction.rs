//! What starting a child would cost a parent that was not measured.

use serde::{Deserialize, Serialize};

use super::advice::{Change, changes};
use super::calibration::{Calibration, CalibrationError, Fits};
use super::fit::LARGEST_GOOD_RESIDUAL;
use super::notes::of_prediction;
use super::parent::{Parent, PredictedFootprint};
use super::piece::Piece;
use super::shape::{Part, Shape};
use crate::mechanism::Phase;
use crate::recording::{Cell, PhaseSummary};

/// The schema of the document.
pub const PREDICTION_SCHEMA: &str = "forkbench.prediction/1";

/// What is predicted. Times are whole nanoseconds; null is "not known".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// [`PREDICTION_SCHEMA`].
    pub schema: String,
    /// What the parent is made of.
    pub footprint: PredictedFootprint,
    /// The run that the costs come from.
    pub calibration: CalibrationSeen,
    /// fork.
    pub fork: MechanismCost,
    /// vfork; null where the calibration has none.
    pub vfork: Option<MechanismCost>,
    /// posix_spawn, the exec inside it included.
    pub posix_spawn: Option<MechanismCost>,
    /// A thread.
    pub thread: Option<MechanismCost>,
    /// What makes up fork's call, part by part.
    pub parts: Vec<PartCost>,
    /// What makes it up by mapping: the dearest ones.
    pub mappings: Vec<MappingCost>,
    /// The other copied mappings.
    pub other_mappings: OtherMappings,
    /// What to change first, the greatest saving first.
    pub changes: Vec<Change>,
    /// What could not be seen, and what to make of the figures.
    pub notes: Vec<String>,
}

/// The run that costs come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationSeen {
    /// Its id.
    pub run: String,
    /// When it began, RFC 3339.
    pub started: String,
}

/// What one mechanism costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MechanismCost {
    /// Until the call returns: how long the caller stands still.
    pub call_ns: Bracket,
    /// Until a child that ends at once was waited for.
    pub reap_ns: Option<Bracket>,
}

/// Where a time lies, nanoseconds: low ≤ expected ≤ high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bracket {
    /// fork: every page near its neighbour and write-protected by a fork before, less what the fit may be off by
    /// ([`LARGEST_GOOD_RESIDUAL`], or its largest residual). Others: p10.
    pub low: u64,
    /// fork: pages where they are, all written since the last fork. Others: p50.
    pub expected: Option<u64>,
    /// fork: every page far from its neighbour, all written since the last fork, and as much more. Others: p90.
    pub high: u64,
}

/// What one part of the parent costs fork's call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartCost {
    /// Which.
    pub part: Part,
    /// How many there are.
    pub count: f64,
    /// What all of them cost, nanoseconds.
    pub call_ns: u64,
}

/// What one mapping costs fork's call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingCost {
    /// Its file, or a name as `[heap]`; empty for anonymous memory. Whoever made it chose it.
    pub name: String,
    /// Its first address.
    pub start: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// 4 KiB pages present.
    pub pages_4k: u64,
    /// Transparent huge pages.
    pub pages_thp: u64,
    /// Share of neighbouring pages within 8 pages of each other in physical memory.
    pub within_8: Option<f64>,
    /// Likewise within 512.
    pub within_512: Option<f64>,
    /// Nanoseconds; null where there is no expected value.
    pub call_ns: Option<u64>,
    /// Its share of fork's call, 0 to 1.
    pub share: f64,
}

/// Copied mappings that are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherMappings {
    /// How many.
    pub count: u64,
    /// Pages of 4 KiB and of 2 MiB in them.
    pub pages_4k: u64,
    /// Likewise.
    pub pages_thp: u64,
    /// As of one mapping.
    pub call_ns: Option<u64>,
    /// Likewise.
    pub share: f64,
}

/// Mappings that are listed.
const LISTED: usize = 20;
/// Places matter little where all pages far cost so much more than all near.
const NARROW: f64 = 1.1;

/// Predicts for a parent from a calibration.
///
/// # Errors
/// Where the calibration does not tell what the parent's pages cost.
pub fn predict(calibration: &Calibration, parent: &Parent) -> Result<Prediction, CalibrationError> {
    calibration.nearly_suits(parent)?;
    let expected = parent.expected().map(|shape| calibration.known(&shape).0);
    // What is saved, and shares, are told for the least it can be where nothing better is known.
    let taken = expected.unwrap_or(calibration.known(&parent.lying([1.0, 1.0])).0);
    let call = bracket(&calibration.call, calibration, parent).ok_or(CalibrationError::Parts {
        parts: "pages".to_owned(),
    })?;
    let reap = calibration.reap.as_ref();
    let reap = reap.and_then(|fits| bracket(fits, calibration, parent));
    let [vfork, posix_spawn, thread] =
        ["vfork", "posix_spawn", "thread"].map(|name| flat(&calibration.flat(name), parent));
    let others: Vec<(&str, u64)> = [("vfork", vfork), ("posix_spawn", posix_spawn)]
        .into_iter()
        .filter_map(|(name, cost)| Some((name, cost?.call_ns.expected?)))
        .collect();
    let (mappings, other_mappings) = mappings(calibration, parent, &taken, expected.is_some());
    let fit = &calibration.call.rewritten;
    let parts = fit.parts(&taken).into_iter().map(|(part, ns)| PartCost {
        part,
        count: taken.count(part),
        call_ns: ns.round() as u64,
    });
    let run = calibration.run();
    Ok(Prediction {
        schema: PREDICTION_SCHEMA.to_owned(),
        footprint: parent.footprint.clone(),
        calibration: CalibrationSeen {
            run: run.id.clone(),
            started: run.started.clone(),
        },
        fork: MechanismCost {
            call_ns: call,
            reap_ns: reap,
        },
        vfork,
        posix_spawn,
        thread,
        parts: parts.collect(),
        mappings,
        other_mappings,
        changes: changes(calibration, parent, &taken, &others),
        notes: of_prediction(calibration, parent, call.expected.is_some()),
    })
}

/// Where fork lies for a parent. `None` where a fit does not tell.
fn bracket(fits: &Fits, calibration: &Calibration, parent: &Parent) -> Option<Bracket> {
    let known = |shape: &Shape| calibration.known(shape).0;
    let rewritten = &fits.rewritten;
    let least = known(&parent.least());
    let near = known(&parent.lying([1.0, 1.0])).with(Part::Busy, 0.0);
    let fresh = [fits.hot.as_ref(), Some(rewritten)].into_iter().flatten();
    let low = fresh
        .clone()
        .find_map(|fit| fit.interval(&least))
        .or_else(|| fresh.clone().find_map(|fit| fit.interval(&near)))?[0];
    let most = known(&parent.most());
    let high = rewritten.interval(&most)?[1];
    let expected = match parent.expected() {
        Some(shape) => rewritten.ns(&known(&shape)),
        None if parent.is_of_unknown_pages() => None,
        None => {
            let near = rewritten.ns(&known(&parent.lying([1.0, 1.0])))?;
            let far = rewritten.ns(&most)?;
            (far <= NARROW * near).then_some((near + far) / 2.0)
        }
    };
    let whole = |ns: f64| ns.max(0.0).round() as u64;
    // Intervals are of noise alone. Costs also don't add up exactly, less so for a parent that was not measured
    // than for those that the fit saw.
    let missed = rewritten.largest_residual().max(LARGEST_GOOD_RESIDUAL);
    let (low, high) = ((low * (1.0 - missed)).max(0.0), high * (1.0 + missed));
    let low = whole(low.min(expected.unwrap_or(f64::INFINITY)).min(high));
    let high = whole(high.max(expected.unwrap_or(0.0)));
    Some(Bracket {
        low,
        expected: expected.map(whole),
        high: high.max(low),
    })
}

/// What a mechanism costs that copies no page table: what was measured, of the parent that is nearest in size.
fn flat(cells: &[&Cell], parent: &Parent) -> Option<MechanismCost> {
    Some(MechanismCost {
        call_ns: quantiles(cells, parent, Phase::Call)?,
        reap_ns: quantiles(cells, parent, Phase::Reap),
    })
}

fn quantiles(cells: &[&Cell], parent: &Parent, phase: Phase) -> Option<Bracket> {
    let measured: Vec<(u64, &PhaseSummary)> = cells
        .iter()
        .filter_map(|cell| Some((cell.footprint.bytes, cell.phases.get(&phase)?)))
        .filter(|(_, summary)| summary.p50.is_some())
        .collect();
    let copied = parent.footprint.copied;
    let (_, nearest) = measured
        .iter()
        .min_by_key(|(bytes, _)| bytes.abs_diff(copied))?;
    let expected = nearest.p50?;
    let low = measured
        .iter()
        .map(|(_, one)| one.p10.unwrap_or(one.min))
        .min()?;
    let high = measured
        .iter()
        .map(|(_, one)| one.p90.unwrap_or(one.max))
        .max()?;
    Some(Bracket {
        low: low.min(expected),
        expected: Some(expected),
        high: high.max(expected),
    })
}

/// What each mapping costs, the dearest first, and the rest together.
fn mappings(
    calibration: &Calibration,
    parent: &Parent,
    taken: &Shape,
    is_known: bool,
) -> (Vec<MappingCost>, OtherMappings) {
    let fit = &calibration.call.rewritten;
    let whole = fit
        .ns(taken)
        .filter(|ns| *ns > 0.0)
        .unwrap_or(f64::INFINITY);
    let places = parent.places().unwrap_or([1.0, 1.0]);
    let cost_of = |piece: &Piece| fit.ns(&piece.shape(places)).unwrap_or(0.0);
    let told = |ns: f64| is_known.then_some(ns.round() as u64);
    let mut costs: Vec<(f64, &Piece)> = parent
        .pieces
        .iter()
        .map(|one| (cost_of(one), one))
        .collect();
    costs.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let (listed, rest) = costs.split_at(costs.len().min(LISTED));
    let listed = listed.iter().map(|&(ns, piece)| MappingCost {
        name: piece.name.clone(),
        start: piece.start,
        bytes: piece.bytes,
        pages_4k: piece.pages,
        pages_thp: piece.huge,
        within_8: piece.places.map(|[within_8, _]| within_8),
        within_512: piece.places.map(|[_, within_512]| within_512),
        call_ns: told(ns),
        share: ns / whole,
    });
    let ns: f64 = rest.iter().map(|(ns, _)| ns).sum();
    let others = OtherMappings {
        count: rest.len() as u64,
        pages_4k: rest.iter().map(|(_, piece)| piece.pages).sum(),
        pages_thp: rest.iter().map(|(_, piece)| piece.huge).sum(),
        call_ns: told(ns),
        share: ns / whole,
    };
    (listed.collect(), others)
}
