//! What the subject answers.

use super::life::{Observed, life_line, read_life};
use super::pairs::{LineError, Pairs, escape, put, put_some, unescape};
use super::serving::{
    Replied, read_replied, read_served, read_steps, replied_line, served_line, steps_line,
};
use crate::footprint::Receipt;
use crate::mechanism::Phase;
use crate::server::{Served, Steps};

/// The longest reason that is read, in characters.
const LONGEST_REASON: usize = 2_000;

/// An answer of the subject: one line.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// `subject protocol=1 pid=…`: the first line.
    Hello {
        /// The protocol's version.
        protocol: u32,
        /// The subject's pid.
        pid: i32,
    },
    /// `receipt …`: the footprint is held.
    Receipt(Box<Receipt>),
    /// `first …`: the first iteration of all, which is kept apart.
    First(TimedSample),
    /// `sample …`: one iteration.
    Sample(TimedSample),
    /// `done …`: all iterations of an order were done.
    Done(Batch),
    /// `life …`: one child's life.
    Life(Box<Observed>),
    /// `serving port=…`: requests are accepted from now on.
    Serving {
        /// Where, on 127.0.0.1.
        port: u16,
    },
    /// `steps …`: when a server took each step of one request.
    Steps(Steps),
    /// `served …`: what a server has done. Its watched steps come before it.
    Served(Served),
    /// `request …`: what became of one request.
    Request(Replied),
    /// `loaded requests=…`: all of them were told.
    Loaded {
        /// How many there were.
        requests: u64,
    },
    /// `skip REASON`: this host cannot do what was ordered.
    Skip(String),
    /// `fail REASON`: something went wrong.
    Fail(String),
}

/// The phases of one iteration: nanoseconds after `t0`, or those of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimedSample {
    /// By [`Phase::ALL`]; 0 where it was not measured in this iteration.
    times: [u64; Phase::ALL.len()],
    /// A bit for each that was: a run keeps many samples, and options take twice the room.
    measured: u16,
}

impl TimedSample {
    /// One phase.
    pub fn get(&self, phase: Phase) -> Option<u64> {
        let measured = self.measured & (1 << phase as u8) != 0;
        measured.then_some(self.times[phase as usize])
    }

    /// Sets one phase.
    pub fn set(&mut self, phase: Phase, nanoseconds: u64) {
        self.times[phase as usize] = nanoseconds;
        self.measured |= 1 << phase as u8;
    }

    /// The times of all that were measured.
    pub fn times(&self) -> impl Iterator<Item = u64> {
        Phase::ALL.into_iter().filter_map(|phase| self.get(phase))
    }
}

/// What a batch of iterations took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Plain and stamped iterations done, warm-up and first left out.
    pub iterations: u64,
    /// Wall time of the loop over them, nanoseconds.
    pub wall: u64,
    /// The part of it inside timed operations.
    pub timed: u64,
    /// Longest pause a spinning clock saw before the loop.
    pub gap: Option<u64>,
    /// The subject's minor page faults in the loop.
    pub minor_faults: Option<u64>,
    /// The subject's major page faults in the loop.
    pub major_faults: Option<u64>,
    /// Times it gave up the CPU.
    pub voluntary_switches: Option<u64>,
    /// Times the CPU was taken from it.
    pub involuntary_switches: Option<u64>,
    /// Bytes that first writes to shared pages copied, where iterations are such writes and the kernel tells.
    pub copied: Option<u64>,
}

impl Answer {
    /// The line for it, without its end.
    pub fn to_line(&self) -> String {
        match self {
            Self::Hello { protocol, pid } => format!("subject protocol={protocol} pid={pid}"),
            Self::Receipt(receipt) => receipt_line(receipt),
            Self::First(sample) => sample_line("first", sample),
            Self::Sample(sample) => sample_line("sample", sample),
            Self::Done(batch) => done_line(batch),
            Self::Life(observed) => life_line(observed),
            Self::Serving { port } => format!("serving port={port}"),
            Self::Steps(steps) => steps_line(steps),
            Self::Served(served) => served_line(served),
            Self::Request(replied) => replied_line(replied),
            Self::Loaded { requests } => format!("loaded requests={requests}"),
            Self::Skip(reason) => format!("skip {}", one_line(reason)),
            Self::Fail(reason) => format!("fail {}", one_line(reason)),
        }
    }

    /// Reads a line. It is untrusted.
    ///
    /// # Errors
    /// Names the word, key or value that it does not understand.
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        let pairs = Pairs::of(line);
        let rest = || {
            line.trim_end()
                .split_once(' ')
                .map_or("", |(_, rest)| rest)
                .chars()
                .take(LONGEST_REASON)
                // It ends up on terminals.
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect::<String>()
        };
        match pairs.word {
            "subject" => Ok(Self::Hello {
                protocol: pairs.required("protocol", "version")?,
                pid: pairs.required("pid", "pid")?,
            }),
            "receipt" => read_receipt(&pairs).map(|receipt| Self::Receipt(Box::new(receipt))),
            "first" => read_sample(&pairs).map(Self::First),
            "sample" => read_sample(&pairs).map(Self::Sample),
            "done" => read_done(&pairs).map(Self::Done),
            "life" => read_life(&pairs).map(|observed| Self::Life(Box::new(observed))),
            "serving" => Ok(Self::Serving {
                port: pairs.required("port", "port")?,
            }),
            "steps" => read_steps(&pairs).map(Self::Steps),
            "served" => read_served(&pairs).map(Self::Served),
            "request" => read_replied(&pairs).map(Self::Request),
            "loaded" => Ok(Self::Loaded {
                requests: pairs.required("requests", "count")?,
            }),
            "skip" => Ok(Self::Skip(rest())),
            "fail" => Ok(Self::Fail(rest())),
            _ => Err(pairs.unknown_word()),
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn sample_line(word: &str, sample: &TimedSample) -> String {
    let mut line = word.to_owned();
    for phase in Phase::ALL {
        put_some(&mut line, phase.name(), sample.get(phase));
    }
    line
}

fn read_sample(pairs: &Pairs<'_>) -> Result<TimedSample, LineError> {
    let mut sample = TimedSample::default();
    for phase in Phase::ALL {
        if let Some(time) = pairs.optional(phase.name(), "number of nanoseconds")? {
            sample.set(phase, time);
        }
    }
    Ok(sample)
}

fn done_line(batch: &Batch) -> String {
    let mut line = "done".to_owned();
    put(&mut line, "iterations", batch.iterations);
    put(&mut line, "wall", batch.wall);
    put(&mut line, "timed", batch.timed);
    put_some(&mut line, "gap", batch.gap);
    put_some(&mut line, "minor_faults", batch.minor_faults);
    put_some(&mut line, "major_faults", batch.major_faults);
    put_some(&mut line, "voluntary_switches", batch.voluntary_switches);
    put_some(
        &mut line,
        "involuntary_switches",
        batch.involuntary_switches,
    );
    put_some(&mut line, "copied", batch.copied);
    line
}

fn read_done(pairs: &Pairs<'_>) -> Result<Batch, LineError> {
    Ok(Batch {
        iterations: pairs.required("iterations", "count")?,
        wall: pairs.required("wall", "number of nanoseconds")?,
        timed: pairs.required("timed", "number of nanoseconds")?,
        gap: pairs.optional("gap", "number of nanoseconds")?,
        minor_faults: pairs.optional("minor_faults", "count")?,
        major_faults: pairs.optional("major_faults", "count")?,
        voluntary_switches: pairs.optional("voluntary_switches", "count")?,
        involuntary_switches: pairs.optional("involuntary_switches", "count")?,
        copied: pairs.optional("copied", "number of bytes")?,
    })
}

fn receipt_line(receipt: &Receipt) -> String {
    let mut line = "receipt".to_owned();
    put(&mut line, "pid", receipt.pid);
    put(&mut line, "image", escape(&receipt.image));
    put(&mut line, "ballast", receipt.ballast);
    put_some(&mut line, "rss", receipt.rss);
    put_some(&mut line, "thp", receipt.thp);
    put_some(&mut line, "hugetlb", receipt.hugetlb);
    put_some(&mut line, "present", receipt.present);
    put_some(
        &mut line,
        "vm_flags",
        receipt
            .vm_flags
            .as_deref()
            .map(|flags| flags.replace(' ', ",")),
    );
    put_some(&mut line, "page_tables", receipt.page_tables);
    put_some(&mut line, "process_rss", receipt.process_rss);
    put_some(&mut line, "vmas", receipt.vmas);
    put_some(&mut line, "vmas_added", receipt.vmas_added);
    put_some(&mut line, "threads", receipt.threads);
    put_some(&mut line, "busy", receipt.busy);
    put_some(&mut line, "fds", receipt.fds);
    put_some(&mut line, "fds_added", receipt.fds_added);
    put_some(&mut line, "adjacency", receipt.adjacency);
    put_some(&mut line, "nearness", receipt.nearness);
    put_some(&mut line, "within_8", receipt.within_8);
    put_some(&mut line, "within_512", receipt.within_512);
    put_some(&mut line, "density", receipt.density);
    put_some(&mut line, "fill", receipt.fill_ns);
    put_some(&mut line, "soaked", receipt.soaked);
    if !receipt.unverified.is_empty() {
        let names: Vec<String> = receipt.unverified.iter().map(|name| escape(name)).collect();
        put(&mut line, "unverified", names.join(","));
    }
    line
}

fn read_receipt(pairs: &Pairs<'_>) -> Result<Receipt, LineError> {
    let size = "number of bytes";
    let share = |key: &'static str| match pairs.optional::<f64>(key, "share from 0 to 1")? {
        Some(value) if !(0.0..=1.0).contains(&value) => {
            Err(pairs.bad_value(key, &value.to_string(), "share from 0 to 1"))
        }
        value => Ok(value),
    };
    let unverified = pairs.text("unverified").filter(|names| !names.is_empty());
    Ok(Receipt {
        pid: pairs.required("pid", "pid")?,
        image: pairs.text("image").map(unescape).unwrap_or_default(),
        ballast: pairs.required("ballast", size)?,
        rss: pairs.optional("rss", size)?,
        thp: pairs.optional("thp", size)?,
        hugetlb: pairs.optional("hugetlb", size)?,
        present: pairs.optional("present", size)?,
        vm_flags: pairs.text("vm_flags").map(|flags| flags.replace(',', " ")),
        page_tables: pairs.optional("page_tables", size)?,
        process_rss: pairs.optional("process_rss", size)?,
        vmas: pairs.optional("vmas", "count")?,
        vmas_added: pairs.optional("vmas_added", "count")?,
        threads: pairs.optional("threads", "count")?,
        busy: pairs.optional("busy", "count")?,
        fds: pairs.optional("fds", "count")?,
        fds_added: pairs.optional("fds_added", "count")?,
        adjacency: share("adjacency")?,
        nearness: share("nearness")?,
        within_8: share("within_8")?,
        within_512: share("within_512")?,
        density: share("density")?,
        fill_ns: pairs.optional("fill", "number of nanoseconds")?,
        soaked: pairs.optional("soaked", size)?,
        unverified: unverified
            .map(|names| names.split(',').map(unescape).collect())
            .unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Outcome;
    use crate::mechanism::Spent;

    #[test]
    fn every_answer_survives_its_line() {
        let mut sample = TimedSample::default();
        sample.set(Phase::Call, 41_000);
        sample.set(Phase::Reap, 108_000);
        let mut begun = TimedSample::default();
        begun.set(Phase::Open, 9_000);
        begun.set(Phase::Setup, 160_000);
        let receipt = Receipt {
            pid: 7,
            image: "dynamic".into(),
            ballast: 1 << 30,
            rss: Some(1 << 30),
            vm_flags: Some("rd wr mr mw me ac nh".into()),
            adjacency: Some(0.96),
            unverified: vec!["order".into(), "a, b".into()],
            ..Receipt::default()
        };
        let batch = Batch {
            iterations: 9,
            wall: 10,
            timed: 9,
            gap: Some(3),
            copied: Some(9 * 4096),
            ..Batch::default()
        };
        let life = Observed {
            parent_pid: 1,
            returned: 2,
            call: 3,
            reap: 4,
            parent_call: Some(Spent {
                ran_ns: 5,
                waited_ns: None,
                minor_faults: 6,
                ..Spent::default()
            }),
            parent_reap: Some(Spent {
                waited_ns: Some(7),
                involuntary_switches: 8,
                ..Spent::default()
            }),
            copied_tables: Some(4096),
            ..Observed::default()
        };
        for answer in [
            Answer::Hello {
                protocol: 1,
                pid: 12,
            },
            Answer::Receipt(Box::new(receipt)),
            Answer::First(sample),
            Answer::Sample(sample),
            Answer::Sample(begun),
            Answer::Done(batch),
            Answer::Life(Box::new(life)),
            Answer::Serving { port: 8080 },
            Answer::Steps(Steps {
                accepted: 5,
                replied: 9,
                ..Steps::default()
            }),
            Answer::Served(Served {
                accepted: 3,
                answered: 2,
                refused: 1,
                ..Served::default()
            }),
            Answer::Request(Replied {
                due: 7,
                response: 40_000,
                service: Some(39_000),
                connect: None,
                outcome: Outcome::Failed,
            }),
            Answer::Loaded { requests: 12 },
            Answer::Skip("needs 512 huge pages, 0 are free".into()),
            Answer::Fail("fork failed".into()),
        ] {
            assert_eq!(Answer::from_line(&answer.to_line()), Ok(answer));
        }
    }

    #[test]
    fn impossible_values_are_refused() {
        for line in [
            "sample call=-1",
            "sample call=1e3",
            "sample call=18446744073709551616",
            "receipt pid=1 ballast=0 adjacency=1.5",
            "receipt pid=1 ballast=0 adjacency=NaN",
            "done iterations=1 wall=1",
            "request due=1 response=1",
            "request due=1 response=1 outcome=lost",
            "serving port=65536",
            "hello",
        ] {
            assert!(Answer::from_line(line).is_err(), "{line}");
        }
    }
}
