//! The axes of a footprint that are words, and their values.

use serde::{Deserialize, Serialize};

macro_rules! axis {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        pub enum $name { $($(#[$value_doc])* #[serde(rename = $text)] $value),+ }

        impl $name {
            /// Every value, the default first.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The word for this value in names, protocol and columns.
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }

            /// The value a word stands for.
            pub fn from_name(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == word)
            }
        }
    };
}

axis! {
    /// What the ballast is made of.
    Page {
        /// 4 KiB pages; transparent huge pages are switched off for the ballast.
        #[default] Base = "4k",
        /// Transparent huge pages of 2 MiB.
        Thp = "thp",
        /// Huge pages of 2 MiB from the kernel's reserved pool.
        Hugetlb = "hugetlb",
    }
}
axis! {
    /// How the ballast is mapped.
    Mapping {
        /// Private and anonymous: a heap.
        #[default] Private = "private",
        /// Shared and anonymous.
        Shared = "shared",
        /// A shared mapping of a file.
        File = "file",
        /// Private, with `MADV_DONTFORK`: the child does not get it.
        Dontfork = "dontfork",
        /// Private, with `MADV_WIPEONFORK`: the child gets zeros.
        Wipeonfork = "wipeonfork",
    }
}
axis! {
    /// What was done to every page of the ballast.
    Touch {
        /// One byte was written.
        #[default] Written = "written",
        /// One byte was read.
        Read = "read",
        /// Nothing.
        Untouched = "untouched",
    }
}
axis! {
    /// The order in which pages were first touched, and so how they lie in physical memory.
    Order {
        /// By rising address: neighbours in the ballast are neighbours in memory.
        #[default] Sequential = "sequential",
        /// In random order: neighbours in the ballast lie anywhere.
        Shuffled = "shuffled",
    }
}
axis! {
    /// What happens to the ballast between iterations.
    State {
        /// Nothing: after the first fork every page is write-protected already.
        #[default] Hot = "hot",
        /// Every page is written again, untimed: what a working parent looks like.
        Rewritten = "rewritten",
    }
}
