//! `word key=value key=value`.

use std::fmt::{Display, Write};
use std::str::FromStr;

/// Why a line could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The first word is none of the protocol's.
    #[error("`{word}` is no word of the protocol, in the line `{line}`")]
    Word {
        /// The word.
        word: String,
        /// The line, shortened.
        line: String,
    },
    /// A key that must be there is not.
    #[error("`{key}=` is missing in the line `{line}`")]
    Missing {
        /// The key.
        key: &'static str,
        /// The line, shortened.
        line: String,
    },
    /// A value is not what the key takes.
    #[error("`{key}={value}` is no {expected}, in the line `{line}`")]
    Value {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
        /// The line, shortened.
        line: String,
    },
}

/// A line taken apart.
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    line: &'a str,
    /// The first word.
    pub word: &'a str,
    pairs: Vec<(&'a str, &'a str)>,
}

/// The beginning of a line that may be long or hostile.
pub(super) fn shortened(line: &str) -> String {
    line.chars()
        .take(120)
        .flat_map(char::escape_debug)
        .collect()
}

impl<'a> Pairs<'a> {
    /// Takes a line apart; never fails, since what it holds is judged key by key.
    pub fn of(line: &'a str) -> Self {
        let mut words = line.trim_end().split(' ').filter(|word| !word.is_empty());
        let word = words.next().unwrap_or_default();
        let pairs = words
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .collect();
        Self { line, word, pairs }
    }

    /// The value of a key, as text.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.pairs
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| *value)
    }

    /// The value of a key that may be missing.
    ///
    /// # Errors
    /// [`LineError::Value`] if it is there and cannot be read.
    pub fn optional<T: FromStr>(
        &self,
        key: &str,
        expected: &'static str,
    ) -> Result<Option<T>, LineError> {
        match self.text(key) {
            None => Ok(None),
            Some(value) => match value.parse() {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(self.bad_value(key, value, expected)),
            },
        }
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// [`LineError::Missing`] and [`LineError::Value`].
    pub fn required<T: FromStr>(
        &self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<T, LineError> {
        self.optional(key, expected)?
            .ok_or_else(|| LineError::Missing {
                key,
                line: shortened(self.line),
            })
    }

    /// A value that was read and is not what it should be.
    pub fn bad_value(&self, key: &str, value: &str, expected: &'static str) -> LineError {
        LineError::Value {
            key: key.to_owned(),
            value: shortened(value),
            expected,
            line: shortened(self.line),
        }
    }

    /// A first word that nobody knows.
    pub fn unknown_word(&self) -> LineError {
        LineError::Word {
            word: shortened(self.word),
            line: shortened(self.line),
        }
    }
}

/// Appends ` key=value`.
pub(super) fn put(line: &mut String, key: &str, value: impl Display) {
    // Writing to a string cannot fail.
    let _ = write!(line, " {key}={value}");
}

/// Appends ` key=value` where there is a value.
pub(super) fn put_some(line: &mut String, key: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        put(line, key, value);
    }
}

/// Makes one word of any text.
pub fn escape(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' => word.push_str("%20"),
            '%' => word.push_str("%25"),
            '\n' => word.push_str("%0A"),
            '\r' => word.push_str("%0D"),
            ',' => word.push_str("%2C"),
            c => word.push(c),
        }
    }
    word
}

/// Undoes [`escape`]; a percent sign that begins no escape stays as it is.
pub fn unescape(word: &str) -> String {
    word.replace("%20", " ")
        .replace("%0A", "\n")
        .replace("%0D", "\r")
        .replace("%2C", ",")
        .replace("%25", "%")
}
