//! What the harness asks for.

use super::pairs::{LineError, Pairs, escape, put, put_some, unescape};
use super::serving::{Serve, load_line, read_load, read_serve, serve_line};
use crate::footprint::{Footprint, Mapping, Order as TouchOrder, Page, State, Touch};
use crate::load::Load;
use crate::mechanism::Image;

/// An order to the subject: one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// `forkbench 1`: the first line.
    Hello {
        /// The protocol's version.
        version: u32,
    },
    /// `cpu N`: run there, and nowhere else.
    Cpu(u32),
    /// `exec own PATH` or `exec foreign PATH [ARGUMENT…]`: what children execute.
    Exec(Image),
    /// `hold bytes=…`: hold a footprint, and answer with a receipt.
    Hold(Footprint),
    /// `time mechanism=…`: do iterations, and answer with samples.
    Time {
        /// The mechanism's name.
        mechanism: String,
        /// What goes through a channel, and where the child is; `None` for mechanisms that are none.
        exchange: Option<Exchange>,
        /// How many of each kind.
        count: Count,
    },
    /// `life mechanism=…`: do one iteration, and tell it step by step.
    Life {
        /// The mechanism's name.
        mechanism: String,
        /// Whether the ballast is kept from the child meanwhile.
        kept: bool,
    },
    /// `serve mechanism=…`: serve until the next order.
    Serve(Serve),
    /// `stop`: say what was served.
    Stop,
    /// `load address=…`: send requests to a server.
    Load(Load),
    /// `end`: let go and leave.
    End,
}

/// How many iterations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// First, and not told.
    pub warmup: u64,
    /// Without a stamping child: they give `call` and `reap`.
    pub plain: u64,
    /// With one: they give `start` and `exec`. Spread evenly among the plain ones.
    pub stamped: u64,
    /// Of a channel: with a channel and a child of their own, before the plain ones. They give `open` and `setup`.
    pub fresh: u64,
}

impl Count {
    /// Samples that are told, `first` left out.
    pub fn samples(&self) -> u64 {
        self.plain
            .saturating_add(self.stamped)
            .saturating_add(self.fresh)
    }
}

/// One round trip through a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Bytes of the message, and of the answer.
    pub message: u64,
    /// The CPU that the child runs on; `None`: where its parent does, or may.
    pub peer: Option<u32>,
}

impl Default for Exchange {
    /// What an order asks for that says nothing: one byte, and no second CPU.
    fn default() -> Self {
        Self {
            message: 1,
            peer: None,
        }
    }
}

impl Order {
    /// The line for it, without its end.
    pub fn to_line(&self) -> String {
        match self {
            Self::Hello { version } => format!("forkbench {version}"),
            Self::Cpu(cpu) => format!("cpu {cpu}"),
            Self::Exec(Image {
                path,
                foreign: None,
            }) => format!("exec own {}", escape(path)),
            Self::Exec(Image {
                path,
                foreign: Some(arguments),
            }) => {
                let mut line = format!("exec foreign {}", escape(path));
                for argument in arguments {
                    line.push(' ');
                    line.push_str(&escape(argument));
                }
                line
            }
            Self::Hold(footprint) => hold_line(footprint),
            Self::Time {
                mechanism,
                exchange,
                count,
            } => {
                let mut line = format!("time mechanism={mechanism}");
                put_some(&mut line, "message", exchange.map(|it| it.message));
                put_some(&mut line, "peer", exchange.and_then(|it| it.peer));
                put_some(&mut line, "warmup", Some(count.warmup).filter(|&n| n > 0));
                put(&mut line, "plain", count.plain);
                put_some(&mut line, "stamped", Some(count.stamped).filter(|&n| n > 0));
                put_some(&mut line, "fresh", Some(count.fresh).filter(|&n| n > 0));
                line
            }
            Self::Life { mechanism, kept } => {
                let mut line = format!("life mechanism={mechanism}");
                put_some(&mut line, "ballast", kept.then_some("kept"));
                line
            }
            Self::Serve(serve) => serve_line(serve),
            Self::Stop => "stop".to_owned(),
            Self::Load(load) => load_line(load),
            Self::End => "end".to_owned(),
        }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// Names the word, key or value that it does not understand.
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        let pairs = Pairs::of(line);
        let mut words = line.split_whitespace().skip(1);
        match pairs.word {
            "forkbench" => {
                let version = number(&pairs, "forkbench", words.next())?;
                Ok(Self::Hello { version })
            }
            "cpu" => Ok(Self::Cpu(number(&pairs, "cpu", words.next())?)),
            "exec" => {
                let kind = words.next().unwrap_or_default();
                let path = words
                    .next()
                    .map(unescape)
                    .ok_or_else(|| pairs.bad_value("exec", "", "path of a program"))?;
                match kind {
                    "own" => Ok(Self::Exec(Image {
                        path,
                        foreign: None,
                    })),
                    "foreign" => {
                        let foreign = Some(words.map(unescape).collect());
                        Ok(Self::Exec(Image { path, foreign }))
                    }
                    other => Err(pairs.bad_value("exec", other, "`own` or `foreign`")),
                }
            }
            "hold" => Ok(Self::Hold(footprint(&pairs)?)),
            "time" => Ok(Self::Time {
                mechanism: pairs.required("mechanism", "name")?,
                exchange: read_exchange(&pairs)?,
                count: Count {
                    warmup: pairs.optional("warmup", "count")?.unwrap_or(0),
                    plain: pairs.required("plain", "count")?,
                    stamped: pairs.optional("stamped", "count")?.unwrap_or(0),
                    fresh: pairs.optional("fresh", "count")?.unwrap_or(0),
                },
            }),
            "life" => Ok(Self::Life {
                mechanism: pairs.required("mechanism", "name")?,
                kept: match pairs.text("ballast") {
                    None => false,
                    Some("kept") => true,
                    Some(other) => return Err(pairs.bad_value("ballast", other, "`kept`")),
                },
            }),
            "serve" => read_serve(&pairs).map(Self::Serve),
            "stop" => Ok(Self::Stop),
            "load" => read_load(&pairs).map(Self::Load),
            "end" => Ok(Self::End),
            _ => Err(pairs.unknown_word()),
        }
    }
}

fn read_exchange(pairs: &Pairs<'_>) -> Result<Option<Exchange>, LineError> {
    let message = pairs.optional("message", "number of bytes")?;
    let peer = pairs.optional("peer", "number of a CPU")?;
    if message.is_none() && peer.is_none() {
        return Ok(None);
    }
    let message = message.unwrap_or(Exchange::default().message);
    Ok(Some(Exchange { message, peer }))
}

fn number(pairs: &Pairs<'_>, key: &str, word: Option<&str>) -> Result<u32, LineError> {
    let word = word.unwrap_or_default();
    word.parse()
        .map_err(|_| pairs.bad_value(key, word, "number"))
}

/// Every axis is said, so that a subject in another language needs no defaults of its own.
fn hold_line(footprint: &Footprint) -> String {
    let mut line = format!("hold bytes={}", footprint.bytes);
    put(&mut line, "page", footprint.page.name());
    put(&mut line, "mapping", footprint.mapping.name());
    put(&mut line, "touch", footprint.touch.name());
    put(&mut line, "order", footprint.order.name());
    put_some(
        &mut line,
        "window",
        Some(footprint.window).filter(|&n| n > 0),
    );
    put_some(
        &mut line,
        "spread",
        Some(footprint.spread).filter(|&n| n > 0),
    );
    put(&mut line, "state", footprint.state.name());
    put(&mut line, "vmas", footprint.vmas);
    put(&mut line, "threads", footprint.threads);
    put(&mut line, "busy", footprint.busy);
    put(&mut line, "fds", footprint.fds);
    line
}

fn footprint(pairs: &Pairs<'_>) -> Result<Footprint, LineError> {
    fn axis<T: Default>(
        pairs: &Pairs<'_>,
        key: &'static str,
        from_name: fn(&str) -> Option<T>,
    ) -> Result<T, LineError> {
        match pairs.text(key) {
            None => Ok(T::default()),
            Some(word) => from_name(word).ok_or_else(|| pairs.bad_value(key, word, key)),
        }
    }
    Ok(Footprint {
        bytes: pairs.required("bytes", "number of bytes")?,
        page: axis(pairs, "page", Page::from_name)?,
        mapping: axis(pairs, "mapping", Mapping::from_name)?,
        touch: axis(pairs, "touch", Touch::from_name)?,
        order: axis(pairs, "order", TouchOrder::from_name)?,
        window: pairs.optional("window", "count")?.unwrap_or(0),
        spread: pairs.optional("spread", "count")?.unwrap_or(0),
        state: axis(pairs, "state", State::from_name)?,
        vmas: pairs.optional("vmas", "count")?.unwrap_or(0),
        threads: pairs.optional("threads", "count")?.unwrap_or(0),
        busy: pairs.optional("busy", "count")?.unwrap_or(0),
        fds: pairs.optional("fds", "count")?.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_survives_its_line() {
        let own = Image {
            path: "/tmp/a b/child".into(),
            foreign: None,
        };
        let foreign = Image {
            path: "/bin/sleep".into(),
            foreign: Some(vec!["9 %20".into()]),
        };
        for order in [
            Order::Hello { version: 1 },
            Order::Cpu(1),
            Order::Exec(own),
            Order::Exec(foreign),
            Order::Hold("64MiB+thp+shared+vmas=3+fds=2".parse().unwrap()),
            Order::Hold("64MiB+shuffled+window=64".parse().unwrap()),
            Order::Hold("64MiB+shuffled+spread=8".parse().unwrap()),
            Order::Time {
                mechanism: "fork".into(),
                exchange: None,
                count: Count {
                    warmup: 1,
                    plain: 20,
                    stamped: 5,
                    fresh: 0,
                },
            },
            Order::Time {
                mechanism: "ipc:pipe".into(),
                exchange: Some(Exchange {
                    message: 65_536,
                    peer: Some(1),
                }),
                count: Count {
                    plain: 20,
                    fresh: 2,
                    ..Count::default()
                },
            },
            Order::Life {
                mechanism: "posix_spawn".into(),
                kept: false,
            },
            Order::Life {
                mechanism: "fork".into(),
                kept: true,
            },
            Order::Serve(Serve {
                mechanism: "server:fork".into(),
                port: 8080,
                pool: 8,
                watch: true,
            }),
            Order::Stop,
            Order::Load(Load {
                address: "127.0.0.1:8080".parse().unwrap(),
                rate: 200,
                closed: true,
                requests: 1_000,
                seed: 7,
                patience: 1_000_000_000,
            }),
            Order::End,
        ] {
            assert_eq!(Order::from_line(&order.to_line()), Ok(order));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, named) in [
            ("tmie mechanism=fork plain=1", "`tmie`"),
            ("time mechanism=fork plain=many", "`plain=many`"),
            ("time plain=1", "`mechanism=`"),
            (
                "time mechanism=ipc:pipe plain=1 message=big",
                "`message=big`",
            ),
            ("time mechanism=ipc:pipe plain=1 peer=-1", "`peer=-1`"),
            ("hold bytes=1 page=6k", "`page=6k`"),
            ("exec own", "path"),
            ("life mechanism=fork ballast=all", "`ballast=all`"),
            ("serve mechanism=server:fork", "`pool=`"),
            (
                "serve mechanism=server:fork pool=8 port=99999",
                "`port=99999`",
            ),
            ("load address=localhost rate=1", "`address=localhost`"),
            ("load address=127.0.0.1:1 rate=1 loop=open", "`loop=open`"),
            ("", "``"),
        ] {
            let error = Order::from_line(line).unwrap_err().to_string();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
