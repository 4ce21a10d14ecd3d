//! As much of a 64-bit little-endian ELF file as the tests ask about.

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const SHF_ALLOC: u64 = 2;
const STT_OBJECT: u64 = 1;
const STT_FUNC: u64 = 2;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;

/// A file as it lies on the disk.
pub struct Elf {
    bytes: Vec<u8>,
}

struct Section {
    name: String,
    kind: u32,
    flags: u64,
    offset: usize,
    size: usize,
    link: usize,
}

struct Segment {
    kind: u32,
    offset: usize,
    address: u64,
    size: usize,
}

impl Elf {
    /// Reads `path`; panics where it is no such file.
    pub fn read(path: impl AsRef<std::path::Path>) -> Self {
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes[..6], *b"\x7fELF\x02\x01", "64 bits, little-endian");
        Self { bytes }
    }

    fn number(&self, at: usize, length: usize) -> u64 {
        let bytes = &self.bytes[at..at + length];
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn text(&self, at: usize) -> String {
        let length = self.bytes[at..].iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8_lossy(&self.bytes[at..at + length]).into_owned()
    }

    fn segments(&self) -> Vec<Segment> {
        let (table, each) = (self.number(0x20, 8) as usize, self.number(0x36, 2) as usize);
        (0..self.number(0x38, 2) as usize)
            .map(|index| table + index * each)
            .map(|at| Segment {
                kind: self.number(at, 4) as u32,
                offset: self.number(at + 8, 8) as usize,
                address: self.number(at + 16, 8),
                size: self.number(at + 32, 8) as usize,
            })
            .collect()
    }

    fn sections(&self) -> Vec<Section> {
        let (table, each) = (self.number(0x28, 8) as usize, self.number(0x3a, 2) as usize);
        let names = table + self.number(0x3e, 2) as usize * each;
        let count = if table == 0 {
            0
        } else {
            self.number(0x3c, 2) as usize
        };
        (0..count)
            .map(|index| table + index * each)
            .map(|at| Section {
                name: self.text(self.number(names + 24, 8) as usize + self.number(at, 4) as usize),
                kind: self.number(at + 4, 4) as u32,
                flags: self.number(at + 8, 8),
                offset: self.number(at + 24, 8) as usize,
                size: self.number(at + 32, 8) as usize,
                link: self.number(at + 40, 4) as usize,
            })
            .collect()
    }

    /// Bytes of a section; 0 where there is none of that name.
    pub fn section_size(&self, name: &str) -> usize {
        let sections = self.sections();
        sections
            .iter()
            .find(|section| section.name == name)
            .map_or(0, |section| section.size)
    }

    /// Whether a loader has to be asked to start it.
    pub fn is_dynamic(&self) -> bool {
        let asks = |segment: &Segment| [PT_INTERP, PT_DYNAMIC].contains(&segment.kind);
        self.segments().iter().any(asks)
    }

    /// The shared libraries it names.
    pub fn needed(&self) -> Vec<String> {
        let segments = self.segments();
        let Some(dynamic) = segments.iter().find(|segment| segment.kind == PT_DYNAMIC) else {
            return Vec::new();
        };
        let entries: Vec<(u64, u64)> = (0..dynamic.size / 16)
            .map(|index| dynamic.offset + index * 16)
            .map(|at| (self.number(at, 8), self.number(at + 8, 8)))
            .collect();
        let strings = entries.iter().find(|(tag, _)| *tag == DT_STRTAB).unwrap().1;
        let holder = segments
            .iter()
            .find(|segment| {
                segment.kind == PT_LOAD
                    && (segment.address..segment.address + segment.size as u64).contains(&strings)
            })
            .unwrap();
        let table = holder.offset + (strings - holder.address) as usize;
        let needed = entries.iter().filter(|(tag, _)| *tag == DT_NEEDED);
        needed
            .map(|(_, name)| self.text(table + *name as usize))
            .collect()
    }

    /// The names of its functions and constants; none where it was stripped. The linker also leaves the
    /// names of object files of which it kept nothing.
    pub fn symbols(&self) -> Vec<String> {
        let sections = self.sections();
        let Some(table) = sections.iter().find(|section| section.kind == SHT_SYMTAB) else {
            return Vec::new();
        };
        let names = sections[table.link].offset;
        (0..table.size / 24)
            .map(|index| table.offset + index * 24)
            .filter(|at| [STT_OBJECT, STT_FUNC].contains(&(self.number(at + 4, 1) & 0xf)))
            .map(|at| self.number(at, 4) as usize)
            .map(|name| self.text(names + name))
            .collect()
    }

    /// Whether `text` stands in what is loaded: constants and code, not what debuggers read.
    pub fn loads(&self, text: &str) -> bool {
        let loaded =
            |section: &&Section| section.kind == SHT_PROGBITS && section.flags & SHF_ALLOC != 0;
        self.sections().iter().filter(loaded).any(|section| {
            let bytes = &self.bytes[section.offset..section.offset + section.size];
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        })
    }
}
