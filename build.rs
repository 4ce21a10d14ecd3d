//! Builds the loop that a bench compares with, and notes the commit.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    build_reference();
    println!("cargo::rustc-env=FORKBENCH_COMMIT={}", commit());
}

/// The loop that `benches/overhead.rs` compares with, linked as the subject is. Only that bench needs it,
/// so that it cannot be built is for that bench to say.
fn build_reference() {
    println!("cargo::rerun-if-changed=benches/reference.c");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let program = out.join("forkbench-reference");
    let built = Command::new(cc::Build::new().opt_level(2).get_compiler().path())
        .args([
            "-O2",
            "-pie",
            "-fPIE",
            "-Wl,-z,relro,-z,now",
            "-Wl,--no-as-needed",
            "-lgcc_s",
            "-o",
        ])
        .arg(&program)
        .arg("benches/reference.c")
        .status();
    let path = match built {
        Ok(status) if status.success() => program.display().to_string(),
        _ => String::new(),
    };
    println!("cargo::rustc-env=FORKBENCH_REFERENCE={path}");
}

/// The commit this is built from; empty where there is no git or no repository.
fn commit() -> String {
    for file in [".git/logs/HEAD", ".git/HEAD"] {
        if PathBuf::from(file).exists() {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    let output = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output();
    match output {
        Ok(output) if output.status.success() && PathBuf::from(".git").exists() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => String::new(),
    }
}
