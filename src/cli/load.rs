//! `forkbench load`: the load generator against any server, for scripts. It is not listed.

use std::net::SocketAddrV4;

use clap::Args;
use serde::Serialize;

use super::Exit;
use super::output::{fresh_seed, print, print_json};
use super::run::seconds;
use crate::harness::environment;
use crate::harness::interrupt;
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::serving;
use crate::load::{HIGHEST_RATE, Load as Order, MODEST_RATE};
use crate::protocol::Replied;
use crate::recording::Requests;
use crate::server::Served;
use crate::statistics::Quantiles;
use crate::units::human_time;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench load 127.0.0.1:8080 --rate 200 --seconds 5\n  \
                        forkbench load 127.0.0.1:8080 --closed --json"
)]
pub(super) struct Load {
    /// An IPv4 address and port that speak HTTP
    address: SocketAddrV4,
    /// Requests in a second, at times of a Poisson process
    #[arg(long, value_name = "N", default_value_t = MODEST_RATE, value_parser = clap::value_parser!(u32).range(1..=i64::from(HIGHEST_RATE)))]
    rate: u32,
    /// How long requests are sent
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
}

/// What `--json` prints; nanoseconds.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    address: String,
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
        let requests = (self.seconds * f64::from(self.rate)).ceil() as u64;
        let order = Order {
            address: self.address,
            rate: self.rate,
            closed: self.closed,
            requests: requests.max(1),
            seed: self.seed.unwrap_or_else(fresh_seed),
            patience: (self.patience * 1e9) as u64,
        };
        let replied = serving::send(&launcher, &order)?;
        let quantiles = |time: fn(&Replied) -> Option<u64>| {
            let mut times: Vec<u64> = replied.iter().filter_map(time).collect();
            Quantiles::of(&mut times)
        };
        let document = Document {
            schema: "forkbench.load/1",
            address: self.address.to_string(),
            requests: serving::account(&order, &replied, &Served::default()),
            response: quantiles(|request| Some(request.response)),
            service: quantiles(|request| request.service),
        };
        let exit = match document.requests.all_answered() {
            true => Exit::Done,
            false => Exit::Failed,
        };
        if json {
            print_json(&document)?;
        } else {
            print(&document.text())?;
        }
        Ok(exit)
    }
}

impl Document {
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
