//! Threads beyond the main one: idle ones that sleep, busy ones that spin on other CPUs.

use std::ffi::{CString, c_void};
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::error::HoldError;
use super::proc::File;
use super::region::{Region, errno};

/// How long threads may take to come up before that counts as a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all threads look at.
#[repr(C)]
struct Board {
    /// 0 until they are to end; a futex.
    end: AtomicU32,
    /// Threads that are running.
    up: AtomicU32,
}

/// What one thread has to itself.
#[repr(C)]
struct Slot {
    board: *const Board,
    thread: libc::pthread_t,
    tid: AtomicI32,
    /// The CPU it spins on, -1 for any, -2 for a thread that sleeps.
    cpu: i32,
}

const ANY_CPU: i32 = -1;
const IDLE: i32 = -2;

/// Idle and busy threads. They end when dropped.
pub(super) struct Threads {
    /// A [`Board`] and after it the [`Slot`]s, in memory that no child inherits.
    memory: Region,
    count: usize,
}

impl Threads {
    /// Starts threads, at least one. `cpu` is the subject's own, where it has one to itself.
    ///
    /// # Errors
    /// [`HoldError::Threads`] where a limit is in the way, [`HoldError::Cpus`] where busy threads have
    /// nowhere to spin.
    pub(super) fn hold(idle: u32, busy: u32, cpu: Option<u32>) -> Result<Self, HoldError> {
        let cpus = cpus_for(busy, cpu)?;
        let total = idle as usize + busy as usize;
        let len = size_of::<Board>() + total * size_of::<Slot>();
        let memory = Region::bookkeeping(len).map_err(|errno| failed("mmap", total, errno))?;
        // SAFETY: sigset_t is plain numbers, for which zeros are a value.
        let mut before: libc::sigset_t = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut all: libc::sigset_t = unsafe { mem::zeroed() };
        // Threads start with the signal mask of their maker: signals are for the main thread.
        // SAFETY: both pointers are to live values.
        unsafe {
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        }
        let mut threads = Self { memory, count: 0 };
        let result = (0..total).try_for_each(|index| {
            let cpu = index.checked_sub(idle as usize).map(|busy| cpus[busy]);
            threads.start(cpu.unwrap_or(IDLE), total)
        });
        // SAFETY: the pointer is to a live value.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut()) };
        result?;
        threads.wait_until_up()?;
        Ok(threads)
    }

    fn board(&self) -> &Board {
        // SAFETY: the region begins with a Board: page-aligned, zeroed by the kernel, which is a value
        // of it, and mapped as long as self.
        unsafe { &*(self.memory.start() as *const Board) }
    }

    fn slot(&self, index: usize) -> *mut Slot {
        (self.memory.start() + size_of::<Board>() + index * size_of::<Slot>()) as *mut Slot
    }

    fn start(&mut self, cpu: i32, total: usize) -> Result<(), HoldError> {
        let slot = self.slot(self.count);
        let body = if cpu == IDLE { sleep } else { spin };
        // SAFETY: the slot lies within the region, is aligned to 8 bytes as Board and Slot are whole
        // words, and belongs to no thread yet. It outlives the thread, which is joined before the
        // region goes.
        let result = unsafe {
            slot.write(Slot {
                board: self.board(),
                thread: 0,
                tid: AtomicI32::new(0),
                cpu,
            });
            libc::pthread_create(&raw mut (*slot).thread, ptr::null(), body, slot.cast())
        };
        match result {
            0 => {
                self.count += 1;
                Ok(())
            }
            libc::EAGAIN | libc::ENOMEM => Err(HoldError::Threads {
                needed: total as u64,
                made: self.count as u64,
                limit: process_limit(),
            }),
            errno => Err(failed("pthread_create", total, errno)),
        }
    }

    fn wait_until_up(&self) -> Result<(), HoldError> {
        let start = Instant::now();
        while (self.board().up.load(Ordering::Acquire) as usize) < self.count {
            if start.elapsed() > PATIENCE {
                return Err(failed("pthread_create", self.count, libc::ETIMEDOUT));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        for index in 0..self.count {
            // SAFETY: the slot was written before its thread started; tid is atomic.
            let tid = unsafe { (*self.slot(index)).tid.load(Ordering::Relaxed) };
            if tid < 0 {
                return Err(failed("sched_setaffinity", self.count, -tid));
            }
        }
        // They have said so just before they go to sleep.
        std::thread::sleep(Duration::from_millis(2));
        Ok(())
    }

    /// Threads that are spinning at this moment, by the kernel's word.
    pub(super) fn spinning(&self) -> Option<u64> {
        let mut spinning = 0;
        for index in 0..self.count {
            // SAFETY: the slot was written before its thread started; cpu never changes and tid is
            // atomic.
            let (cpu, tid) = unsafe {
                (
                    (*self.slot(index)).cpu,
                    (*self.slot(index)).tid.load(Ordering::Relaxed),
                )
            };
            if cpu != IDLE {
                spinning += u64::from(is_running(tid)?);
            }
        }
        Some(spinning)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let board = self.board();
        board.end.store(1, Ordering::Release);
        // SAFETY: the futex word lies in the region; waking reads nothing else.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                &raw const board.end,
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                i32::MAX,
            )
        };
        for index in 0..self.count {
            // SAFETY: `count` threads were started and none is joined elsewhere.
            unsafe { libc::pthread_join((*self.slot(index)).thread, ptr::null_mut()) };
        }
    }
}

/// The life of an idle thread.
extern "C" fn sleep(slot: *mut c_void) -> *mut c_void {
    let board = come_up(slot.cast());
    while board.end.load(Ordering::Acquire) == 0 {
        // SAFETY: the futex word outlives this thread, which is joined before its region goes.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                &raw const board.end,
                libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                0,
                ptr::null::<libc::timespec>(),
            )
        };
    }
    ptr::null_mut()
}

/// The life of a busy one.
extern "C" fn spin(slot: *mut c_void) -> *mut c_void {
    let board = come_up(slot.cast());
    while board.end.load(Ordering::Relaxed) == 0 {
        std::hint::spin_loop();
    }
    ptr::null_mut()
}

/// Goes to the thread's CPU and reports that it is there, or why not.
fn come_up(slot: *const Slot) -> &'static Board {
    // SAFETY: the slot and its board outlive this thread, which is joined before their region goes;
    // 'static is as long as this thread can tell.
    let (board, slot) = unsafe { (&*(*slot).board, &*slot) };
    // SAFETY: gettid takes and touches nothing.
    let mut tid = unsafe { libc::syscall(libc::SYS_gettid) } as i32;
    if slot.cpu >= 0 {
        let mut only = no_cpus();
        // SAFETY: CPU_SET checks the number against the size of the set.
        unsafe { libc::CPU_SET(slot.cpu as usize, &mut only) };
        if let Err(errno) = set_affinity(&only) {
            tid = -errno;
        }
    }
    slot.tid.store(tid, Ordering::Relaxed);
    board.up.fetch_add(1, Ordering::Release);
    board
}

/// A CPU for each busy thread.
fn cpus_for(busy: u32, own: Option<u32>) -> Result<Vec<i32>, HoldError> {
    let mut cpus = Vec::new();
    if busy == 0 {
        return Ok(cpus);
    }
    let allowed = allowed_cpus().map_err(|errno| failed("sched_getaffinity", 1, errno))?;
    for cpu in 0..libc::CPU_SETSIZE as usize {
        // SAFETY: CPU_ISSET checks the number against the size of the set.
        if unsafe { libc::CPU_ISSET(cpu, &allowed) } && own.is_none_or(|own| own as usize != cpu) {
            cpus.push(cpu as i32);
        }
    }
    // A subject that is not pinned needs one of them; the scheduler will see to it.
    let others = match own {
        Some(_) => cpus.len(),
        None => cpus.len().saturating_sub(1),
    };
    if others < busy as usize {
        return Err(HoldError::Cpus {
            needed: u64::from(busy),
            others: others as u64,
        });
    }
    if own.is_none() {
        cpus.fill(ANY_CPU);
    }
    Ok(cpus)
}

/// The CPUs this process could run on: the subject is pinned to one, its cpuset may hold more.
fn allowed_cpus() -> Result<libc::cpu_set_t, i32> {
    let now = affinity()?;
    let mut all = no_cpus();
    for cpu in 0..libc::CPU_SETSIZE as usize {
        // SAFETY: CPU_SET checks the number against the size of the set.
        unsafe { libc::CPU_SET(cpu, &mut all) };
    }
    set_affinity(&all)?;
    let allowed = affinity();
    set_affinity(&now)?;
    allowed
}

fn no_cpus() -> libc::cpu_set_t {
    // SAFETY: a CPU set is plain numbers; zeros are the empty one.
    unsafe { mem::zeroed() }
}

fn affinity() -> Result<libc::cpu_set_t, i32> {
    let mut set = no_cpus();
    // SAFETY: the pointer is to a live value of the size given.
    match unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) } {
        0 => Ok(set),
        _ => Err(errno()),
    }
}

fn set_affinity(set: &libc::cpu_set_t) -> Result<(), i32> {
    // SAFETY: the pointer is to a live value of the size given.
    match unsafe { libc::sched_setaffinity(0, size_of_val(set), set) } {
        0 => Ok(()),
        _ => Err(errno()),
    }
}

/// Whether the kernel counts a thread of this process as running: the letter after its name.
fn is_running(tid: i32) -> Option<bool> {
    let path = CString::new(format!("/proc/self/task/{tid}/stat")).ok()?;
    let mut buffer = [0; 512];
    let read = File::open(&path).ok()?.read(&mut buffer).ok()?;
    let end = buffer[..read].iter().rposition(|&byte| byte == b')')?;
    Some(*buffer.get(end + 2)? == b'R')
}

fn process_limit() -> String {
    let mut limit = libc::rlimit64 {
        rlim_cur: libc::RLIM64_INFINITY,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a live value.
    unsafe { libc::getrlimit64(libc::RLIMIT_NPROC, &raw mut limit) };
    match limit.rlim_cur {
        libc::RLIM64_INFINITY => "unlimited".to_owned(),
        limit => limit.to_string(),
    }
}

fn failed(call: &'static str, threads: usize, errno: i32) -> HoldError {
    HoldError::System {
        call,
        thing: format!("{threads} threads"),
        errno,
    }
}
