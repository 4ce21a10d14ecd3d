//! What the statistics promise, tried on hosts that are made up: the very code that judges is driven, thousands of
//! times, where the truth is known.
//!
//! Seeds are fixed, so every share below is the same each time. With `n` rounds a share near `p` has a standard error of
//! √(p(1 − p)/n); rounds are as many as keep a point of difference about three of those away, and each
//! test says what they come to. Controls show that the simulation sees what it is there to see.

mod changes;
mod costs;
mod coverage;
mod host;
mod nights;
mod parents;
mod sittings;
mod verdicts;
mod watch;

/// What share of rounds something held in.
fn share(rounds: u64, held: impl Fn(u64) -> bool) -> f64 {
    (0..rounds).filter(|&round| held(round)).count() as f64 / rounds as f64
}
