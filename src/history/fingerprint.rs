//! Which host, and which kernel.

use std::fmt;

use serde_json::{Map, Value};

use super::digest::Digest;
use crate::comparison::{host_traits, kernel_traits};
use crate::recording::Host;

/// What tells one host from another, whatever its kernel: 16 hexadecimal digits.
///
/// It is made of all that `forkbench compare` holds against two runs (the host's name, CPU, C library,
/// virtualisation, clock source, governor, THP and so on), except for what comes with the kernel. A new kernel is
/// something that happens to a host, and a trend goes on across it; other memory settings make it another host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostFingerprint(pub String);

impl fmt::Display for HostFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host or a kernel as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHost {
    /// What tells it from others.
    pub fingerprint: HostFingerprint,
    /// The host's name, or the kernel's release.
    pub name: String,
    /// What the fingerprint was made from, as a JSON object; null is "not known".
    pub traits: String,
}

/// Bytes of a trait that are kept.
const LONGEST: usize = 1_024;

impl StoredHost {
    /// The host of a run, under another name if one is given.
    pub(super) fn of(host: &Host, name: Option<&str>) -> Self {
        let mut host = host.clone();
        if let Some(name) = name {
            name.clone_into(&mut host.name);
        }
        Self::made(&host.name, host_traits(&host))
    }

    /// The kernel of a run.
    pub(super) fn kernel_of(host: &Host) -> Self {
        Self::made(&host.kernel, kernel_traits(host))
    }

    fn made(name: &str, traits: Vec<(String, Option<String>)>) -> Self {
        let mut digest = Digest::new();
        let mut object = Map::new();
        for (name, value) in traits {
            let value = value.map(|value| clipped(&value, LONGEST).to_owned());
            digest.add(name.as_bytes());
            // None and an empty text are two things.
            digest.add_number(u64::from(value.is_some()));
            digest.add(value.as_deref().unwrap_or_default().as_bytes());
            object.insert(name, value.map_or(Value::Null, Value::String));
        }
        Self {
            fingerprint: HostFingerprint(digest.to_string()),
            name: clipped(name, LONGEST).to_owned(),
            traits: Value::Object(object).to_string(),
        }
    }
}

/// The beginning of a text, of at most `bytes` bytes.
pub(super) fn clipped(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host {
            name: "alpha".to_owned(),
            kernel: "6.18.0".to_owned(),
            cpu: Some("a CPU".to_owned()),
            thp: Some("madvise".to_owned()),
            ..Host::default()
        }
    }

    fn fingerprint(change: impl FnOnce(&mut Host)) -> HostFingerprint {
        let mut changed = host();
        change(&mut changed);
        StoredHost::of(&changed, None).fingerprint
    }

    #[test]
    fn a_kernel_makes_no_other_host_and_a_setting_does() {
        let same = fingerprint(|_| {});
        assert_eq!(same.0.len(), 16);
        assert_eq!(fingerprint(|host| host.kernel = "6.19.0".to_owned()), same);
        assert_eq!(
            fingerprint(|host| host.boot_id = Some("b".to_owned())),
            same
        );
        assert_eq!(fingerprint(|host| host.memory = Some(1)), same);
        assert_ne!(
            fingerprint(|host| host.thp = Some("always".to_owned())),
            same
        );
        assert_ne!(fingerprint(|host| host.thp = None), same);
        assert_ne!(fingerprint(|host| host.name = "beta".to_owned()), same);
        let named = StoredHost::of(&host(), Some("runner"));
        assert_eq!(named.name, "runner");
        assert_ne!(named.fingerprint, same);
    }

    #[test]
    fn a_kernel_is_told_by_its_build_and_mitigations() {
        let of = |change: fn(&mut Host)| {
            let mut changed = host();
            change(&mut changed);
            StoredHost::kernel_of(&changed)
        };
        let same = of(|_| {});
        assert_eq!(same.name, "6.18.0");
        assert_eq!(of(|host| host.thp = None), same);
        assert_ne!(of(|host| host.kernel_version = Some("#2".to_owned())), same);
        let mitigated = of(|host| {
            host.mitigations
                .insert("spectre_v2".to_owned(), "on".to_owned());
        });
        assert_ne!(mitigated.fingerprint, same.fingerprint);
        assert!(
            mitigated.traits.contains("spectre_v2"),
            "{}",
            mitigated.traits
        );
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(clipped("é", 1), "");
        let endless = "é".repeat(5_000);
        let host = Host {
            name: endless,
            ..host()
        };
        assert!(StoredHost::of(&host, None).name.len() <= LONGEST);
    }
}
