//! Limits that control groups of either version set, the smallest on the path upwards.

use super::Environment;

/// A limit of v1 that means "none": the kernel prints the largest count of whole pages.
const V1_UNLIMITED: u64 = 1 << 62;

/// A limit and what it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Headroom {
    /// The smallest limit on the path to the root; `None` without one.
    pub limit: Option<u64>,
    /// The least that any group on the path leaves; `None` without a limit.
    pub left: Option<u64>,
}

impl Headroom {
    fn meet(&mut self, limit: u64, used: u64) {
        let left = limit.saturating_sub(used);
        self.limit = Some(self.limit.map_or(limit, |known| known.min(limit)));
        self.left = Some(self.left.map_or(left, |known| known.min(left)));
    }
}

/// Where a hierarchy is mounted.
struct Mount {
    /// The group that the mount point shows.
    group: String,
    /// The mount point.
    point: String,
}

impl Environment {
    /// The memory limit in bytes (`memory.max`, `memory.high`, or v1's `limit_in_bytes`). File pages
    /// on the inactive list count as free: the kernel drops them before it refuses memory.
    pub fn cgroup_memory(&self) -> Headroom {
        let mut headroom = Headroom::default();
        for group in self.groups("") {
            let limits = ["memory.max", "memory.high"].map(|file| format!("{group}/{file}"));
            let used = self.memory_used(&group, "memory.current", "inactive_file");
            for limit in limits.iter().filter_map(|file| self.number(file)) {
                headroom.meet(limit, used);
            }
        }
        for group in self.groups("memory") {
            let limit = self.number(&format!("{group}/memory.limit_in_bytes"));
            if let Some(limit) = limit.filter(|&limit| limit < V1_UNLIMITED) {
                let used = self.memory_used(&group, "memory.usage_in_bytes", "total_inactive_file");
                headroom.meet(limit, used);
            }
        }
        headroom
    }

    /// The limit of processes and threads.
    pub fn cgroup_pids(&self) -> Headroom {
        let mut headroom = Headroom::default();
        for group in self.groups("").into_iter().chain(self.groups("pids")) {
            if let Some(limit) = self.number(&format!("{group}/pids.max")) {
                let used = self.number(&format!("{group}/pids.current"));
                headroom.meet(limit, used.unwrap_or(0));
            }
        }
        headroom
    }

    fn memory_used(&self, group: &str, usage: &str, reclaimable: &str) -> u64 {
        let used: u64 = self.number(&format!("{group}/{usage}")).unwrap_or(0);
        let statistics = self.text(&format!("{group}/memory.stat"));
        let cache = statistics.and_then(|text| {
            text.lines().find_map(|line| {
                let (name, value) = line.split_once(' ')?;
                (name == reclaimable).then(|| value.parse::<u64>().ok())?
            })
        });
        used.saturating_sub(cache.unwrap_or(0))
    }

    /// The directories of our group and of all groups above it, in the v1 hierarchy of `controller`,
    /// or in v2's with an empty one.
    fn groups(&self, controller: &str) -> Vec<String> {
        let (Some(group), Some(mount)) = (self.own_group(controller), self.mount(controller))
        else {
            return Vec::new();
        };
        let shown = mount.group.trim_end_matches('/');
        // In a container the path can lie outside what is mounted; then its root is all there is.
        let below = match group.strip_prefix(shown) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ => "",
        };
        let mut directory = mount.point;
        let mut groups = vec![directory.clone()];
        for name in below.split('/').filter(|name| !name.is_empty()) {
            if name == ".." {
                break;
            }
            directory = format!("{directory}/{name}");
            if self.exists(&directory) {
                groups.push(directory.clone());
            }
        }
        groups
    }

    fn own_group(&self, controller: &str) -> Option<String> {
        self.text("/proc/self/cgroup")?.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let controllers = fields.next()?;
            let group = fields.next()?;
            controllers
                .split(',')
                .any(|name| name == controller)
                .then(|| group.to_owned())
        })
    }

    fn mount(&self, controller: &str) -> Option<Mount> {
        self.text("/proc/self/mountinfo")?.lines().find_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let mut right = right.split(' ');
            let kind = right.next()?;
            let options = right.nth(1)?;
            let wanted = if controller.is_empty() {
                kind == "cgroup2"
            } else {
                kind == "cgroup" && options.split(',').any(|name| name == controller)
            };
            let mut left = left.split(' ').skip(3);
            let group = left.next()?.to_owned();
            let point = left.next()?.to_owned();
            wanted.then_some(Mount { group, point })
        })
    }
}
