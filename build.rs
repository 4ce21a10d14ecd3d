//! Builds the two pieces that Rust cannot express: the vfork shim and the image that children execute.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let architecture = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if os != "linux" || !["x86_64", "aarch64"].contains(&architecture.as_str()) {
        println!(
            "cargo::error=forkbench measures Linux on x86-64 and aarch64, and nothing else: this target is {os} on {architecture}."
        );
        return;
    }
    build_vfork_shim();
    build_image("forkbench-child", "src/mechanism/child.c");
    build_image("forkbench-answer", "src/server/answer.c");
    build_reference();
    println!("cargo::rustc-env=FORKBENCH_COMMIT={}", commit());
}

/// vfork returns twice on one stack, which Rust has no way to say; C compilers know.
fn build_vfork_shim() {
    println!("cargo::rerun-if-changed=src/mechanism/vfork.c");
    cc::Build::new()
        .file("src/mechanism/vfork.c")
        .opt_level(2)
        .compile("forkbench_vfork");
}

/// An image is linked without libc or loader, so that what is timed is the kernel's exec.
fn build_image(name: &str, source: &str) {
    println!("cargo::rerun-if-changed={source}");
    println!("cargo::rerun-if-changed=src/mechanism/freestanding.h");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let compiler = cc::Build::new().opt_level(2).warnings(false).get_compiler();
    let image = out.join(name);
    let mut command = Command::new(compiler.path());
    command.args([
        "-O2",
        "-static",
        "-nostdlib",
        "-nostartfiles",
        "-ffreestanding",
        "-fno-pie",
        "-no-pie",
        "-fno-stack-protector",
        "-fno-asynchronous-unwind-tables",
        "-fcf-protection=none",
        "-Wl,--build-id=none",
        "-Wl,-z,norelro",
        "-Wl,-z,noexecstack",
        "-Wl,-s",
        "-o",
    ]);
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("x86_64") {
        // The flag is x86's alone; other compilers refuse it.
        let kept: Vec<_> = command
            .get_args()
            .filter(|argument| *argument != "-fcf-protection=none")
            .map(ToOwned::to_owned)
            .collect();
        command = Command::new(compiler.path());
        command.args(kept);
    }
    command.arg(&image).arg(source);
    let status = command.status();
    if !status.as_ref().is_ok_and(|status| status.success()) {
        println!(
            "cargo::error=the C compiler could not link a static program: {command:?}: {status:?}"
        );
    }
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
