//! How much of a reply has come: enough of HTTP/1.x to tell its end.

/// The longest head that is read, in bytes.
const LONGEST_HEAD: usize = 8 * 1024;

/// A reply as far as it has come. What a server sends is untrusted.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// Its head, until it is whole.
    head: Vec<u8>,
    /// What its head says.
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// The head is not whole.
    #[default]
    Head,
    /// So many bytes of the body are to come.
    Body(u64),
    /// The body ends with the connection.
    UntilClosed,
    /// It is whole, or not one that counts.
    Ended(bool),
}

impl Reply {
    /// Makes it as new; its room is kept.
    pub(super) fn clear(&mut self) {
        self.head.clear();
        self.state = State::Head;
    }

    /// Takes in what has come. `Some(true)`: the reply is whole and tells of success; `Some(false)`: it can't
    /// become that.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<bool> {
        match self.state {
            State::Head => self.take_head(bytes),
            State::Body(left) => self.take_body(left, bytes.len()),
            State::UntilClosed => None,
            State::Ended(good) => Some(good),
        }
    }

    /// Takes in that the connection was closed.
    pub(super) fn close(&mut self) -> bool {
        let good = matches!(self.state, State::UntilClosed | State::Ended(true));
        self.state = State::Ended(good);
        good
    }

    fn take_head(&mut self, bytes: &[u8]) -> Option<bool> {
        self.head.extend_from_slice(bytes);
        let end = self.head.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            return (self.head.len() > LONGEST_HEAD).then(|| self.end(false));
        };
        let body = self.head.len() - end - 4;
        let head = String::from_utf8_lossy(&self.head[..end]);
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap_or_default();
        let mut words = status.split(' ');
        let speaks = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
        if !speaks || words.next() != Some("200") {
            return Some(self.end(false));
        }
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let value = name
                .eq_ignore_ascii_case("content-length")
                .then_some(value)?;
            value.trim().parse::<u64>().ok()
        });
        match length {
            Some(length) => self.take_body(length, body),
            None => {
                self.state = State::UntilClosed;
                None
            }
        }
    }

    fn take_body(&mut self, left: u64, came: usize) -> Option<bool> {
        let left = left.saturating_sub(came as u64);
        if left == 0 {
            return Some(self.end(true));
        }
        self.state = State::Body(left);
        None
    }

    fn end(&mut self, good: bool) -> bool {
        self.state = State::Ended(good);
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\n\r\nhello";

    #[test]
    fn a_reply_ends_with_its_last_byte_however_it_is_cut() {
        for cut in 1..WHOLE.len() {
            let mut reply = Reply::default();
            assert_eq!(reply.take(&WHOLE[..cut]), None, "{cut}");
            assert_eq!(reply.take(&WHOLE[cut..]), Some(true), "{cut}");
        }
        let mut early = Reply::default();
        early.take(&WHOLE[..WHOLE.len() - 1]);
        assert!(!early.close());
    }

    #[test]
    fn one_without_a_length_ends_with_its_connection() {
        let mut reply = Reply::default();
        assert_eq!(reply.take(b"HTTP/1.0 200 OK\r\n\r\nany"), None);
        assert_eq!(reply.take(b"thing"), None);
        assert!(reply.close());
        reply.clear();
        assert!(!reply.close());
    }

    #[test]
    fn what_tells_of_no_success_or_never_ends_is_none() {
        for bad in [
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            "SSH-2.0-OpenSSH\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(Reply::default().take(bad.as_bytes()), Some(false), "{bad}");
        }
        let mut endless = Reply::default();
        let ended = (0..1_000).find_map(|_| endless.take(&[b'x'; 100]));
        assert_eq!(ended, Some(false));
    }
}
