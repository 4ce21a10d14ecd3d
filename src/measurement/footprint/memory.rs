//! How much memory a soak may take. The harness has its own, finer account of the host; the subject must
//! not carry it in its image.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes that may be taken without making the host swap: `MemAvailable`, or what the tightest memory
/// cgroup above this process has left, whichever is less. `None` where /proc/meminfo has no such line.
///
/// Page cache that a cgroup could drop counts as left, as it does in `MemAvailable`.
pub(super) fn available() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let host = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse::<u64>()
        .ok()?
        * 1024;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let left = groups.lines().filter_map(left_in);
    Some(left.fold(host, u64::min))
}

/// What is left in the group that a line of /proc/self/cgroup names, and in every group above it.
fn left_in(line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let group = if controllers.is_empty() {
        Group {
            root: Path::new("/sys/fs/cgroup"),
            limit: "memory.max",
            used: "memory.current",
        }
    } else if controllers.split(',').any(|name| name == "memory") {
        Group {
            root: Path::new("/sys/fs/cgroup/memory"),
            limit: "memory.limit_in_bytes",
            used: "memory.usage_in_bytes",
        }
    } else {
        return None;
    };
    let folder = group.root.join(path.trim_start_matches('/'));
    folder
        .ancestors()
        .take_while(|folder| folder.starts_with(group.root))
        .filter_map(|folder| group.left(folder))
        .min()
}

/// One of the two kinds of memory cgroup, by where its files stand and what they are called.
struct Group {
    root: &'static Path,
    limit: &'static str,
    used: &'static str,
}

impl Group {
    fn left(&self, folder: &Path) -> Option<u64> {
        let number = |name: &str| -> Option<u64> {
            fs::read_to_string(folder.join(name))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        // No limit reads `max`, which is no number, or as a number near 2^63.
        let limit = number(self.limit).filter(|&limit| limit < 1 << 60)?;
        let used = number(self.used)?.saturating_sub(inactive_file(folder.join("memory.stat")));
        Some(limit.saturating_sub(used))
    }
}

fn inactive_file(stat: PathBuf) -> u64 {
    let stat = fs::read_to_string(stat).unwrap_or_default();
    let field = |name: &str| {
        stat.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    // The total counts the groups below, as the usage does; cgroup v2 counts them anyway.
    field("total_inactive_file ")
        .or_else(|| field("inactive_file "))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_available_than_the_host_has() {
        let total = fs::read_to_string("/proc/meminfo").unwrap();
        let total = total.split_whitespace().nth(1).unwrap();
        let total = total.parse::<u64>().unwrap() * 1024;
        let available = available().unwrap();
        assert!(available > 0 && available <= total);
    }

    #[test]
    fn a_group_has_left_what_its_limit_and_its_droppable_cache_leave() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let group = Group {
            root: Path::new("/"),
            limit: "memory.max",
            used: "memory.current",
        };
        write("memory.max", "max\n");
        write("memory.current", "700\n");
        assert_eq!(group.left(folder.path()), None);
        write("memory.max", "1000\n");
        assert_eq!(group.left(folder.path()), Some(300));
        write("memory.stat", "anon 1\ninactive_file 200\nactive_file 9\n");
        assert_eq!(group.left(folder.path()), Some(500));
    }
}
