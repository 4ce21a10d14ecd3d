//! A program for each request, started with `vfork` and `execve` and given the connection as its standard input
//! and output: as inetd does it, and CGI.

use std::ffi::{CString, c_char, c_void};
use std::io;

use super::accepting::accept_each;
use super::scoreboard::Step;
use super::{Model, ServerError, Serving};

pub(super) const MODEL: Model = Model {
    name: "server:vfork-exec",
    summary: "a program for each request, started with vfork and execve",
    executes: true,
    serve,
};

unsafe extern "C" {
    /// Runs `child(argument)` in a vforked child, which must not return, and returns its pid.
    fn forkbench_vfork(
        child: unsafe extern "C" fn(*mut c_void),
        argument: *mut c_void,
    ) -> libc::pid_t;
    static environ: *const *mut c_char;
}

/// What the child is told: it runs in its parent's memory.
struct Program<'a> {
    serving: &'a Serving<'a>,
    number: u64,
    connection: i32,
    path: *const c_char,
    argv: [*const c_char; 2],
}

fn serve(serving: &Serving<'_>) -> Result<(), ServerError> {
    let path = executable(serving.setup.program)?;
    serving.board.count_by_status();
    accept_each(serving, |connection, number| {
        let mut program = Program {
            serving,
            number,
            connection: connection.fd(),
            path: path.as_ptr(),
            argv: [path.as_ptr(), std::ptr::null()],
        };
        serving.board.started();
        // SAFETY: `run` does not return and touches only `program`, its strings and the scoreboard, as vfork
        // demands.
        let pid = unsafe { forkbench_vfork(run, (&raw mut program).cast()) };
        if pid < 0 {
            serving.board.not_started();
        }
        pid > 0
    })
}

/// The program's path, if it can be executed.
fn executable(program: Option<&str>) -> Result<CString, ServerError> {
    let error = |source| ServerError::Program {
        program: program.unwrap_or_default().to_owned(),
        source,
    };
    let path = program.ok_or_else(|| error(io::ErrorKind::NotFound.into()))?;
    let path = CString::new(path).map_err(|found| error(found.into()))?;
    // SAFETY: `path` is a null-terminated string.
    match unsafe { libc::access(path.as_ptr(), libc::X_OK) } {
        0 => Ok(path),
        _ => Err(error(io::Error::last_os_error())),
    }
}

unsafe extern "C" fn run(program: *mut c_void) {
    // SAFETY: the parent stands still and keeps `program` alive; this is a process of its own. All calls are
    // async-signal-safe, and descriptors are the child's own: vfork shares memory, not them.
    unsafe {
        let program = &*program.cast::<Program<'_>>();
        program.serving.note(program.number, Step::Started);
        // What is duplicated stays open in the program; the connection's first number and the listener close.
        libc::dup2(program.connection, 0);
        libc::dup2(program.connection, 1);
        libc::execve(
            program.path,
            program.argv.as_ptr(),
            environ as *const *const c_char,
        );
        // 126 is no reply.
        libc::_exit(126)
    }
}
