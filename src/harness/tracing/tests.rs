//! The subject here is this test program itself: it starts itself again for [`act`], which reads a job
//! and does what it says.

use super::*;
use crate::mechanism::{Image, Iteration, Mechanism, Stage};

/// Long enough for any machine; a test that works never waits for it.
const LIMIT: Duration = Duration::from_secs(60);

fn actor() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "harness::tracing::tests::act", "--nocapture"])
        .env("FORKBENCH_ACT", "1")
        .stderr(Stdio::null());
    command
}

/// Traces one job; `None`, with a word to the reader, where this host denies tracing.
#[track_caller]
fn see(job: &str) -> Option<Traced> {
    match trace(&mut actor(), job, LIMIT) {
        Ok(traced) => Some(traced),
        Err(TraceError::Denied { request, source }) => {
            eprintln!("unverified: {request}: {source}");
            None
        }
        Err(error) => panic!("{job}: {error}"),
    }
}

/// The other end: a subject when it is started by [`actor`], nothing when the tests are run.
#[test]
fn act() {
    if std::env::var_os("FORKBENCH_ACT").is_none() {
        return;
    }
    let mut job = String::new();
    std::io::stdin().read_to_string(&mut job).expect("a job");
    for line in job.lines() {
        do_line(line);
    }
    println!("answer");
    std::process::exit(3);
}

fn do_line(line: &str) {
    if let Some(mechanism) = Mechanism::named(line) {
        let image = Image {
            path: "/bin/true".to_owned(),
            foreign: Some(Vec::new()),
        };
        let mut stage = Stage::new(mechanism.needs, Some(image), false).expect("a stage");
        let iteration = Iteration {
            number: 6,
            stamped: false,
        };
        mechanism
            .iterate(&mut stage, iteration)
            .expect("an iteration");
        return;
    }
    match line {
        "nothing" => {}
        "sleep" => std::thread::sleep(LIMIT * 10),
        "sleeping child" => drop(Command::new("/bin/sleep").arg("600").spawn()),
        "flood" => (0..40).for_each(|_| println!("{}", "x".repeat(64 << 10))),
        "signals" => {
            // The last is one that Rust has no name for.
            for signal in [libc::SIGUSR1, libc::SIGRTMIN() + 1] {
                // SAFETY: an ignored signal runs no code.
                unsafe {
                    libc::signal(signal, libc::SIG_IGN);
                    libc::raise(signal);
                }
            }
        }
        "die" => drop(kill(Pid::this(), Signal::SIGTERM)),
        "failed exec" => drop(Command::new("/nonexistent/program").status()),
        "grandchild" => {
            let script = "/bin/true; /bin/true; :";
            drop(Command::new("/bin/sh").args(["-c", script]).status());
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_fork_returns_twice() {
    let Some(traced) = see("fork") else { return };
    let [child] = &traced.children[..] else {
        panic!("one child: {traced:?}");
    };
    assert_eq!(child.event, Event::Fork);
    assert_eq!(child.returned_in_parent, Some(i64::from(child.pid)));
    assert_eq!(child.returned_in_child, Some(0));
    assert_eq!(child.exec, None);
    assert_eq!(child.end, Some(End::Exited(7)));
    assert!(child.creation.has("SIGCHLD"), "{}", child.creation);
    assert!(child.calls.iter().any(|call| call == "exit_group"));
    assert!(child.meanwhile.iter().any(|call| call == "wait4"));
    assert!(traced.output.contains("answer"), "{}", traced.output);
}

#[test]
fn an_exec_is_seen_with_its_path() {
    for mechanism in ["posix_spawn", "vfork-exec"] {
        let Some(traced) = see(mechanism) else { return };
        assert_eq!(traced.children.len(), 1, "{traced:?}");
        let child = &traced.children[0];
        assert_eq!(child.event, Event::Vfork);
        assert_eq!(child.exec.as_deref(), Some("/bin/true"));
        assert_eq!(child.end, Some(End::Exited(0)));
    }
    let Some(traced) = see("failed exec") else {
        return;
    };
    let child = &traced.children[0];
    assert!(child.calls.iter().any(|call| call == "execve"), "{child:?}");
    assert_eq!(child.exec, None, "an exec that fails is none");
}

#[test]
fn a_thread_is_a_child_too() {
    let Some(traced) = see("thread") else { return };
    let child = &traced.children[0];
    assert_eq!(child.event, Event::Clone);
    assert!(child.creation.has("CLONE_THREAD"), "{}", child.creation);
    assert_eq!(child.returned_in_parent, Some(i64::from(child.pid)));
}

#[test]
fn children_come_in_the_order_of_their_birth_and_only_the_subjects_own() {
    let Some(traced) = see("fork\nposix_spawn\nnothing\nthread\ngrandchild") else {
        return;
    };
    let events: Vec<Event> = traced.children.iter().map(|child| child.event).collect();
    let expected = [Event::Fork, Event::Vfork, Event::Clone, Event::Vfork];
    assert_eq!(events, expected, "{:?}", traced.children);
    let shell = &traced.children[3];
    assert_eq!(shell.exec.as_deref(), Some("/bin/sh"));
    assert!(see("nothing").is_some_and(|traced| traced.children.is_empty()));
}

#[test]
fn signals_arrive_and_a_deadly_one_kills() {
    let Some(traced) = see("signals") else { return };
    assert_eq!(traced.end, End::Exited(3));
    let Some(traced) = see("die") else { return };
    assert_eq!(traced.end, End::Killed(libc::SIGTERM));
}

#[test]
fn a_subject_that_answers_without_end_fills_no_memory() {
    let Some(traced) = see("flood") else { return };
    assert_eq!(traced.end, End::Exited(3));
    assert_eq!(traced.output.len(), MOST_OUTPUT);
}

#[test]
fn a_subject_that_hangs_is_killed_in_time() {
    let limit = Duration::from_millis(500);
    match trace(&mut actor(), "sleep", limit) {
        Err(error @ TraceError::Late { .. }) => {
            assert!(error.to_string().contains("500 ms"), "{error}");
        }
        Err(TraceError::Denied { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_subject_leaves_running_dies_with_the_trace() {
    let Some(traced) = see("sleeping child") else {
        return;
    };
    let child = &traced.children[0];
    assert_eq!(child.end, None, "it outlived its parent");
    let gone = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        // A zombie waits for whoever inherits it; it runs no more.
        std::fs::read_to_string(format!("/proc/{}/stat", child.pid))
            .map_or(true, |stat| stat.contains(") Z "))
    });
    assert!(gone, "{child:?}");
}

#[test]
fn what_cannot_be_started_or_told_is_an_error() {
    let error = trace(&mut Command::new("/nonexistent/subject"), "", LIMIT).unwrap_err();
    assert!(
        error.to_string().contains("`/nonexistent/subject`"),
        "{error}"
    );
    let job = " ".repeat(LONGEST_JOB + 1);
    let error = trace(&mut actor(), &job, LIMIT).unwrap_err();
    assert!(matches!(error, TraceError::JobTooLong { bytes } if bytes == job.len()));
}

#[test]
fn a_refusal_is_told_from_a_mismatch() {
    let traced = |output: &str| Traced {
        children: Vec::new(),
        descendants: Vec::new(),
        end: End::Exited(0),
        output: output.to_owned(),
    };
    let skipped = traced("subject protocol=1 pid=4\nskip clone3: not here\n");
    assert_eq!(skipped.refusal().as_deref(), Some("clone3: not here"));
    assert_eq!(traced("fail no\n").refusal().as_deref(), Some("no"));
    assert_eq!(
        traced("subject protocol=1 pid=4\nnonsense\n").refusal(),
        None
    );
}

#[test]
fn a_denial_is_told_from_a_failure() {
    for error in [Errno::EPERM, Errno::ENOSYS, Errno::EIO] {
        let error = TraceError::of("PTRACE_SEIZE", error);
        assert!(matches!(error, TraceError::Denied { .. }), "{error}");
    }
    let error = TraceError::of("PTRACE_SEIZE", Errno::EINVAL);
    assert!(matches!(error, TraceError::Failed { .. }), "{error}");
}
