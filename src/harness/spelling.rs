//! What a mistyped name was meant to be.

/// The name that is nearest to `word`, if any is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A slip of the finger in a short word, a few in a long one.
    let most = 2.max(word.chars().count() / 5);
    let close = names.map(|name| (distance(word, name), name)).min()?;
    (close.0 <= most).then_some(close.1)
}

/// ` (did you mean …?)`, or nothing.
pub(super) fn did_you_mean<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = nearest(word, names).map(|name| format!(" (did you mean `{name}`?)"));
    near.unwrap_or_default()
}

/// Edits between two words (Levenshtein), on words of a few letters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let changed = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_near_within_a_few_edits() {
        let names = ["fork", "posix_spawn", "multiprocessing-fork"];
        let near = |word| nearest(word, names.into_iter());
        assert_eq!(near("frok"), Some("fork"));
        assert_eq!(near("posixspawn"), Some("posix_spawn"));
        assert_eq!(near("multiprocesing_frk"), Some("multiprocessing-fork"));
        assert_eq!(near("thread"), None);
        assert_eq!(nearest("", std::iter::empty()), None);
    }
}
