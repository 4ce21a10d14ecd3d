//! Builds what Rust cannot express: the vfork shim and the images that children execute.

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
    build_image("forkbench-child", "mechanism/child.c");
    build_image("forkbench-answer", "server/answer.c");
}

/// vfork returns twice on one stack, which Rust has no way to say; C compilers know.
fn build_vfork_shim() {
    println!("cargo::rerun-if-changed=mechanism/vfork.c");
    cc::Build::new()
        .file("mechanism/vfork.c")
        .opt_level(2)
        .compile("forkbench_vfork");
}

/// An image is linked without libc or loader, so that what is timed is the kernel's exec.
fn build_image(name: &str, source: &str) {
    println!("cargo::rerun-if-changed={source}");
    println!("cargo::rerun-if-changed=mechanism/freestanding.h");
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
