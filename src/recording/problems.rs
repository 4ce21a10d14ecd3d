//! What was wrong with a run's files, in words that a hostile file cannot multiply.

/// How many problems are told one by one.
const MOST: usize = 100;

/// Problems found so far.
#[derive(Default)]
pub(super) struct Problems {
    told: Vec<String>,
    further: u64,
}

impl Problems {
    /// Adds one.
    pub(super) fn note(&mut self, problem: String) {
        if self.told.len() < MOST {
            self.told.push(problem);
        } else {
            self.further += 1;
        }
    }

    /// All of them; beyond a hundred, how many there are.
    pub(super) fn into_words(mut self) -> Vec<String> {
        if self.further > 0 {
            self.told
                .push(format!("and {} more problems", self.further));
        }
        self.told
    }
}
