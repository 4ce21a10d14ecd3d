//! `forkbench load`: the load generator against any server, for scripts. It is not listed.

use std::net::SocketAddrV4;

use clap::Args;
use serde::Serialize;

use super::Exit;
use super::output::{fresh_seed, print, print_json};
use super::run::seconds;
use crate::harness::environment;
use crate::harness::interrupt;
use crate::harness::knee::{Probe, next_rate};
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::serving;
use crate::load::{HIGHEST_RATE, Load as Order, MODEST_RATE};
use crate::protocol::Replied;
use crate::recording::{Knee, Requests, holds};
use crate::server::Served;
use crate::statistics::Quantiles;
use crate::units::human_time;

/// Trials of a rate, with --climb.
const TRIALS: u32 = 3;
/// The least requests of a rate: for the p99 of each of its trials.
const LEAST: u32 = 1_000;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench load 127.0.0.1:8080 --rate 200 --seconds 5\n  \
                        forkbench load 127.0.0.1:8080 --closed --json\n  \
                        forkbench load 127.0.0.1:8080 --climb --seconds 2"
)]
pub(super) struct Load {
    /// An IPv4 address and port that speak HTTP
    address: SocketAddrV4,
    /// Requests in a second, at times of a Poisson process
    #[arg(long, value_name = "N", default_value_t = MODEST_RATE, value_parser = clap::value_parser!(u32).range(1..=i64::from(HIGHEST_RATE)))]
    rate: u32,
    /// How long requests are sent; with --climb, in each of three trials of a rate
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    seconds: f64,
    /// How long replies are waited for after the last request
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
    patience: f64,
    /// What arrivals are drawn from [default: a fresh one, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Each waits for the reply to the one before, and counts from when it is sent: what hides a server that stands still
    #[arg(long)]
    closed: bool,
    /// Look for the highest rate that the server holds, with p99 under 10 ms
    #[arg(long, conflicts_with_all = ["rate", "closed"])]
    climb: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    address: String,
    #[serde(flatten)]
    sent: Sent,
}

/// What `--climb --json` prints.
#[derive(Serialize)]
struct Climbed {
    schema: &'static str,
    address: String,
    /// The highest rate that was held, requests in a second.
    held: Option<u32>,
    /// The lowest that was not.
    lost: Option<u32>,
    /// By rising rate.
    rates: Vec<Rate>,
}

#[derive(Serialize)]
struct Rate {
    rate: u32,
    held: bool,
    trials: Vec<Sent>,
}

/// A load and what became of it; nanoseconds.
#[derive(Serialize)]
struct Sent {
    requests: Requests,
    response: Option<Quantiles>,
    service: Option<Quantiles>,
}

impl Load {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let cpus = environment::choose_cpus();
        let launcher = Launcher::new(SubjectCommand::native()?, Vec::new(), cpus, None)?;
        interrupt::listen();
        launcher.keep_off();
        if self.climb {
            return self.climb(&launcher, json);
        }
        let document = Document {
            schema: "forkbench.load/1",
            address: self.address.to_string(),
            sent: self.send(&launcher, self.rate, self.seconds)?,
        };
        let exit = match document.sent.requests.all_answered() {
            true => Exit::Done,
            false => Exit::Failed,
        };
        if json {
            print_json(&document)?;
        } else {
            print(&document.sent.text())?;
        }
        Ok(exit)
    }

    fn send(&self, launcher: &Launcher, rate: u32, seconds: f64) -> anyhow::Result<Sent> {
        let requests = (seconds * f64::from(rate)).ceil() as u64;
        let order = Order {
            address: self.address,
            rate,
            closed: self.closed,
            requests: requests.max(1),
            seed: self.seed.unwrap_or_else(fresh_seed),
            patience: (self.patience * 1e9) as u64,
        };
        let replied = serving::send(launcher, &order)?;
        let quantiles = |time: fn(&Replied) -> Option<u64>| {
            let mut times: Vec<u64> = replied.iter().filter_map(time).collect();
            Quantiles::of(&mut times)
        };
        Ok(Sent {
            requests: serving::account(&order, &replied, &Served::default()),
            response: quantiles(|request| Some(request.response)),
            service: quantiles(|request| request.service),
        })
    }

    /// As `forkbench run` does with its own servers. A server that answers nothing holds no rate, which is no failure.
    fn climb(&self, launcher: &Launcher, json: bool) -> anyhow::Result<Exit> {
        let mut rates: Vec<Rate> = Vec::new();
        let probes = |rates: &[Rate]| rates.iter().map(Rate::probe).collect::<Vec<Probe>>();
        while let Some(rate) = next_rate(&probes(&rates)) {
            let at = rates.iter().position(|known| known.rate == rate);
            let at = at.unwrap_or_else(|| {
                rates.push(Rate {
                    rate,
                    held: false,
                    trials: Vec::new(),
                });
                rates.len() - 1
            });
            let seconds = self
                .seconds
                .max(f64::from(LEAST) / f64::from(TRIALS) / f64::from(rate));
            for _ in 0..TRIALS {
                let sent = self.send(launcher, rate, seconds)?;
                rates[at].trials.push(sent);
            }
            let sent = rates[at].trials.iter().map(|trial| &trial.requests);
            rates[at].held = holds(sent) == Some(true);
        }
        rates.sort_by_key(|rate| rate.rate);
        let knee = Knee::of(rates.iter().map(|rate| (rate.rate, rate.held)));
        let climbed = Climbed {
            schema: "forkbench.climb/1",
            address: self.address.to_string(),
            held: knee.held,
            lost: knee.lost,
            rates,
        };
        if json {
            print_json(&climbed)?;
        } else {
            print(&climbed.text())?;
        }
        Ok(Exit::Done)
    }
}

impl Rate {
    fn probe(&self) -> Probe {
        Probe {
            rate: self.rate,
            held: self.held,
            visits: self.trials.len() as u32 / TRIALS,
        }
    }
}

impl Climbed {
    fn text(&self) -> String {
        let mut text = String::new();
        for Rate { rate, held, trials } in &self.rates {
            text += &format!("{rate}/s, {}\n", if *held { "held" } else { "lost" });
            for trial in trials {
                for line in trial.text().lines() {
                    text += &format!("  {line}\n");
                }
            }
        }
        text + &match (self.held, self.lost) {
            (Some(held), Some(lost)) => format!("held up to {held}/s, lost at {lost}/s\n"),
            (Some(held), None) => format!("held up to {held}/s and perhaps more\n"),
            (None, Some(lost)) => format!("not even {lost}/s were held\n"),
            (None, None) => "no rate was judged\n".to_owned(),
        }
    }
}

impl Sent {
    fn text(&self) -> String {
        let Requests {
            due,
            answered,
            failed,
            unanswered,
            seed,
            ..
        } = self.requests;
        let mut text = format!(
            "{due} requests (seed {seed}): {answered} answered, {failed} failed, {unanswered} unanswered\n"
        );
        for (name, quantiles) in [("response", &self.response), ("service", &self.service)] {
            let Some(quantiles) = quantiles else { continue };
            let of = |ns: Option<u64>| ns.map_or("–".to_owned(), human_time);
            text.push_str(&format!(
                "{name}: p50 {}, p99 {}, most {}\n",
                of(quantiles.p50),
                of(quantiles.p99),
                human_time(quantiles.max)
            ));
        }
        text
    }
}
