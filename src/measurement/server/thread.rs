//! A thread for each request.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;

use super::accepting::accept_each;
use super::error::ServerError;
use super::exchange::{Waiting, answer};
use super::listener::Connection;
use super::scoreboard::{self, Step};
use super::{Model, Serving};

pub(super) const MODEL: Model = Model {
    name: "server:thread",
    summary: "a thread for each request",
    executes: false,
    serve,
};

/// What a thread is told, in one word: nothing has to be allocated for it.
const WATCHED: usize = 1 << 31;

fn serve(serving: &Serving<'_>) -> Result<(), ServerError> {
    let detached = Detached::new()?;
    accept_each(serving, |connection, number| {
        serving.board.started();
        let watched = if serving.setup.watch { WATCHED } else { 0 };
        let fd = connection.into_fd();
        // The lower half: the descriptor; the upper: which request it is.
        let word = (number as usize) << 32 | watched | fd as usize;
        let mut thread = 0;
        // SAFETY: the attributes are initialised, and the thread gets a number in the place of a pointer.
        let error = unsafe {
            libc::pthread_create(&mut thread, detached.as_ptr(), run, word as *mut c_void)
        };
        if error != 0 {
            // SAFETY: given away above, and to nobody.
            drop(unsafe { Connection::from_fd(fd) });
            serving.board.not_started();
        }
        error == 0
    })
}

extern "C" fn run(word: *mut c_void) -> *mut c_void {
    let word = word as usize;
    let number = (word >> 32) as u64;
    // SAFETY: the descriptor was given to this thread alone.
    let connection = unsafe { Connection::from_fd((word & (WATCHED - 1)) as i32) };
    let Some(board) = scoreboard::current() else {
        return ptr::null_mut();
    };
    let note = |step| {
        if word & WATCHED != 0 {
            board.note(number, step);
        }
    };
    note(Step::Started);
    let replied = answer(connection.fd(), Waiting::Asleep);
    note(Step::Replied);
    drop(connection);
    board.answered(replied);
    board.ended();
    ptr::null_mut()
}

/// The attributes of a thread that nobody joins.
struct Detached(MaybeUninit<libc::pthread_attr_t>);

impl Detached {
    fn new() -> Result<Self, ServerError> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the first call initialises what the second changes.
        let error = unsafe {
            match libc::pthread_attr_init(attributes.as_mut_ptr()) {
                0 => libc::pthread_attr_setdetachstate(
                    attributes.as_mut_ptr(),
                    libc::PTHREAD_CREATE_DETACHED,
                ),
                error => error,
            }
        };
        match error {
            0 => Ok(Self(attributes)),
            error => Err(ServerError::Call {
                call: "pthread_attr_init",
                source: std::io::Error::from_raw_os_error(error),
            }),
        }
    }

    fn as_ptr(&self) -> *const libc::pthread_attr_t {
        self.0.as_ptr()
    }
}
