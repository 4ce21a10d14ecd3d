//! Colours: one for each mechanism, the same in every chart, in light and in dark.
//!
//! So many hues cannot all be told apart by everyone, so colour never stands alone: neighbours differ
//! in lightness too, every line ends in its own marker, and labels stand at the lines. The hues start
//! from Okabe and Ito's ("Color Universal Design", 2008), darkened or lightened until each has a
//! contrast of at least 3:1 against its background.

use plotters::style::RGBColor;

use crate::server::{MODELS, Model};

/// A colour with its two faces and the CSS class that switches between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink {
    /// The class, and the name of the custom property: `c7`, `--c7`.
    pub class: &'static str,
    /// In light. No two inks share it: it is how a drawn colour finds its class.
    pub light: u32,
    /// In dark.
    pub dark: u32,
}

impl Ink {
    const fn new(class: &'static str, light: u32, dark: u32) -> Self {
        Self { class, light, dark }
    }

    /// The light face, as plotters takes it.
    pub fn rgb(self) -> RGBColor {
        let [_, r, g, b] = self.light.to_be_bytes();
        RGBColor(r, g, b)
    }
}

/// What a chart lies on.
pub(super) const PAPER: Ink = Ink::new("c0", 0xFF_FF_FE, 0x1A_1D_23);
/// Text.
pub(super) const TEXT: Ink = Ink::new("c1", 0x1B_1E_25, 0xEC_EA_E4);
/// Text that explains.
pub(super) const MUTED: Ink = Ink::new("c2", 0x5D_63_6F, 0xA3_A8_B3);
/// Grid lines.
pub(super) const GRID: Ink = Ink::new("c3", 0xE3_E1_DA, 0x31_35_3E);
/// Axes and ticks.
pub(super) const AXIS: Ink = Ink::new("c4", 0xA9_A8_A1, 0x5A_60_6C);

/// The shape a mechanism's points have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Diamond,
    Up,
    Down,
    Cross,
    Plus,
    HollowCircle,
    HollowSquare,
    HollowDiamond,
    HollowUp,
    HollowDown,
    Left,
    Right,
}

/// How a mechanism looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub ink: Ink,
    pub marker: Marker,
}

const fn look(class: &'static str, light: u32, dark: u32, marker: Marker) -> Look {
    Look {
        ink: Ink::new(class, light, dark),
        marker,
    }
}

/// The mechanisms that ship, in the order in which a reader meets them.
const MECHANISMS: [(&str, Look); 14] = [
    ("null", look("c10", 0x75_7B_87, 0x98_9E_AA, Marker::Plus)),
    ("fork", look("c11", 0xD1_49_05, 0xFF_85_4A, Marker::Circle)),
    ("vfork", look("c12", 0x00_64_B0, 0x62_B2_FF, Marker::Square)),
    (
        "clone-vm",
        look("c13", 0x1C_93_C7, 0x8A_DC_FF, Marker::HollowDiamond),
    ),
    ("clone3", look("c14", 0xB4_74_00, 0xF7_BE_45, Marker::Up)),
    (
        "fork-exec",
        look("c15", 0x8E_2C_10, 0xFF_B8_9C, Marker::HollowCircle),
    ),
    (
        "vfork-exec",
        look("c16", 0x22_3F_8E, 0xAB_C2_FF, Marker::HollowSquare),
    ),
    (
        "posix_spawn",
        look("c17", 0x00_83_5E, 0x3F_D9_A8, Marker::Diamond),
    ),
    ("command", look("c18", 0x55_7A_08, 0xB2_DE_62, Marker::Down)),
    (
        "command-fork",
        look("c19", 0xAE_3F_84, 0xF5_97_CB, Marker::Cross),
    ),
    (
        "pthread",
        look("c20", 0x7C_5C_C8, 0xBD_A6_FF, Marker::HollowUp),
    ),
    (
        "thread",
        look("c21", 0x55_27_84, 0xDC_BF_FF, Marker::HollowDown),
    ),
    (
        "cow-parent",
        look("c28", 0xC2_28_2D, 0xFF_8B_86, Marker::Left),
    ),
    (
        "cow-child",
        look("c29", 0x0B_7A_75, 0x5F_D4_CD, Marker::Right),
    ),
];

/// Both sides of a comparison: a blue and a vermilion, which those who see no red or no green tell apart.
pub(super) fn sides() -> [Ink; 2] {
    [look_of("vfork").ink, look_of("fork").ink]
}

/// Channels have the colour of what carries them; charts of theirs name each row.
const FILES: Ink = Ink::new("c30", 0x7A_52_00, 0xE0_B8_66);
const STREAMS: Ink = Ink::new("c31", 0x0A_5F_A8, 0x74_B8_FF);
const SIGNALS: Ink = Ink::new("c32", 0xA8_32_6E, 0xFF_9B_C8);
const COUNTERS: Ink = Ink::new("c33", 0x5B_3F_A6, 0xC3_AD_FF);
const MEMORY: Ink = Ink::new("c34", 0x0E_7C_4A, 0x5E_DD_A0);
const CARRIERS: [Ink; 5] = [FILES, STREAMS, SIGNALS, COUNTERS, MEMORY];

/// The channels, in the order in which a reader meets them.
const CHANNELS: [(&str, Ink); 11] = [
    ("ipc:file-inotify", FILES),
    ("ipc:file-poll", FILES),
    ("ipc:pipe", STREAMS),
    ("ipc:unix", STREAMS),
    ("ipc:tcp", STREAMS),
    ("ipc:signal", SIGNALS),
    ("ipc:posix-sem", COUNTERS),
    ("ipc:sysv-sem", COUNTERS),
    ("ipc:eventfd", COUNTERS),
    ("ipc:futex", MEMORY),
    ("ipc:spin", MEMORY),
];

/// For mechanisms of other subjects.
const OTHERS: [Look; 6] = [
    look("c22", 0x3F_6B_6F, 0x9A_CF_D2, Marker::HollowSquare),
    look("c23", 0x8A_5A_3C, 0xDB_B0_93, Marker::HollowCircle),
    look("c24", 0x9A_2C_4E, 0xFF_9D_B5, Marker::Square),
    look("c25", 0x4A_55_A6, 0xA9_B3_FF, Marker::Diamond),
    look("c26", 0x6B_6A_00, 0xD9_D6_6A, Marker::Up),
    look("c27", 0x2F_7A_3D, 0x8F_DA_9C, Marker::HollowDiamond),
];

const PLAIN: [Ink; 5] = [PAPER, TEXT, MUTED, GRID, AXIS];

/// How `mechanism` looks; one that is not known gets a look that depends on its name alone. A server looks like the
/// mechanism that it answers with.
pub(super) fn look_of(mechanism: &str) -> Look {
    let mechanism = match Model::named(mechanism) {
        Some(model) => model.short_name(),
        None => mechanism,
    };
    if let Some((_, look)) = MECHANISMS.iter().find(|(name, _)| *name == mechanism) {
        return *look;
    }
    if let Some((_, ink)) = CHANNELS.iter().find(|(name, _)| *name == mechanism) {
        return Look {
            ink: *ink,
            marker: Marker::Circle,
        };
    }
    // Pools start nothing while they are measured.
    match mechanism {
        "prefork" => return OTHERS[2],
        "thread-pool" => return OTHERS[3],
        _ => {}
    }
    // FNV-1a: the standard library's hasher may change between releases.
    let hash = mechanism
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    OTHERS[(hash % OTHERS.len() as u64) as usize]
}

/// Where a mechanism stands among those that ship; unknown ones come after them.
pub(super) fn rank_of(mechanism: &str) -> usize {
    let mechanisms = MECHANISMS.iter().map(|(name, _)| *name);
    let channels = CHANNELS.iter().map(|(name, _)| *name);
    let servers = MODELS.iter().map(|model| model.name);
    let mut all = mechanisms.chain(channels).chain(servers);
    all.position(|name| name == mechanism)
        .unwrap_or(MECHANISMS.len() + CHANNELS.len() + MODELS.len())
}

fn all() -> impl Iterator<Item = Ink> {
    let known = MECHANISMS.iter().map(|(_, look)| look.ink);
    PLAIN
        .into_iter()
        .chain(known)
        .chain(CARRIERS)
        .chain(OTHERS.iter().map(|look| look.ink))
}

/// The class of a colour that was drawn in its light face; text's for one that is no ink.
pub(super) fn class_of((r, g, b): (u8, u8, u8)) -> &'static str {
    let value = u32::from_be_bytes([0, r, g, b]);
    all()
        .find(|ink| ink.light == value)
        .map_or(TEXT.class, |ink| ink.class)
}

/// The style sheet of all charts: the inks as custom properties, and what the classes mean.
pub(super) fn css() -> String {
    css_with(|_| true)
}

/// The style sheet of one chart: the inks that stand in it, and paper.
pub(super) fn css_of(svg: &str) -> String {
    css_with(|ink| ink == PAPER || svg.contains(&format!("\"{} ", ink.class)))
}

fn css_with(is_wanted: impl Fn(Ink) -> bool) -> String {
    let inks: Vec<Ink> = all().filter(|&ink| is_wanted(ink)).collect();
    let properties = |face: fn(Ink) -> u32| -> String {
        let property = |ink: &Ink| format!("--{}:#{:06x};", ink.class, face(*ink));
        inks.iter().map(property).collect()
    };
    let (light, dark) = (properties(|ink| ink.light), properties(|ink| ink.dark));
    let class = |ink: &Ink| format!(".{0}{{color:var(--{0})}}", ink.class);
    let classes: String = inks.iter().map(class).collect();
    format!(
        ":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}{classes}\
         .f{{fill:currentColor}}.s{{fill:none;stroke:currentColor;stroke-linejoin:round;\
         stroke-linecap:round}}.t{{fill:currentColor;font-family:ForkbenchInter,Inter,system-ui,\
         sans-serif}}.m{{text-anchor:middle}}.e{{text-anchor:end}}.b{{font-weight:600}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(rgb: u32) -> f64 {
        let [_, r, g, b] = rgb.to_be_bytes();
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.03928 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn every_mechanism_can_be_seen_on_its_paper() {
        let looks = MECHANISMS.iter().map(|(_, look)| look).chain(&OTHERS);
        for Look { ink, .. } in looks {
            assert!(contrast(ink.light, PAPER.light) >= 3.0, "{ink:?}");
            assert!(contrast(ink.dark, PAPER.dark) >= 3.0, "{ink:?}");
        }
        for ink in CARRIERS {
            assert!(contrast(ink.light, PAPER.light) >= 3.0, "{ink:?}");
            assert!(contrast(ink.dark, PAPER.dark) >= 3.0, "{ink:?}");
        }
        for ink in [TEXT, MUTED] {
            assert!(contrast(ink.light, PAPER.light) >= 4.5, "{ink:?}");
            assert!(contrast(ink.dark, PAPER.dark) >= 4.5, "{ink:?}");
        }
    }

    #[test]
    fn no_two_inks_and_no_two_markers_are_the_same() {
        let mut lights: Vec<u32> = all().map(|ink| ink.light).collect();
        let count = lights.len();
        lights.sort_unstable();
        lights.dedup();
        assert_eq!(lights.len(), count);
        for (index, (name, look)) in MECHANISMS.iter().enumerate() {
            let twin = MECHANISMS[..index]
                .iter()
                .find(|(_, other)| other.marker == look.marker);
            assert_eq!(twin, None, "{name}");
        }
    }

    #[test]
    fn every_channel_has_a_colour() {
        let known: Vec<&str> = crate::channel::CHANNELS.iter().map(|it| it.name).collect();
        assert_eq!(CHANNELS.map(|(name, _)| name).as_slice(), known);
    }

    #[test]
    fn a_mechanism_nobody_knows_keeps_its_look() {
        assert_eq!(look_of("subprocess"), look_of("subprocess"));
        assert_eq!(class_of((1, 2, 3)), TEXT.class);
        assert_eq!(class_of((0xD1, 0x49, 0x05)), look_of("fork").ink.class);
    }
}
