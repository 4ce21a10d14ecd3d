//! Paths that lead to a top module of the library.

use crate::tokens::Token;

/// What `crate` means in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// The library itself.
    Crate,
    /// A program of its own: only the libraries' names lead to them.
    Library,
}

/// A path that reaches a top module.
#[derive(Debug, PartialEq, Eq)]
pub struct Reference {
    /// The top module; `*` or `crate` where all of them are named at once.
    pub module: String,
    /// Where the path starts.
    pub line: usize,
}

/// Every reference in `tokens`, the text of the file that holds the module `file`.
pub fn references(tokens: &[Token], file: &[&str], root: Root) -> Vec<Reference> {
    let mut found = Vec::new();
    // The modules around the present token; `None` for a brace that opens no module.
    let mut braces: Vec<Option<&str>> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let text = |index: usize| tokens.get(index).map_or("", |token| token.text);
        match text(at) {
            "{" => {
                let opens = at >= 2 && text(at - 2) == "mod";
                braces.push(opens.then(|| text(at - 1)));
            }
            "}" => {
                braces.pop();
            }
            first @ ("crate" | "super" | "self" | "forkbench" | "forkbench_measurement")
                if starts_path(tokens, at) =>
            {
                let inline = braces.iter().flatten().copied();
                let here: Vec<&str> = file.iter().copied().chain(inline).collect();
                let start = match first {
                    "forkbench" | "forkbench_measurement" => Some(Vec::new()),
                    _ if root == Root::Library => None,
                    "crate" => Some(Vec::new()),
                    "super" => here.split_last().map(|(_, above)| above.to_vec()),
                    _ => Some(here),
                };
                let line = tokens[at].line;
                at += 1;
                if let Some(start) = start {
                    let mut path = Path {
                        tokens,
                        at,
                        line,
                        found: &mut found,
                    };
                    path.follow(start);
                    at = path.at;
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Whether the name at `at` begins a path: not the middle of another (`a::self`), not the word in
/// `pub(crate)` and `pub(super)`, not the receiver of a method.
fn starts_path(tokens: &[Token], at: usize) -> bool {
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text);
    let before = |steps: usize| at.checked_sub(steps).map_or("", text);
    let visibility = before(2) == "pub" && before(1) == "(" && text(at + 1) == ")";
    match text(at) {
        // `::forkbench::cli` is a path from its start.
        "forkbench" | "forkbench_measurement" => text(at + 1) == "::",
        "self" => before(1) != "::" && text(at + 1) == "::",
        _ => before(1) != "::" && !visibility,
    }
}

/// A path being followed, its groups included.
struct Path<'a, 'b> {
    tokens: &'a [Token<'a>],
    at: usize,
    line: usize,
    found: &'b mut Vec<Reference>,
}

impl<'a> Path<'a, '_> {
    fn text(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |token| token.text)
    }

    /// Goes on behind a segment that led to `modules`.
    fn follow(&mut self, modules: Vec<&'a str>) {
        if self.text() != "::" {
            if modules.is_empty() {
                // `use crate as everything`: whatever is named behind it escapes the check.
                self.reach("crate");
            }
            return;
        }
        self.at += 1;
        self.segment(&modules);
    }

    /// One segment below `modules`, or a group of them.
    fn segment(&mut self, modules: &[&'a str]) {
        let segment = self.text();
        self.at += 1;
        match segment {
            "{" => {
                while !matches!(self.text(), "}" | "") {
                    self.segment(modules);
                    // A new name (`as other`) says nothing about where the path leads.
                    while !matches!(self.text(), "," | "}" | "") {
                        self.at += 1;
                    }
                    if self.text() == "," {
                        self.at += 1;
                    }
                }
                self.at += 1;
            }
            "super" => {
                let above = modules.split_last().map_or(&[][..], |(_, above)| above);
                self.follow(above.to_vec());
            }
            "self" => self.follow(modules.to_vec()),
            // The first name below the root is what the layer rule is about.
            name => {
                self.reach(modules.first().unwrap_or(&name));
                self.skip();
            }
        }
    }

    /// Passes what stands behind a module that is already known, groups included.
    fn skip(&mut self) {
        while self.text() == "::" {
            self.at += 1;
            if self.text() == "{" {
                let mut depth = 0;
                loop {
                    match self.text() {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        "" => return,
                        _ => {}
                    }
                    self.at += 1;
                    if depth == 0 {
                        return;
                    }
                }
            }
            self.at += 1;
        }
    }

    fn reach(&mut self, module: &str) {
        self.found.push(Reference {
            module: module.to_owned(),
            line: self.line,
        });
    }
}
