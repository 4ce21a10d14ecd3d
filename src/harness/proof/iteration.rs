//! What one iteration of a program makes, told from what the program makes beside it.
//!
//! An interpreter has helpers: threads of its own, a resource tracker, a server that forks for it. They are started
//! once, or now and then. So several iterations are traced, and what is made as often as there are iterations is
//! what an iteration makes.

use std::time::Duration;

use crate::footprint::Footprint;
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::tracing::{Child, TraceError, Traced, trace_in_steps};
use crate::protocol::{Count, Order, VERSION};

/// Iterations that are looked at. A first order, with the first iteration of all, comes before.
pub const ITERATIONS: usize = 4;

/// The step of the job that they are asked for in.
const STEP: usize = 2;

/// How long it may take: a tracer stops an interpreter that starts others at each of thousands of calls.
const LIMIT: Duration = Duration::from_secs(120);

/// Births of one kind: made by the same side, by the same call with the same flags, with the same image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Births {
    /// One of them.
    pub child: Child,
    /// Whether the subject itself made it, and not one of its descendants.
    pub by_subject: bool,
    /// Of them, those that the iterations made.
    pub in_iterations: usize,
    /// And those before.
    pub before: usize,
}

/// What one iteration makes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IterationSeen {
    /// The child that the iteration is about: a process rather than a thread, and the subject's own rather than
    /// a descendant's.
    pub child: Option<Births>,
    /// What else was made, in the order of the first birth.
    pub others: Vec<Births>,
}

/// Traces iterations of a mechanism in a subject that holds `footprint`.
///
/// # Errors
/// Those of [`crate::harness::tracing::trace`].
pub fn trace_iterations(
    launcher: &Launcher,
    subject: &SubjectCommand,
    mechanism: &str,
    footprint: &Footprint,
) -> Result<Traced, TraceError> {
    let text = |orders: &[Order]| orders.iter().map(|order| order.to_line() + "\n").collect();
    let time = |plain| {
        let count = Count {
            plain,
            ..Count::default()
        };
        Order::Time {
            mechanism: mechanism.to_owned(),
            exchange: None,
            count,
        }
    };
    let steps: [String; STEP + 2] = [
        text(&[
            Order::Hello { version: VERSION },
            Order::Exec(launcher.own_image().clone()),
            Order::Hold(*footprint),
        ]),
        text(&[time(1)]),
        text(&[time(ITERATIONS as u64)]),
        text(&[Order::End]),
    ];
    trace_in_steps(&mut subject.to_command(), &steps, LIMIT)
}

/// Finds the child that the traced iterations were about.
pub fn seen_in_iteration(traced: Traced) -> IterationSeen {
    let own = traced.children.into_iter().map(|child| (true, child));
    let others = traced.descendants.into_iter().map(|child| (false, child));
    let mut kinds: Vec<Births> = Vec::new();
    for (by_subject, child) in own.chain(others).filter(|(_, child)| child.step <= STEP) {
        let now = child.step == STEP;
        match kinds
            .iter_mut()
            .find(|kind| kind.is_like(by_subject, &child))
        {
            Some(kind) => {
                kind.in_iterations += usize::from(now);
                kind.before += usize::from(!now);
                // One in the middle has whole iterations before and behind it.
                if now && kind.in_iterations <= ITERATIONS / 2 + 1 {
                    kind.child = child;
                }
            }
            None => kinds.push(Births {
                by_subject,
                in_iterations: usize::from(now),
                before: usize::from(!now),
                child,
            }),
        }
    }
    let each = |kind: &&Births| kind.in_iterations >= ITERATIONS;
    let chosen = kinds.iter().filter(each).min_by_key(|kind| {
        let thread = kind.child.creation.has("CLONE_THREAD");
        (thread, !kind.by_subject)
    });
    let child = chosen.cloned();
    kinds.retain(|kind| Some(kind) != child.as_ref());
    IterationSeen {
        child,
        others: kinds,
    }
}

impl Births {
    fn is_like(&self, by_subject: bool, child: &Child) -> bool {
        let same = &self.child;
        self.by_subject == by_subject
            && same.event == child.event
            && same.creation.call == child.creation.call
            && same.creation.flags == child.creation.flags
            && same.exec == child.exec
    }
}

impl std::fmt::Display for Births {
    /// As in `once, FORK by clone(SIGCHLD), no exec`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.in_iterations, self.before) {
            (0, 1) => write!(f, "once, before the iterations")?,
            (0, times) => write!(f, "{times} times, before the iterations")?,
            (times, _) => write!(f, "{times} in {ITERATIONS} iterations")?,
        }
        let by = if self.by_subject {
            ""
        } else {
            ", by a descendant"
        };
        write!(f, "{by}: {}", self.child)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::tracing::{Creation, End};
    use crate::mechanism::Event;

    fn born(maker: i32, step: usize, event: Event, flags: &[&str], exec: Option<&str>) -> Child {
        Child {
            pid: 9,
            parent: maker,
            maker,
            step,
            event,
            creation: Creation {
                call: "clone".to_owned(),
                flags: flags.iter().map(ToString::to_string).collect(),
                stack_size: None,
            },
            returned_in_parent: Some(9),
            returned_in_child: Some(0),
            exec: exec.map(str::to_owned),
            calls_to_exec: 0,
            end: None,
            before: Vec::new(),
            calls: Vec::new(),
            meanwhile: Vec::new(),
        }
    }

    fn seen(children: Vec<Child>, descendants: Vec<Child>) -> IterationSeen {
        seen_in_iteration(Traced {
            children,
            descendants,
            end: End::Exited(0),
            output: String::new(),
        })
    }

    fn thread(maker: i32, step: usize) -> Child {
        born(
            maker,
            step,
            Event::Clone,
            &["CLONE_VM", "CLONE_THREAD"],
            None,
        )
    }

    fn fork(maker: i32, step: usize) -> Child {
        born(maker, step, Event::Fork, &["SIGCHLD"], None)
    }

    #[test]
    fn a_process_is_meant_rather_than_the_threads_beside_it() {
        // A pool: a worker and two threads for each, and a tracker once.
        let tracker = born(1, 1, Event::Vfork, &["CLONE_VM"], Some("/usr/bin/python3"));
        let mut children = vec![tracker, thread(1, 1), fork(1, 1)];
        for _ in 0..ITERATIONS {
            children.extend([thread(1, 2), thread(1, 2), fork(1, 2)]);
        }
        let seen = seen(children, Vec::new());
        let child = seen.child.unwrap();
        assert_eq!(
            (child.child.event, child.in_iterations),
            (Event::Fork, ITERATIONS)
        );
        let told: Vec<String> = seen.others.iter().map(ToString::to_string).collect();
        assert!(
            told[0].starts_with("once, before the iterations: VFORK"),
            "{told:?}"
        );
        assert!(told[1].starts_with("8 in 4 iterations: CLONE"), "{told:?}");
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn what_a_server_makes_is_meant_where_the_subject_makes_nothing() {
        let server = born(1, 1, Event::Fork, &["SIGCHLD"], Some("/usr/bin/python3"));
        let by_server = seen(vec![server.clone()], vec![fork(7, 2); ITERATIONS]);
        assert!(!by_server.child.unwrap().by_subject);
        // A server for each iteration is the subject's own child.
        let own = vec![born(1, 2, Event::Fork, &["SIGCHLD"], Some("/usr/bin/python3")); ITERATIONS];
        let both = seen(own, vec![fork(7, 2); ITERATIONS]);
        assert!(both.child.unwrap().by_subject);
    }

    #[test]
    fn helpers_alone_are_no_child() {
        let seen = seen(vec![fork(1, 1), thread(1, 2), thread(1, 2)], Vec::new());
        assert_eq!(seen.child, None);
        assert_eq!(seen.others.len(), 2);
    }
}
