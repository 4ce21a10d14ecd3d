//! Rust's text as tokens, as far as paths need it: comments and literals are gone.

/// One token and the line it stands on, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    pub line: usize,
}

/// The tokens of `text`: names, numbers, `::`, and every other sign by itself.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or(0);
        if length > 0 {
            line += rest[..length].matches('\n').count();
            rest = &rest[length..];
            continue;
        }
        let length = if is_name_part(first) {
            rest.find(|next| !is_name_part(next)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(Token {
            text: &rest[..length],
            line,
        });
        rest = &rest[length..];
    }
    tokens
}

fn is_name_part(sign: char) -> bool {
    sign == '_' || sign.is_alphanumeric()
}

/// How much at the start of `rest` is space, a comment or a literal.
fn skipped(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    match bytes[0] {
        b'/' if rest.starts_with("//") => Some(rest.find('\n').unwrap_or(rest.len())),
        b'/' if rest.starts_with("/*") => Some(block_comment(rest)),
        b'"' => Some(string(rest)),
        b'\'' => character(rest),
        b'b' | b'c' | b'r' => prefixed(rest),
        space if space.is_ascii_whitespace() => Some(1),
        _ => None,
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let two = rest.as_bytes().get(at..at + 2).unwrap_or_default();
        match two {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at
}

/// From one quote to the next that no backslash hides.
fn string(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// A character; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut signs = rest.char_indices().skip(1);
    let (_, first) = signs.next()?;
    if first == '\\' {
        // The sign after the backslash may be a quote itself.
        let end = rest.get(3..)?.find('\'')?;
        return Some(3 + end + 1);
    }
    let (at, second) = signs.next()?;
    (second == '\'').then_some(at + 1)
}

/// `r"…"`, `br#"…"#`, `b"…"`, `c"…"`, `b'…'`; a raw name such as `r#type` is a name.
fn prefixed(rest: &str) -> Option<usize> {
    let letters = rest.find(|sign| !matches!(sign, 'b' | 'c' | 'r'))?;
    let prefix = &rest[..letters];
    if !["b", "c", "r", "br", "cr"].contains(&prefix) {
        return None;
    }
    let after = &rest[letters..];
    if !prefix.ends_with('r') {
        return match after.as_bytes()[0] {
            b'"' => Some(letters + string(after)),
            b'\'' if prefix == "b" => Some(letters + character(after)?),
            _ => None,
        };
    }
    let hashes = after.find(|sign| sign != '#')?;
    if !after[hashes..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", &after[..hashes]);
    let body = &after[hashes + 1..];
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(letters + hashes + 1 + length)
}
