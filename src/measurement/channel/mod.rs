//! Ways for a parent and its forked child to talk: one file each, and a row in [`CHANNELS`].
//!
//! One iteration is a round trip: the parent sends a message, and the child, which waited for it, receives all of
//! it and answers with as many bytes. Channels that only wake the other side carry the message in shared memory
//! beside them.
//!
//! The rule of `mechanism` holds here too: between `fork` and `_exit` a child allocates nothing, formats nothing,
//! takes no lock and cannot panic. A channel is opened before the fork, so both sides have both ends; what a side
//! does afterwards is in [`Ends`].

mod answering;
mod board;
mod counted;
mod eventfd;
mod exchange;
mod failure;
mod file_inotify;
mod file_poll;
mod futex;
mod pipe;
mod posix_sem;
mod signal;
mod spin;
mod stream;
mod sysv_sem;
mod tcp;
mod unix;
mod vigil;

pub use exchange::{Begun, Exchange, Prepared};
pub use failure::Failure;

use failure::Broken;
use vigil::Vigil;

/// What stands before the colon of every channel's name.
pub const FAMILY: &str = "ipc";

/// Bytes of the messages that are measured when none is named: one, and what fills a pipe.
pub const MESSAGES: [u64; 2] = [1, 64 << 10];

/// Bytes of the largest message.
const LARGEST: u64 = 16 << 20;

/// A way to talk.
#[derive(Debug)]
pub struct Channel {
    /// Its name in ids, protocol, columns and charts.
    pub name: &'static str,
    /// What is used, in a line.
    pub summary: &'static str,
    /// What who waits does meanwhile.
    pub waiting: Waiting,
    /// Opens one for messages of so many bytes.
    open: fn(usize) -> Result<Box<dyn Ends>, Failure>,
    /// Removes what others have left behind that were killed; `None` where nothing can be left.
    sweep: Option<fn()>,
}

/// What one side does until the other's message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// It sleeps: its CPU is others' meanwhile.
    Asleep,
    /// It looks again and again, and lets others run between two looks.
    Yielding,
    /// It looks again and again, and keeps its CPU.
    Spinning,
}

/// Every channel, in the order in which tables list them.
pub static CHANNELS: &[Channel] = &[
    file_inotify::CHANNEL,
    file_poll::CHANNEL,
    pipe::CHANNEL,
    unix::CHANNEL,
    tcp::CHANNEL,
    signal::CHANNEL,
    posix_sem::CHANNEL,
    sysv_sem::CHANNEL,
    eventfd::CHANNEL,
    futex::CHANNEL,
    spin::CHANNEL,
];

impl Channel {
    /// The channel of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CHANNELS.iter().find(|channel| channel.name == name)
    }

    /// Its name without the family.
    pub fn short_name(&self) -> &'static str {
        self.name
            .split_once(':')
            .map_or(self.name, |(_, name)| name)
    }

    /// Why messages of so many bytes can't be measured on it, both sides on one CPU or not, and what to ask for
    /// instead.
    pub fn refusal(&self, message: u64, one_cpu: bool) -> Option<&'static str> {
        if message == 0 {
            Some("a message has a byte at the least; write 1B")
        } else if message > LARGEST {
            Some("a message has 16MiB at the most")
        } else if self.waiting == Waiting::Spinning && one_cpu {
            Some(
                "who spins on the CPU that the other needs waits for the end of its time slice; write @two behind it",
            )
        } else {
            None
        }
    }

    /// Removes what others have left behind that were killed.
    pub fn sweep(&self) {
        if let Some(sweep) = self.sweep {
            sweep();
        }
    }
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Parent = 0,
    Child = 1,
}

impl Side {
    /// Which of two ways its messages take: 0 is to the child, 1 to the parent.
    fn outgoing(self) -> usize {
        self as usize
    }

    /// Which way the messages take that it receives.
    fn incoming(self) -> usize {
        1 - self as usize
    }
}

/// Both ends of an open channel. The fork gives each side a copy.
///
/// Parent and child call `take` and then `send` and `receive`: for the child all three are bound by the rule above.
trait Ends {
    /// Lets go of what is the other side's. `peer` is its pid.
    fn take(&mut self, side: Side, peer: libc::pid_t);
    /// Sends all of a message.
    fn send(&mut self, message: &[u8], vigil: &Vigil) -> Result<(), Broken>;
    /// Waits for a message, and receives as much as there is room for.
    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken>;
    /// Whether the kernel gave what was asked for.
    fn check(&self) -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_a_name_of_its_own_in_the_family() {
        for (index, channel) in CHANNELS.iter().enumerate() {
            assert_eq!(
                channel.name,
                format!("{FAMILY}:{}", channel.short_name()),
                "{}",
                channel.name
            );
            let twice = CHANNELS[..index]
                .iter()
                .any(|other| other.name == channel.name);
            assert!(!twice, "{} stands twice", channel.name);
            for message in MESSAGES {
                assert_eq!(channel.refusal(message, false), None, "{}", channel.name);
            }
        }
    }

    #[test]
    fn what_one_side_sends_the_other_receives() {
        for (side, other) in [(Side::Parent, Side::Child), (Side::Child, Side::Parent)] {
            assert_eq!(side.outgoing(), other.incoming());
            assert_ne!(side.outgoing(), side.incoming());
        }
    }
}
