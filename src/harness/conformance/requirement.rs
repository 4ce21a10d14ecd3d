//! What the protocol asks of a subject, one requirement for each check.

/// Something that a subject must do.
#[derive(Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Its name.
    pub name: &'static str,
    /// What is asked, in a sentence.
    pub asks: &'static str,
    /// What its author has to change where it is not met.
    pub remedy: &'static str,
    /// Whether it is asked of each mechanism.
    pub of_mechanism: bool,
}

const fn subject(name: &'static str, asks: &'static str, remedy: &'static str) -> Requirement {
    Requirement {
        name,
        asks,
        remedy,
        of_mechanism: false,
    }
}

const fn mechanism(name: &'static str, asks: &'static str, remedy: &'static str) -> Requirement {
    Requirement {
        name,
        asks,
        remedy,
        of_mechanism: true,
    }
}

/// Every requirement, in the order in which a conversation meets them.
pub static REQUIREMENTS: &[Requirement] = &[
    subject(
        "starts",
        "the command starts a program",
        "name a program that is there and executable, with its interpreter",
    ),
    subject(
        "hello",
        "its first line is `subject protocol=1 pid=…`, without being asked",
        "write it as the first thing, and flush standard output",
    ),
    subject(
        "version",
        "it speaks this version of the protocol",
        "read docs/PROTOCOL.md of this forkbench, and say its version",
    ),
    subject(
        "pid",
        "the pid in hello and receipt is that of the process that is measured, in the group that forkbench made",
        "say getpid() of the process that holds and starts children; don't move it to another group or session",
    ),
    subject(
        "only-protocol",
        "its standard output carries answers and nothing else",
        "give every answer all of its keys; send all other output to standard error, that of libraries and children too",
    ),
    subject(
        "in-time",
        "every order is answered",
        "flush standard output after every answer, which counts with all of its keys; answer `fail REASON` where something goes wrong",
    ),
    subject(
        "stays",
        "it lives until it is told to end",
        "answer `fail REASON` and read on where something goes wrong",
    ),
    subject(
        "comments",
        "empty lines and those that begin with # mean nothing",
        "pass over them",
    ),
    subject(
        "unknown-keys",
        "a key that it does not know is passed over",
        "look up the keys that you know, and leave the others alone",
    ),
    subject(
        "order-of-keys",
        "pairs come in any order",
        "read `key=value` by key, not by place",
    ),
    subject(
        "unknown-words",
        "an order that it does not know is answered by `fail`",
        "answer `fail REASON`: silence makes forkbench wait",
    ),
    subject(
        "unknown-mechanisms",
        "a mechanism that it does not have is answered by `fail`",
        "compare the name with those that you have: figures under a wrong name are worse than none",
    ),
    subject(
        "cpu",
        "after `cpu N` it runs on that CPU and nowhere else",
        "call sched_setaffinity for the process and all its threads, or answer `fail REASON`",
    ),
    subject(
        "receipt",
        "the receipt meets what was asked for",
        "hold what is asked for, or answer `skip REASON`; leave out of the receipt what you can't read",
    ),
    subject(
        "receipt-counts",
        "threads, descriptors and VMAs of the receipt are those that the kernel counts",
        "read them from /proc/self after the footprint is held; leave out what you can't read",
    ),
    subject(
        "receipt-memory",
        "resident bytes, page tables and flags of the receipt are those that the kernel shows",
        "read them from /proc/self/status and smaps after the footprint is held; leave out what you can't read",
    ),
    subject(
        "held",
        "a footprint for which it gives a receipt is there",
        "answer `skip REASON` to a footprint, or a part of one, that you don't hold",
    ),
    subject(
        "replaced",
        "a footprint takes the place of the one before",
        "give the old one back, to the kernel, before you hold the new one",
    ),
    subject(
        "reasons",
        "`skip` and `fail` say why",
        "write the reason, and what would change it, behind the word",
    ),
    subject(
        "mechanisms",
        "it has a mechanism that can be tried",
        "name one, as in `forkbench verify fork --subject COMMAND`, or say them in hello: mechanisms=fork,spawn",
    ),
    mechanism(
        "counts",
        "there are as many samples as iterations, and `done` says so",
        "tell each plain and each stamped iteration once, every plain one with its `call`, and no warm-up",
    ),
    mechanism(
        "first",
        "`first` comes once in its life, before all samples",
        "tell the first iteration of the process as `first`, or none",
    ),
    mechanism(
        "times",
        "phases end before `reap`, iterations fit into `wall`, and `wall` into the order",
        "measure every phase from the same t0, `wall` around the loop, with the same clock",
    ),
    mechanism(
        "not-made-up",
        "times differ from one iteration to the next and are never 0",
        "read the clock around each iteration",
    ),
    mechanism(
        "clock",
        "times are nanoseconds of CLOCK_MONOTONIC",
        "read CLOCK_MONOTONIC (monotonic_ns, hrtime.bigint) and don't convert or round it",
    ),
    mechanism(
        "afterwards",
        "nothing is written while iterations run",
        "keep the samples in memory, and write them behind the loop",
    ),
    mechanism(
        "children",
        "what its iterations started is gone when it says `done`",
        "wait for every child and join every thread; close both ends of every pipe",
    ),
    mechanism(
        "starts-something",
        "an iteration starts a process or a thread",
        "start one in each iteration, or claim `event = \"none\"` in a registry",
    ),
    mechanism(
        "trial",
        "`forkbench run` measures it",
        "see the reason; `forkbench list --job CELL | COMMAND` shows the conversation",
    ),
    subject(
        "end",
        "`end` ends it",
        "leave the loop over orders at `end`, and don't wait for threads or servers without a limit",
    ),
    subject(
        "end-of-input",
        "the end of its input ends it",
        "take the end of standard input as `end`",
    ),
    subject(
        "leaves-nothing",
        "nothing of it is left when it has ended",
        "stop what you started: pools, servers, daemons",
    ),
];

/// The requirement of that name.
pub(super) fn named(name: &str) -> &'static Requirement {
    let found = REQUIREMENTS.iter().find(|one| one.name == name);
    found.expect("a constant that a test reads")
}
