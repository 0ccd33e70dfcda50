//! A writer of HTML that cannot be made to say more than it is told: whatever is text is escaped,
//! what no reader would see is spelled out, and what is opened is closed.
use sera_core::visible::is_hidden;
use std::fmt::Write as _;

/// An attribute: names are ours, values are escaped.
pub(super) type Attribute<'a> = (&'static str, &'a str);

/// A document as far as it is written. It is well-formed XML, too.
#[derive(Default)]
pub(super) struct Html {
    out: String,
}

impl Html {
    /// The whole text.
    pub(super) fn into_text(self) -> String {
        self.out
    }

    /// An element and what stands inside of it.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(name, attributes);
        self.out.push('>');
        inside(self);
        self.out.extend(["</", name, ">"]);
    }

    /// An element with nothing but text in it.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: &[Attribute<'_>], text: &str) {
        self.element(name, attributes, |html| html.text(text));
    }

    /// An element that holds nothing.
    pub(super) fn void(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        self.open(name, attributes);
        self.out.push_str("/>");
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) {
        text.chars().for_each(|c| self.escaped(c));
    }

    /// A new line of the source, for whoever reads that.
    pub(super) fn newline(&mut self) {
        self.out.push('\n');
    }

    /// What is no text of anybody's: the sheet of styles.
    pub(super) fn style(&mut self, sheet: &str) {
        assert!(!sheet.contains(['<', '&']), "a sheet of ours holds no markup");
        self.out.extend(["<style>", sheet, "</style>"]);
    }

    fn open(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        self.out.extend(["<", name]);
        for (name, value) in attributes {
            self.out.extend([" ", name, "=\""]);
            self.text(value);
            self.out.push('"');
        }
    }

    fn escaped(&mut self, c: char) {
        match c {
            '&' => self.out.push_str("&amp;"),
            '<' => self.out.push_str("&lt;"),
            '>' => self.out.push_str("&gt;"),
            '"' => self.out.push_str("&quot;"),
            '\'' => self.out.push_str("&#39;"),
            hidden if is_hidden(hidden) => {
                write!(self.out, "[U+{:04X}]", u32::from(hidden))
                    .expect("a string takes every write");
            }
            plain => self.out.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let check = |text: &str, expect: &str| {
            let mut html = Html::default();
            html.leaf("p", &[("title", text)], text);
            assert_eq!(html.into_text(), format!("<p title=\"{expect}\">{expect}</p>"));
        };
        check("a\tb\nß 漢", "a\tb\nß 漢");
        check("<script>&\"'", "&lt;script&gt;&amp;&quot;&#39;");
        check("\u{1b}[2J\r\u{0}", "[U+001B][2J[U+000D][U+0000]");
        check("a\u{202e}b\u{200b}\u{e0041}", "a[U+202E]b[U+200B][U+E0041]");
    }

    #[test]
    fn what_is_opened_is_closed() {
        let mut html = Html::default();
        html.element("ul", &[], |html| {
            html.leaf("li", &[], "one");
            html.void("hr", &[("class", "x")]);
        });
        assert_eq!(html.into_text(), "<ul><li>one</li><hr class=\"x\"/></ul>");
    }
}
