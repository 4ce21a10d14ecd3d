//! What a subject says is untrusted: whatever it is, it ends in an error, in time and in little memory.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use forkbench::footprint::Footprint;
use forkbench::harness::launcher::SubjectCommand;
use forkbench::harness::session::{Session, SessionError};
use forkbench::protocol::{Answer, Count, LONGEST_LINE, Order};
use forkbench::statistics::Random;
use nix::sched::CpuSet;

/// A sound conversation's answers; the last order's counts are [`COUNT`].
const ANSWERS: &str = "\
subject protocol=1 pid=4711
receipt pid=4711 image=dynamic ballast=0 rss=0 thp=0 hugetlb=0 present=0 vm_flags=rd,wr,mr page_tables=40960 process_rss=1048576 vmas=30 vmas_added=0 threads=1 busy=0 fds=5 fds_added=0 adjacency=0.97 nearness=0.99 fill=12345 soaked=0 unverified=order,pages%20present
first call=41 reap=108
sample call=40 reap=104
sample start=61 exec=80 reap=100
sample call=41 reap=109
done iterations=3 wall=400 timed=313 gap=70 minor_faults=3 major_faults=0 voluntary_switches=3 involuntary_switches=1
life parent_pid=4711 returned=4712 child_returned=0 child_pid=4712 child_parent_pid=4711 call=41 start=60 end=70 ended=90 reap=100 ran=20 waited=5 minor_faults=30 major_faults=0 voluntary_switches=1 involuntary_switches=0 status=7
";

const COUNT: Count = Count {
    warmup: 0,
    plain: 2,
    stamped: 1,
    fresh: 0,
};

const ORDERS: &str = "\
forkbench 1
cpu 1
exec foreign /bin/echo a%20b c
hold bytes=67108864 page=4k mapping=private touch=written order=sequential state=hot vmas=3 threads=2 busy=1 fds=7
time mechanism=fork warmup=20 plain=100 stamped=25
time mechanism=ipc:pipe message=65536 peer=0 plain=100 fresh=5
life mechanism=posix_spawn
end
";

/// What hostile streams are spliced with.
const SPLICES: [&[u8]; 14] = [
    b"\0",
    b"\n",
    b"\r\n",
    b" ",
    b"=",
    b"-1",
    b"18446744073709551616",
    b"99999999999999999999999999",
    b"NaN",
    b"\xff\xfe",
    "\u{202e}\u{1F4A3}".as_bytes(),
    b"%",
    b"sample ",
    b"skip \x1b[2J",
];

/// A stream with one to four things wrong.
fn mutated(text: &str, random: &mut Random) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        let length = bytes.len() as u64;
        let at = random.below(length.max(1)) as usize;
        match random.below(7) {
            0 if length > 0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes.truncate(at),
            2 => {
                let splice = SPLICES[random.below(SPLICES.len() as u64) as usize];
                bytes.splice(at..at, splice.iter().copied());
            }
            3 if length > 0 => {
                let end = at + random.below(length - at as u64) as usize;
                bytes.drain(at..end);
            }
            4 => {
                let tail = bytes[at..].to_vec();
                bytes.extend(tail);
            }
            5 => {
                let filler = vec![b"x0= \0"[random.below(5) as usize]; 3 * LONGEST_LINE];
                bytes.splice(at..at, filler);
            }
            // A number becomes another.
            _ => {
                for byte in bytes
                    .iter_mut()
                    .skip(at)
                    .take(20)
                    .filter(|byte| byte.is_ascii_digit())
                {
                    *byte = b'9';
                }
            }
        }
    }
    bytes
}

#[test]
fn ten_thousand_mutated_lines_are_read_or_refused() {
    let mut random = Random::new(2);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..1_500 {
        for text in [ANSWERS, ORDERS] {
            let bytes = mutated(text, &mut random);
            for line in String::from_utf8_lossy(&bytes).split('\n') {
                // Both readers see both: a subject may send anything.
                for outcome in [
                    Answer::from_line(line)
                        .map(|answer| Answer::from_line(&answer.to_line()).map(|_| ())),
                    Order::from_line(line)
                        .map(|order| Order::from_line(&order.to_line()).map(|_| ())),
                ] {
                    match outcome {
                        // What was read can be written and read again.
                        Ok(again) => {
                            again.unwrap_or_else(|error| panic!("{line:?}: {error}"));
                            read += 1;
                        }
                        Err(error) => {
                            // A hostile line does not flood a terminal, nor drive it.
                            let message = error.to_string();
                            assert!(message.len() < 4_000, "{message}");
                            assert!(!message.contains(char::is_control), "{message:?}");
                            refused += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(read > 5_000 && refused > 5_000, "{read} {refused}");
}

/// What came of a whole conversation with a subject that plays `script` in a shell.
fn converse(script: &str) -> (Result<(), SessionError>, u64) {
    let subject = SubjectCommand {
        name: "hostile".to_owned(),
        program: "/bin/sh".into(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        padding: None,
    };
    let keeper =
        SubjectCommand::native_at(Path::new(env!("CARGO_BIN_EXE_forkbench-subject"))).unwrap();
    let mut kept = 0;
    let mut talk = || {
        let patience = Duration::from_millis(400);
        let mut session = Session::start(&subject, &keeper, CpuSet::new(), patience)?;
        session.hold(&Footprint::of(0))?;
        session.time("fork", None, COUNT, Duration::ZERO, &mut |_, _| kept += 1)?;
        session.life("fork", false)?;
        session.end();
        Ok(())
    };
    let begin = Instant::now();
    let outcome = talk();
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{script}: {:?}",
        begin.elapsed()
    );
    assert!(kept <= 4, "{script}: {kept} samples kept");
    (outcome, kept)
}

#[test]
fn a_sound_stream_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    fs::write(&path, ANSWERS).unwrap();
    let (outcome, kept) = converse(&format!("cat {}; cat >/dev/null", path.display()));
    outcome.unwrap();
    assert_eq!(kept, 4);
}

#[test]
fn mutated_streams_end_a_session_with_an_error_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(3);
    let mut failed = 0;
    for number in 0..60 {
        let path = folder.path().join(number.to_string());
        fs::write(&path, mutated(ANSWERS, &mut random)).unwrap();
        // Every other one hangs up after it; the others stay and say no more.
        let after = ["", "; cat >/dev/null"][number % 2];
        let (outcome, _) = converse(&format!("cat {}{after}", path.display()));
        if let Err(error) = outcome {
            failed += 1;
            let message = error.to_string();
            assert!(
                message.len() < 6_000 && !message.contains(char::is_control),
                "{message:?}"
            );
        }
    }
    assert!(failed > 20, "{failed}");
}

/// The most memory this process ever had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn endless_streams_end_in_time_and_take_little_memory() {
    let hello = "echo subject protocol=1 pid=1; echo receipt pid=1 ballast=0; ";
    let before = peak();
    for (endless, expected) in [
        ("tr '\\0' x </dev/zero", "a line of more than"),
        ("cat /dev/zero", "a line of more than"),
        ("yes 'sample call=1 reap=1'", "more samples than the 3"),
        ("yes 'first call=1 reap=1'", "more than one first"),
        ("yes ''", "no word of the protocol"),
        (
            "while :; do echo sample call=1; sleep 0.3; done",
            "did not answer",
        ),
        ("while :; do printf x; sleep 0.05; done", "did not answer"),
        ("exec >&-; sleep 99", "closed its standard"),
        ("exec 3<&0 <&-; sleep 99", "did not answer"),
    ] {
        let (outcome, _) = converse(&format!("{hello}{endless}"));
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(expected), "{endless}: {error}");
    }
    // One that says hello without end, and one that goes on when it should leave.
    let (outcome, _) = converse("yes subject protocol=1 pid=1");
    assert!(outcome.unwrap_err().to_string().contains("hold 0"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    fs::write(&path, ANSWERS).unwrap();
    converse(&format!("cat {}; yes", path.display())).0.unwrap();
    let grown = peak() - before;
    assert!(grown < 128 * 1024, "{grown} KiB");
}
