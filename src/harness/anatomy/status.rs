//! What `stat` and `status` say of a process. Both can be read by everybody.

/// What a process's `stat` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::harness) struct Stat {
    /// Its name, as it gave it to itself.
    pub(in crate::harness) name: String,
    /// `R`, `S`, `Z`, …
    pub(super) state: char,
    /// Its parent's pid.
    pub(in crate::harness) parent: i32,
    /// Its process group.
    pub(in crate::harness) group: i32,
    /// Whether it is a thread of the kernel.
    pub(super) kernel: bool,
    /// When it began, in ticks after the boot: tells it from another that has its pid later.
    pub(super) began: u64,
}

/// `PF_KTHREAD` of include/linux/sched.h.
const KERNEL_THREAD: u64 = 0x0020_0000;

impl Stat {
    /// Reads a line of `stat`. A name may hold blanks and brackets itself: the last bracket ends it.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let open = text.iter().position(|&byte| byte == b'(')?;
        let close = text.iter().rposition(|&byte| byte == b')')?;
        let name = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
        let rest = std::str::from_utf8(text.get(close + 1..)?).ok()?;
        // Numbered as in proc_pid_stat(5), where the state is field 3.
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Self {
            name,
            state: field(3)?.chars().next()?,
            parent: field(4)?.parse().ok()?,
            group: field(5)?.parse().ok()?,
            kernel: field(9)?.parse::<u64>().ok()? & KERNEL_THREAD != 0,
            began: field(22)?.parse().ok()?,
        })
    }

    /// Whether it has ended.
    pub(in crate::harness) fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// What `status` says, in bytes and counts; `None` is a line that is not there, as of a process that has
/// let go of its memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The process that a thread's id belongs to.
    pub process: Option<i32>,
    /// Resident bytes.
    pub rss: Option<u64>,
    /// Of those, anonymous ones.
    pub anonymous: Option<u64>,
    /// Bytes of page tables.
    pub page_tables: Option<u64>,
    /// Bytes in swap.
    pub swap: Option<u64>,
    /// Bytes that are pinned for a device.
    pub pinned: Option<u64>,
    /// Bytes in reserved huge pages.
    pub hugetlb: Option<u64>,
    /// Threads, the main one included.
    pub threads: Option<u64>,
    /// Room in the table of descriptors: never fewer than are open.
    pub descriptors: Option<u64>,
}

impl Status {
    /// Reads `status`. Lines that it does not know are left alone.
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut status = Self::default();
        for line in text.split(|&byte| byte == b'\n') {
            let Some((key, value)) = field(line) else {
                continue;
            };
            let kib = Some(value.saturating_mul(1024));
            match key {
                b"Tgid" => status.process = i32::try_from(value).ok(),
                b"VmRSS" => status.rss = kib,
                b"RssAnon" => status.anonymous = kib,
                b"VmPTE" => status.page_tables = kib,
                b"VmSwap" => status.swap = kib,
                b"VmPin" => status.pinned = kib,
                b"HugetlbPages" => status.hugetlb = kib,
                b"Threads" => status.threads = Some(value),
                b"FDSize" => status.descriptors = Some(value),
                _ => {}
            }
        }
        status
    }
}

/// The key of a line and the number that follows it: `Rss:     12 kB` is 12.
pub(super) fn field(line: &[u8]) -> Option<(&[u8], u64)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let value = line[colon + 1..].trim_ascii_start();
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit());
    let digits = std::str::from_utf8(&value[..digits.count()]).ok()?;
    Some((&line[..colon], digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pose_as_the_rest_of_its_line() {
        let line = b"4711 (a) Z 1 (b\x1b) S 7 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 0 1 0 24 0 0 18446744073709551615\n";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(stat.name, "a) Z 1 (b\u{1b}");
        assert_eq!((stat.state, stat.parent, stat.began), ('S', 7, 24));
        assert!(stat.kernel && !stat.has_ended());
        let user = b"1 (sh) Z 1 1 1 0 -1 4194560 0 0 0 0 0 1 0 0 20 0 1 0 99 0 0";
        let stat = Stat::parse(user).unwrap();
        assert!(!stat.kernel && stat.has_ended());
    }

    #[test]
    fn half_a_line_is_none() {
        for line in [
            "",
            "1",
            "1 (",
            "1 )(",
            "1 (sh) S 1 1",
            "1 (sh) S x 1 1 0 -1 0",
        ] {
            assert_eq!(Stat::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn sizes_are_bytes_and_what_is_missing_is_not_known() {
        let text = b"Name:\tVmRSS: 1 kB\nTgid:\t12\nVmRSS:\t    1668 kB\nVmSwap:\t\nVmPTE: 99999999999999999999 kB\nThreads:\t3\n";
        let status = Status::parse(text);
        assert_eq!(status.process, Some(12));
        assert_eq!(status.rss, Some(1668 << 10));
        assert_eq!(status.threads, Some(3));
        assert_eq!(
            (status.swap, status.page_tables, status.anonymous),
            (None, None, None)
        );
    }
}
