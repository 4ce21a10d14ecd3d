//! What the names that orders and cells use stand for.

use crate::channel::{self, Channel};
use crate::footprint::Footprint;
use crate::mechanism::{MECHANISMS, Mechanism, Phase};
use crate::server::{self, MODELS, Model};

/// Families of names: what stands before the colon of a name that is no way to start a child.
pub const FAMILIES: [&str; 2] = [channel::FAMILY, server::FAMILY];

/// The family that a name is of, as `ipc` of `ipc:pipe`.
pub fn family_of(name: &str) -> Option<&str> {
    let (family, _) = name.split_once(':')?;
    FAMILIES.contains(&family).then_some(family)
}

/// What forkbench's own subject knows by a name.
#[derive(Debug, Clone, Copy)]
pub enum Known {
    /// A way to start a child, or to write to what it shares.
    Mechanism(&'static Mechanism),
    /// A way to talk to one.
    Channel(&'static Channel),
    /// A way to serve.
    Server(&'static Model),
}

/// The phase that is spoken of, and judged, where none is named; mechanisms of foreign subjects start children.
pub fn headline(name: &str) -> Phase {
    Known::named(name).map_or(Phase::Call, Known::headline)
}

impl Known {
    /// What is known by that name.
    pub fn named(name: &str) -> Option<Self> {
        Mechanism::named(name)
            .map(Self::Mechanism)
            .or_else(|| Channel::named(name).map(Self::Channel))
            .or_else(|| Model::named(name).map(Self::Server))
    }

    /// Every name, in the order in which tables list them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let mechanisms = MECHANISMS.iter().map(|known| known.name);
        let channels = channel::CHANNELS.iter().map(|known| known.name);
        let servers = MODELS.iter().map(|known| known.name);
        mechanisms.chain(channels).chain(servers)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mechanism(known) => known.name,
            Self::Channel(known) => known.name,
            Self::Server(known) => known.name,
        }
    }

    /// What runs, in a line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Mechanism(known) => known.summary,
            Self::Channel(known) => known.summary,
            Self::Server(known) => known.summary,
        }
    }

    /// The phases it has, if children execute forkbench's own image.
    pub fn phases(self) -> &'static [Phase] {
        match self {
            Self::Mechanism(known) => known.phases,
            Self::Channel(_) => &Phase::CHANNEL,
            Self::Server(_) => &Phase::REQUESTS,
        }
    }

    /// Whether it has that phase; a foreign image does not say when its first instruction ran.
    pub fn has(self, phase: Phase, foreign_image: bool) -> bool {
        match self {
            Self::Mechanism(known) => known.has(phase, foreign_image),
            Self::Channel(_) | Self::Server(_) => self.phases().contains(&phase),
        }
    }

    /// The phase that is spoken of, and judged, where none is named.
    pub fn headline(self) -> Phase {
        match self {
            Self::Mechanism(known) => known.headline(),
            Self::Channel(_) => Phase::RoundTrip,
            Self::Server(_) => Phase::Response,
        }
    }

    /// Whether any phase of it takes iterations with a stamping child.
    pub fn stamps(self, foreign_image: bool) -> bool {
        match self {
            Self::Mechanism(known) => known.stamps(foreign_image),
            Self::Channel(_) | Self::Server(_) => false,
        }
    }

    /// Whether its children execute an image.
    pub fn executes(self) -> bool {
        match self {
            Self::Mechanism(known) => known.needs.image,
            Self::Channel(_) => false,
            Self::Server(known) => known.executes,
        }
    }

    /// Whether an iteration of it is a child's life: started, ended, reaped.
    pub fn starts_children(self) -> bool {
        match self {
            Self::Mechanism(known) => !known.writes(),
            Self::Channel(_) | Self::Server(_) => false,
        }
    }

    /// The mechanism, if it is one.
    pub fn mechanism(self) -> Option<&'static Mechanism> {
        match self {
            Self::Mechanism(known) => Some(known),
            Self::Channel(_) | Self::Server(_) => None,
        }
    }

    /// The channel, if it is one.
    pub fn channel(self) -> Option<&'static Channel> {
        match self {
            Self::Channel(known) => Some(known),
            Self::Mechanism(_) | Self::Server(_) => None,
        }
    }

    /// The model of a server, if it is one.
    pub fn model(self) -> Option<&'static Model> {
        match self {
            Self::Server(known) => Some(known),
            Self::Mechanism(_) | Self::Channel(_) => None,
        }
    }

    /// The smallest footprint at which it can be tried.
    pub fn smallest(self) -> Footprint {
        match self {
            Self::Mechanism(known) => known.smallest(),
            Self::Channel(_) | Self::Server(_) => Footprint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_for_one_thing_and_has_its_headline() {
        let names: Vec<&str> = Known::names().collect();
        for (index, name) in names.iter().enumerate() {
            let known = Known::named(name).unwrap();
            assert_eq!(known.name(), *name);
            assert!(known.has(known.headline(), false), "{name}");
            assert!(!names[..index].contains(name), "{name} stands twice");
            assert_eq!(family_of(name).is_some(), name.contains(':'), "{name}");
        }
        assert_eq!(family_of("python:os.fork"), None);
        assert_eq!(headline("os.fork"), Phase::Call);
        assert_eq!(headline("ipc:pipe"), Phase::RoundTrip);
    }
}
