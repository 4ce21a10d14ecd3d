//! Versions of interpreters, as far as they are compared.

use std::fmt;
use std::str::FromStr;

/// The most numbers that are read of a version.
const PARTS: usize = 4;

/// Numbers with dots between them: `3.10`, `20.20.2`. `3.10` and `3.10.0` are one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Version([u32; PARTS]);

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version; write numbers with dots, as in `3.8`")]
pub struct VersionError(String);

impl Version {
    /// The first version that stands in what an interpreter says of itself: of `Python 3.11.7` or `v20.20.2`.
    pub fn found_in(text: &str) -> Option<Self> {
        let is_part = |c: char| c.is_ascii_digit() || c == '.';
        let words = text.split(|c: char| !is_part(c));
        words
            .map(|word| word.trim_matches('.'))
            .filter(|word| word.contains('.'))
            .find_map(|word| word.parse().ok())
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let error = || VersionError(text.chars().take(40).collect());
        let mut parts = [0; PARTS];
        let mut words = text.split('.');
        for (index, word) in words.by_ref().take(PARTS).enumerate() {
            let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
            parts[index] = word.parse().ok().filter(|_| digits).ok_or_else(error)?;
        }
        match words.next() {
            None => Ok(Self(parts)),
            Some(_) => Err(error()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self
            .0
            .iter()
            .rposition(|&part| part > 0)
            .unwrap_or(0)
            .max(1);
        let parts = self.0.iter().take(said + 1);
        let parts: Vec<String> = parts.map(ToString::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("3.8") < version("3.10"));
        assert!(version("3.10") < version("3.10.1"));
        assert_eq!(version("3.10"), version("3.10.0"));
        assert_eq!(version("3.10.0").to_string(), "3.10");
        assert_eq!(version("20").to_string(), "20.0");
        for wrong in ["", "3.", ".8", "3.x", "+3.8", "1.2.3.4.5", "3.99999999999"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_version_is_found_in_what_interpreters_say() {
        let found = |text| Version::found_in(text).map(|version| version.to_string());
        assert_eq!(found("Python 3.11.7\n").as_deref(), Some("3.11.7"));
        assert_eq!(found("v20.20.2\n").as_deref(), Some("20.20.2"));
        let ruby = "ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]";
        assert_eq!(found(ruby).as_deref(), Some("3.1.2"));
        assert_eq!(found("Python 3.13.0a1+"), Some("3.13".to_owned()));
        assert_eq!(found("no version here."), None);
    }
}
