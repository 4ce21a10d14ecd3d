//! A pool of threads, each of which accepts.

use std::ffi::c_void;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::accepting::{Due, wait};
use super::exchange::{Waiting, answer};
use super::listener::Accepted;
use super::scoreboard::Step;
use super::{Model, ServerError, Serving};

pub(super) const MODEL: Model = Model {
    name: "server:thread-pool",
    summary: "a pool of threads, each of which accepts",
    executes: false,
    serve,
};

/// What the threads of a pool look at.
struct Pool<'a> {
    serving: &'a Serving<'a>,
    stopping: AtomicBool,
}

fn serve(serving: &Serving<'_>) -> Result<(), ServerError> {
    let pool = Pool {
        serving,
        stopping: AtomicBool::new(false),
    };
    let mut threads = Vec::with_capacity(serving.setup.pool as usize);
    let served = fill(&pool, &mut threads).and_then(|()| {
        while wait(None, serving.stop)? != Due::Stop {}
        Ok(())
    });
    pool.stopping.store(true, Ordering::Release);
    // Whoever waits in accept wakes. SAFETY: a descriptor that is open.
    unsafe { libc::shutdown(serving.listener.fd(), libc::SHUT_RDWR) };
    for thread in threads {
        // SAFETY: made below, and joined once.
        unsafe { libc::pthread_join(thread, ptr::null_mut()) };
        serving.board.ended();
    }
    served
}

fn fill(pool: &Pool<'_>, threads: &mut Vec<libc::pthread_t>) -> Result<(), ServerError> {
    let wanted = pool.serving.setup.pool;
    for made in 0..wanted {
        let mut thread = 0;
        pool.serving.board.started();
        // SAFETY: the pool outlives its threads, which are joined before it goes.
        let error = unsafe {
            libc::pthread_create(
                &mut thread,
                ptr::null(),
                work,
                (&raw const *pool).cast_mut().cast(),
            )
        };
        if error != 0 {
            pool.serving.board.not_started();
            return Err(ServerError::Starting {
                workers: "threads",
                wanted,
                made,
                source: io::Error::from_raw_os_error(error),
            });
        }
        threads.push(thread);
    }
    Ok(())
}

extern "C" fn work(pool: *mut c_void) -> *mut c_void {
    // SAFETY: see `fill`; threads only read it.
    let pool = unsafe { &*pool.cast::<Pool<'_>>() };
    let serving = pool.serving;
    while !pool.stopping.load(Ordering::Acquire) {
        match serving.listener.accept(0) {
            Accepted::Connection(connection) => {
                let number = serving.board.accepted();
                serving.note(number, Step::Accepted);
                let replied = answer(connection.fd(), Waiting::Asleep);
                serving.note(number, Step::Replied);
                drop(connection);
                serving.board.answered(replied);
            }
            Accepted::None => {}
            Accepted::NoRoom => std::thread::sleep(std::time::Duration::from_millis(1)),
            Accepted::Never => break,
        }
    }
    ptr::null_mut()
}
