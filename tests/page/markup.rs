//! Reading SVG and HTML as far as the tests need it.

/// The tags of a document: name and whole text.
pub fn tags(text: &str) -> Vec<(String, &str)> {
    let mut tags = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let end = rest[start..]
            .find('>')
            .map_or(rest.len(), |end| start + end + 1);
        let tag = &rest[start..end];
        let name = tag.trim_start_matches(['<', '/', '!']);
        let name: String = name
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        // The one script holds comparisons; its end is the next tag.
        if name == "script" && !tag.starts_with("</") {
            let close = rest[end..]
                .find("</script")
                .map_or(rest.len(), |close| end + close);
            tags.push((name, tag));
            rest = &rest[close..];
            continue;
        }
        tags.push((name, tag));
        rest = &rest[end..];
    }
    tags
}

pub fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[start..].split('"').next()
}

pub fn number(tag: &str, name: &str) -> f64 {
    let text = attribute(tag, name).unwrap_or_else(|| panic!("{name} is missing in {tag}"));
    text.parse()
        .unwrap_or_else(|_| panic!("{name} is no number in {tag}"))
}

/// Every coordinate of a chart lies on its sheet, every size is positive, every text can be read.
pub fn assert_sound(name: &str, svg: &str) {
    let tags = tags(svg);
    let sheet = tags
        .iter()
        .find(|(tag, _)| tag == "svg")
        .expect("it is an SVG")
        .1;
    let view: Vec<f64> = attribute(sheet, "viewBox")
        .expect("it has a viewBox")
        .split(' ')
        .map(|n| n.parse().expect("a number"))
        .collect();
    let on_sheet = |x: f64, y: f64| {
        let inside = (-8.0..=view[2] + 8.0).contains(&x) && (-8.0..=view[3] + 8.0).contains(&y);
        assert!(inside, "{name}: {x} {y} lies beside {view:?}");
    };
    for (tag, text) in tags.iter().filter(|(_, text)| !text.starts_with("</")) {
        match tag.as_str() {
            "rect" if !text.contains('%') => {
                let (x, y) = (number(text, "x"), number(text, "y"));
                let (width, height) = (number(text, "width"), number(text, "height"));
                assert!(width > 0.0 && height > 0.0, "{name}: {text}");
                on_sheet(x, y);
                on_sheet(x + width, y + height);
            }
            "circle" => on_sheet(number(text, "cx"), number(text, "cy")),
            "text" => on_sheet(number(text, "x"), number(text, "y")),
            "path" => walk(attribute(text, "d").expect("a path"), on_sheet),
            "g" => {
                if let Some(size) = attribute(text, "font-size") {
                    let pixels = size.parse::<f64>().expect("a number") / 4.0;
                    assert!(pixels >= 11.25, "{name}: text of {pixels} px");
                }
            }
            _ => {}
        }
    }
}

/// Follows a path of M, l, h, v and z.
pub fn walk(path: &str, on_sheet: impl Fn(f64, f64)) {
    let (mut x, mut y) = (0.0, 0.0);
    let mut rest = path;
    while let Some(step) = rest.chars().next() {
        rest = &rest[1..];
        let end = rest
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let spaced = rest[..end].replace('-', " -");
        let n: Vec<f64> = spaced
            .split_whitespace()
            .map(|n| n.parse().expect("a number"))
            .collect();
        match (step, n.as_slice()) {
            ('M', [to_x, to_y]) => (x, y) = (*to_x, *to_y),
            ('l', [by_x, by_y]) => (x, y) = (x + by_x, y + by_y),
            ('h', [by]) => x += by,
            ('v', [by]) => y += by,
            ('z', []) => {}
            _ => panic!("an unknown step {step} in {path}"),
        }
        on_sheet(x, y);
        rest = &rest[end..];
    }
}

pub const TAGS: &[&str] = &[
    "doctype",
    "html",
    "head",
    "meta",
    "title",
    "link",
    "style",
    "body",
    "header",
    "main",
    "nav",
    "section",
    "article",
    "h1",
    "h2",
    "h3",
    "p",
    "span",
    "b",
    "small",
    "code",
    "pre",
    "a",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "button",
    "input",
    "label",
    "figure",
    "figcaption",
    "details",
    "summary",
    "script",
    "svg",
    "g",
    "path",
    "rect",
    "circle",
    "text",
    "",
];

/// Only tags of our own, no handler, and only addresses that stay in the page.
pub fn assert_harmless(text: &str) {
    for (name, tag) in tags(text) {
        assert!(TAGS.contains(&name.as_str()), "{tag}");
        // Between quotes stands text; what is left are the names of attributes.
        let names: String = tag.split('"').step_by(2).collect();
        assert!(!names.contains(" on"), "{tag}");
        assert!(attribute(tag, "src").is_none(), "{tag}");
        if let Some(address) = attribute(tag, "href") {
            assert!(address.starts_with('#') || address == "data:,", "{tag}");
        }
    }
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "control characters"
    );
}
