//! Planted violations: a check that finds nothing must be able to find something.

use super::*;

/// A source that is not on the disk.
fn planted(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn a_planted_import_to_the_right_is_found() {
    let plants = [
        ("units.rs", "use crate::statistics::Histogram;"),
        (
            "units.rs",
            "fn f() -> crate::statistics::Histogram { todo!() }",
        ),
        ("mechanism/fork.rs", "use crate::{clock, harness::plan};"),
        (
            "mechanism/fork.rs",
            "use crate::{\n    clock::{self, now},\n    subject,\n};",
        ),
        ("mechanism/fork.rs", "use super::super::report;"),
        ("mechanism/mod.rs", "use super::report;"),
        ("mechanism/mod.rs", "use super::{units, report::write};"),
        (
            "mechanism/fork.rs",
            "use super::{super::{units, cli}, phase};",
        ),
        (
            "mechanism/fork.rs",
            "mod tests { use super::super::super::cli; }",
        ),
        (
            "mechanism/fork.rs",
            "type T = <u8 as crate::cli::Trait>::Name;",
        ),
        ("mechanism/fork.rs", "use self::super::super::cli;"),
        ("mechanism/fork.rs", "use forkbench::cli;"),
        ("mechanism/fork.rs", "use ::forkbench::cli;"),
        ("mechanism/fork.rs", "pub use crate::channel;"),
        ("mechanism/fork.rs", "use crate::*;"),
        ("mechanism/fork.rs", "use super::super::*;"),
        ("mechanism/fork.rs", "use crate as everything;"),
        ("mechanism/fork.rs", "use super::super as everything;"),
        ("mechanism/fork.rs", "use crate::unheard_of;"),
        (
            "mechanism/fork.rs",
            "let a = 'a'; let b = '\\''; crate::cli::main();",
        ),
        (
            "mechanism/fork.rs",
            "fn f<'a>(a: &'a u8) { crate::cli::main() }",
        ),
        ("mechanism/fork.rs", "let a = r#\"\"\"#; crate::cli::main()"),
        ("helpers.rs", "pub fn help() {}"),
        ("measurement/helpers.rs", "pub fn help() {}"),
        ("measurement/mechanism/fork.rs", "use crate::cli;"),
        (
            "measurement/mechanism/fork.rs",
            "use super::super::subject;",
        ),
        (
            "measurement/clock.rs",
            "use forkbench_measurement::subject;",
        ),
        (
            "bin/subject.rs",
            "fn main() { forkbench::recording::read() }",
        ),
    ];
    for (path, text) in plants {
        let (_, violations) = imports(&[planted(path, text)]);
        assert_eq!(violations.len(), 1, "{path}: {text}: {violations:?}");
    }
}

#[test]
fn imports_from_the_left_are_none() {
    let sound = [
        (
            "cli/mod.rs",
            "use crate::{harness::plan, report}; pub(crate) fn f() {}",
        ),
        (
            "mechanism/fork.rs",
            "use super::{phase, super::clock}; use self::inner::x; mod inner {}",
        ),
        (
            "mechanism/fork.rs",
            "mod tests { use super::*; use crate::units; }",
        ),
        (
            "mechanism/fork.rs",
            "pub(in crate::mechanism) fn f() {} pub(super) fn g() {}",
        ),
        (
            "mechanism/mod.rs",
            "/// See [`crate::cli`].\n/* crate::cli /* */ crate::cli */ const A: &str = \"crate::cli\";",
        ),
        (
            "mechanism/mod.rs",
            "const A: &[u8] = br##\"\"# crate::cli\"##; const B: char = '\"';",
        ),
        (
            "bin/subject.rs",
            "fn main() { forkbench_measurement::subject::serve() }",
        ),
        ("measurement/clock.rs", "use crate::units;"),
        (
            "main.rs",
            "mod part { use crate::own; } fn main() { forkbench::cli::main() }",
        ),
    ];
    for (path, text) in sound {
        let (_, violations) = imports(&[planted(path, text)]);
        assert_none(&violations);
    }
}

#[test]
fn planted_printing_is_found() {
    for text in [
        "println!(\"a\")",
        "std::print!(\"a\")",
        "writeln!(std::io::stdout(), \"a\")",
        "use std::io::stdout;",
        "libc::write(libc::STDOUT_FILENO, a, 1)",
    ] {
        assert_eq!(
            printing(&[planted("report/mod.rs", text)]).len(),
            1,
            "{text}"
        );
        assert_none(&printing(&[planted("cli/run.rs", text)]));
    }
    let others = "eprintln!(\"\"); command.stdout(null()); child.stdout.take(); // println!()";
    assert_none(&printing(&[planted("harness/session.rs", others)]));
}

#[test]
fn planted_unsafe_is_found() {
    let plant = planted("report/mod.rs", "fn f() { unsafe { g() } }");
    assert_eq!(unsafe_outside(&[plant], &[]).len(), 1);
    let exceptions = [("harness/session.rs", 1, "why")];
    let twice = planted("harness/session.rs", "unsafe {} unsafe {}");
    assert_eq!(unsafe_outside(&[twice], &exceptions).len(), 1);
    assert_eq!(unsafe_outside(&[], &exceptions).len(), 1);
    let once = planted("harness/session.rs", "unsafe {} // unsafe");
    assert_none(&unsafe_outside(
        &[once, planted("clock.rs", "unsafe {}")],
        &exceptions,
    ));
}

#[test]
fn modules_that_import_each_other_are_found() {
    let pair = [
        planted("mechanism/mod.rs", "use crate::protocol;"),
        planted("protocol.rs", "use crate::mechanism;"),
    ];
    assert_eq!(mutual(&imports(&pair).0).len(), 1);
}

#[test]
fn planted_input_is_found_in_statistics() {
    let plant = planted(
        "statistics/mod.rs",
        "use std::fs::File; use std::io::Read; fn f() { libc::getpid() }",
    );
    assert_eq!(reaches_out(&plant).len(), 2);
}
