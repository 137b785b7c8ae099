use crate::support::Answer;

const VOID: [&str; 5] = ["meta", "link", "input", "rect", "line"];

/// One element of a page, with the text of everything in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(super) fn has_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|c| c.split(' ').any(|c| c == class))
    }
}

/// A page, taken apart; panics where tags do not match, where there are tags or attributes that no
/// template has, and where a script or style stands in the page.
#[derive(Debug)]
pub(super) struct Html {
    pub(super) elements: Vec<Element>,
}

impl Html {
    pub(super) fn parse(answer: &Answer) -> Self {
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
        assert!(!policy.contains("unsafe"), "{policy}");
        let (mut elements, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut rest = answer.text().strip_prefix("<!doctype html>").unwrap();
        while let Some(at) = rest.find('<') {
            let text = decoded(&rest[..at]);
            open.iter().for_each(|&i| elements[i].text.push_str(&text));
            let end = rest.find('>').unwrap();
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                let opened = open.pop().map(|i| elements[i].name.as_str());
                assert_eq!(opened, Some(name), "closing tag");
                continue;
            }
            let element = element(tag);
            if !VOID.contains(&element.name.as_str()) {
                open.push(elements.len());
            }
            elements.push(element);
        }
        assert!(open.is_empty(), "not closed: {open:?}");
        let page = Self { elements };
        page.check();
        page
    }

    fn check(&self) {
        for e in &self.elements {
            assert!(e.name != "style" && e.name != "b" && e.name != "img", "{e:?}");
            assert!(e.name != "script" || e.text.is_empty(), "{e:?}");
            for (name, value) in &e.attributes {
                assert!(!name.starts_with("on") && name != "style", "{e:?}");
                let script = value.trim_start().to_ascii_lowercase().starts_with("javascript:");
                assert!(name != "href" || !script, "{e:?}");
            }
        }
        assert_eq!(self.all("h1").len(), 1);
        assert_eq!(self.all("html")[0].attribute("lang").map(str::len), Some(2));
        let seen = &self.all("html")[0].text;
        let hidden = |c: &char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        assert_eq!(seen.chars().find(hidden), None, "a hidden character reaches the page");
    }

    pub(super) fn all(&self, name: &str) -> Vec<&Element> {
        self.elements.iter().filter(|e| e.name == name).collect()
    }

    pub(super) fn with_class(&self, class: &str) -> Vec<&Element> {
        self.elements.iter().filter(|e| e.has_class(class)).collect()
    }

    /// The text of all of the page.
    pub(super) fn text(&self) -> &str {
        &self.all("body")[0].text
    }

    /// The value of the first input of that name.
    pub(super) fn value(&self, name: &str) -> String {
        let found = self.all("input").into_iter().find(|e| e.attribute("name") == Some(name));
        found.unwrap().attribute("value").unwrap().to_owned()
    }

    /// Where the first link with this attribute leads.
    pub(super) fn link(&self, attribute: &str) -> Option<&str> {
        let found = self.all("a").into_iter().find(|e| e.attribute(attribute).is_some());
        found?.attribute("href")
    }
}

fn element(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    while !rest.trim_matches(['/', ' ']).is_empty() {
        rest = rest.trim_start();
        match rest.split_once('=').filter(|(n, _)| !n.contains(' ')) {
            Some((name, value)) => {
                let value = value.strip_prefix('"').unwrap();
                let (value, after) = value.split_once('"').unwrap();
                attributes.push((name.to_owned(), decoded(value)));
                rest = after;
            }
            None => {
                let (name, after) = rest.split_once(' ').unwrap_or((rest, ""));
                assert!(!name.contains(['"', '\'', '<']), "{tag}");
                attributes.push((name.to_owned(), String::new()));
                rest = after;
            }
        }
    }
    Element { name: name.trim_end_matches('/').to_owned(), attributes, text: String::new() }
}

fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, c);
    }
    text
}
