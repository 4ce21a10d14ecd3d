//! The `forkbench` command: parse, dispatch, exit code.

fn main() -> std::process::ExitCode {
    forkbench::cli::main()
}
