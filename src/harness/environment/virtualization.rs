//! What the host is virtualised by.

use super::Environment;

/// Words of firmware (`/sys/class/dmi/id`) and the hypervisor each stands for.
const FIRMWARE: [(&str, &str); 11] = [
    ("VMware", "vmware"),
    ("innotek GmbH", "virtualbox"),
    ("VirtualBox", "virtualbox"),
    ("Parallels", "parallels"),
    ("Apple Virtualization", "apple"),
    ("Virtual Machine", "hyper-v"),
    ("Xen", "xen"),
    ("Amazon EC2", "kvm"),
    ("Google Compute Engine", "kvm"),
    ("QEMU", "kvm"),
    ("KVM", "kvm"),
];

/// Files that a container engine leaves in a container.
const ENGINES: [(&str, &str); 2] = [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")];

/// Words in the path of a container's control group.
const GROUPS: [(&str, &str); 4] = [
    ("kubepods", "kubernetes"),
    ("docker", "docker"),
    ("lxc", "lxc"),
    ("machine.slice", "systemd-nspawn"),
];

impl Environment {
    /// The hypervisor and the container, as in `kvm`, `kvm (nested)`, `none`, `xen, in docker`.
    pub(super) fn virtualization(&self) -> Option<String> {
        let machine = self.machine();
        let container = self.container();
        match (machine, container) {
            (Some(machine), Some(container)) => Some(format!("{machine}, in {container}")),
            (Some(machine), None) => Some(machine),
            (None, Some(container)) => Some(format!("unknown, in {container}")),
            (None, None) => None,
        }
    }

    fn machine(&self) -> Option<String> {
        let release = self.text("/proc/sys/kernel/osrelease").unwrap_or_default();
        if release.to_ascii_lowercase().contains("microsoft") {
            return Some("hyper-v (WSL)".to_owned());
        }
        // gVisor answers for a kernel of its own, always with this build.
        let version = self.text("/proc/sys/kernel/version").unwrap_or_default();
        if release == "4.4.0" && version.contains("Sun Jan 10 15:06:54 PST 2016") {
            return Some("gvisor".to_owned());
        }
        let hypervisor = self.hypervisor()?;
        if hypervisor != "none" && self.nested() {
            return Some(format!("{hypervisor} (nested)"));
        }
        Some(hypervisor)
    }

    fn hypervisor(&self) -> Option<String> {
        if let Some(kind) = self.text("/sys/hypervisor/type") {
            return Some(kind);
        }
        if let Some(compatible) = self.text("/proc/device-tree/hypervisor/compatible") {
            let name = compatible.split(',').next_back().unwrap_or(&compatible);
            return Some(name.to_owned());
        }
        let firmware = self.firmware();
        let by_firmware = FIRMWARE
            .iter()
            .find(|(word, _)| firmware.contains(word))
            .map(|(_, name)| (*name).to_owned());
        let by_clock = self.hypervisor_by_clock();
        match self.hypervisor_flag() {
            // EC2 names itself on bare metal too.
            Some(false) => Some("none".to_owned()),
            Some(true) => by_firmware
                .or(by_clock)
                .or_else(|| Some("unknown hypervisor".to_owned())),
            // aarch64 has no such flag.
            None if firmware.contains(".metal") => Some("none".to_owned()),
            None => by_firmware
                .or(by_clock)
                .or_else(|| (!firmware.is_empty()).then(|| "none".to_owned())),
        }
    }

    /// The `hypervisor` bit of the CPU; `None` where CPUs have no such bit.
    fn hypervisor_flag(&self) -> Option<bool> {
        let text = self.text("/proc/cpuinfo")?;
        let flags = text.lines().find(|line| line.starts_with("flags"))?;
        Some(flags.split_whitespace().any(|flag| flag == "hypervisor"))
    }

    fn hypervisor_by_clock(&self) -> Option<String> {
        let sources =
            self.text("/sys/devices/system/clocksource/clocksource0/available_clocksource")?;
        [("kvm-clock", "kvm"), ("hyperv", "hyper-v"), ("xen", "xen")]
            .iter()
            .find(|(word, _)| sources.contains(word))
            .map(|(_, name)| (*name).to_owned())
    }

    fn firmware(&self) -> String {
        ["sys_vendor", "product_name", "bios_vendor", "board_vendor"]
            .iter()
            .filter_map(|name| self.text(&format!("/sys/class/dmi/id/{name}")))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// A guest cannot see how deep it is. A pagetable-based virtual machine (PVM), made for running
    /// inside another guest, is told so on its kernel's command line.
    fn nested(&self) -> bool {
        let line = self.kernel_parameters().unwrap_or_default();
        line.split_whitespace().any(|word| {
            word == "nested_pvm" || word.strip_prefix("nested_pvm=").is_some_and(|on| on != "0")
        })
    }

    fn container(&self) -> Option<String> {
        if let Some(name) = self.text("/run/systemd/container") {
            return Some(name);
        }
        if let Some((_, name)) = ENGINES.iter().find(|(path, _)| self.exists(path)) {
            return Some((*name).to_owned());
        }
        let environment = self.text("/proc/1/environ").unwrap_or_default();
        let named = environment
            .split('\0')
            .find_map(|pair| pair.strip_prefix("container="));
        if let Some(name) = named.filter(|name| !name.is_empty()) {
            return Some(name.to_owned());
        }
        let groups = self.text("/proc/1/cgroup")?;
        GROUPS
            .iter()
            .find(|(word, _)| groups.contains(word))
            .map(|(_, name)| (*name).to_owned())
    }
}
