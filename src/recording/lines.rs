//! Lines of a file of any size, one at a time, in bounded memory.

use std::io::{self, BufRead};

/// The longest line that is kept, in bytes: a trial's takes a few thousand.
pub(super) const LONGEST_LINE: usize = 4 << 20;

/// A line as it stands in a file.
pub(super) struct RawLine {
    /// Its bytes without the line end; `None` where it is longer than [`LONGEST_LINE`].
    pub(super) bytes: Option<Vec<u8>>,
    /// Bytes it takes up in the file, the line end included.
    pub(super) length: u64,
    /// Whether it has a line end: the last line of a file that was cut off has none.
    pub(super) ended: bool,
}

/// Reads one line; `None` at the end.
pub(super) fn next_line(reader: &mut impl BufRead) -> io::Result<Option<RawLine>> {
    let mut line = RawLine {
        bytes: Some(Vec::new()),
        length: 0,
        ended: false,
    };
    while !line.ended {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            break;
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let text = &available[..end.unwrap_or(available.len())];
        match &mut line.bytes {
            Some(bytes) if bytes.len() + text.len() <= LONGEST_LINE => bytes.extend(text),
            kept => *kept = None,
        }
        line.ended = end.is_some();
        let used = text.len() + usize::from(line.ended);
        line.length += used as u64;
        reader.consume(used);
    }
    Ok((line.length > 0).then_some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_cut_off_or_too_long_but_never_lost() {
        let long = vec![b'x'; LONGEST_LINE + 1];
        let text = [b"one\n\n".as_slice(), &long, b"\nlast"].concat();
        let mut reader = io::BufReader::new(text.as_slice());
        let mut seen = Vec::new();
        while let Some(line) = next_line(&mut reader).unwrap() {
            seen.push((line.bytes.map(|b| b.len()), line.length, line.ended));
        }
        let long = LONGEST_LINE as u64 + 2;
        assert_eq!(
            seen,
            [
                (Some(3), 4, true),
                (Some(0), 1, true),
                (None, long, true),
                (Some(4), 4, false)
            ]
        );
    }
}
