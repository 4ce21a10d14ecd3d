//! What this process is allowed.

use std::os::unix::fs::FileExt;

use crate::harness::environment::{Environment, Headroom};

pub(super) fn soft_limit(environment: &Environment, name: &str) -> Option<u64> {
    let text = environment.text("/proc/self/limits")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

pub(super) fn process_limit(environment: &Environment) -> Headroom {
    let status = environment.text("/proc/self/status").unwrap_or_default();
    let user = real_user(&status);
    // The limit binds neither root nor who holds one of these two.
    let exempt = user == Some(0)
        || capability(environment, CAP_SYS_ADMIN)
        || capability(environment, CAP_SYS_RESOURCE);
    let limit = soft_limit(environment, "Max processes");
    let (Some(limit), Some(user), false) = (limit, user, exempt) else {
        return Headroom::default();
    };
    let tasks: u64 = environment
        .processes()
        .iter()
        .filter_map(|pid| environment.text(&format!("/proc/{pid}/status")))
        .filter(|status| real_user(status) == Some(user))
        .filter_map(|status| field(&status, "Threads:")?.parse::<u64>().ok())
        .fold(0, u64::saturating_add);
    Headroom {
        limit: Some(limit),
        left: Some(limit.saturating_sub(tasks)),
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()
}

fn real_user(status: &str) -> Option<u32> {
    field(status, "Uid:")?.parse().ok()
}

pub(super) const CAP_SYS_PTRACE: u32 = 19;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_RESOURCE: u32 = 24;

pub(super) fn capability(environment: &Environment, number: u32) -> bool {
    let status = environment.text("/proc/self/status").unwrap_or_default();
    field(&status, "CapEff:")
        .and_then(|mask| u64::from_str_radix(mask, 16).ok())
        .is_some_and(|mask| mask >> number & 1 == 1)
}

/// Looks up one of our own pages: without CAP_SYS_ADMIN the frame number reads as zero.
pub(super) fn pagemap_frames(environment: &Environment) -> Option<bool> {
    const FRAME: u64 = (1 << 55) - 1;
    let here = 0_u8;
    let address = std::ptr::from_ref(std::hint::black_box(&here)) as u64;
    let file = std::fs::File::open(environment.path("/proc/self/pagemap")).ok()?;
    let mut entry = [0_u8; 8];
    file.read_exact_at(&mut entry, address / environment.page_size() * 8)
        .ok()?;
    Some(u64::from_ne_bytes(entry) & FRAME != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::environment::tests::MadeUp;

    #[test]
    fn the_process_limit_counts_the_threads_of_our_user() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\n\
                      Max processes             100       200    processes \n\
                      Max open files            1024      4096   files \n";
        let status = "Name:\tx\nUid:\t7\t7\t7\t7\nThreads:\t3\nCapEff:\t0000000000000000\n";
        let other = "Uid:\t8\t7\t7\t7\nThreads:\t50\n";
        let mut made_up = MadeUp::new(&[
            ("/proc/self/limits", limits),
            ("/proc/self/status", status),
            ("/proc/1/status", other),
            ("/proc/2/status", status),
            ("/proc/3/status", status),
        ]);
        let limit = process_limit(&made_up.environment());
        assert_eq!((limit.limit, limit.left), (Some(100), Some(94)));
        assert_eq!(
            soft_limit(&made_up.environment(), "Max open files"),
            Some(1024)
        );
        // CAP_SYS_RESOURCE lifts it.
        made_up = MadeUp::new(&[
            ("/proc/self/limits", limits),
            (
                "/proc/self/status",
                "Uid:\t7\t7\t7\t7\nCapEff:\t0000000001000000\n",
            ),
        ]);
        assert_eq!(process_limit(&made_up.environment()), Headroom::default());
    }
}
