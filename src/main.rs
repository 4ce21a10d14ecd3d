//! The `forkbench` command: parse, dispatch, exit code.

fn main() {}
