//! The page about one cycle: plain data in, one file of HTML out that stands for itself.
//!
//! It asks for nothing, runs nothing, and reads the same on a screen, on paper and aloud. What
//! repositories and models wrote is text in it, whatever it says.
use sera_core::figures::{count, seconds};
use sera_protocol::report::CycleReport;

mod evidence;
mod html;
mod sections;
mod style;
mod svg;

use html::Html;

/// A browser that would run or fetch anything for it is told not to.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// One section: what it is called within the page, its heading, what it holds.
type Section = (&'static str, &'static str, fn(&mut Html, &CycleReport));

/// In the order in which somebody asks.
const SECTIONS: [Section; 8] = [
    ("decisions", "What was decided", evidence::decisions),
    ("training", "Training", sections::training),
    ("arms", "All arms", evidence::arms),
    ("items", "Won and lost", evidence::compared),
    ("data", "Data", sections::data),
    ("cost", "Cost", sections::cost),
    ("staleness", "Staleness", sections::staleness),
    ("next", "What comes next", sections::next),
];

/// The whole page.
pub(crate) fn html(report: &CycleReport) -> String {
    let mut html = Html::default();
    html.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |html| head(html, report));
        html.newline();
        html.element("body", &[], |html| body(html, report));
    });
    html.newline();
    format!("<!DOCTYPE html>\n{}", html.into_text())
}

fn head(html: &mut Html, report: &CycleReport) {
    html.void("meta", &[("charset", "utf-8")]);
    html.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
    html.void("meta", &[("name", "viewport"), ("content", "width=device-width")]);
    html.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    html.leaf("title", &[], &format!("Adapter {}: proof", report.adapter));
    html.style(&style::sheet());
}

fn body(html: &mut Html, report: &CycleReport) {
    html.element("header", &[], |html| {
        html.leaf("h1", &[], &format!("Adapter {}", report.adapter));
        html.leaf("p", &[("class", "verdict")], &report.verdict);
        sections::facts(html, report);
        html.element("nav", &[("aria-label", "Sections")], contents);
    });
    html.element("main", &[], |html| {
        for (id, heading, section) in SECTIONS {
            html.newline();
            let heading_id = format!("{id}-heading");
            html.element("section", &[("id", id), ("aria-labelledby", &heading_id)], |html| {
                html.leaf("h2", &[("id", &heading_id)], heading);
                section(html, report);
            });
        }
    });
    html.newline();
    html.element("footer", &[], |html| {
        html.leaf(
            "p",
            &[],
            "Written by git sera report, on this machine, from what is stored beside the \
             repository. Lower is better wherever nats stand. Secrets that were recognised are \
             replaced by pseudonyms; characters that no reader would see are spelled out, as \
             [U+202E].",
        );
    });
}

fn contents(html: &mut Html) {
    html.element("ul", &[], |html| {
        for (id, heading, _) in SECTIONS {
            html.element("li", &[], |html| {
                html.leaf("a", &[("href", &format!("#{id}"))], heading);
            });
        }
    });
}

/// A table that can be moved sideways where it is too wide, with the keyboard, too.
struct Table<'a> {
    caption: &'a str,
    /// Headings, and whether what stands below is a number.
    columns: &'a [(&'a str, bool)],
}

impl Table<'_> {
    /// Writes it; the first cell of each row is its heading.
    fn write(&self, html: &mut Html, rows: &[Vec<String>]) {
        let region = [
            ("class", "scroll"),
            ("role", "region"),
            ("tabindex", "0"),
            ("aria-label", self.caption),
        ];
        html.element("div", &region, |html| {
            html.element("table", &[], |html| {
                html.leaf("caption", &[], self.caption);
                html.element("thead", &[], |html| {
                    html.element("tr", &[], |html| {
                        for (heading, number) in self.columns {
                            html.leaf("th", &[("scope", "col"), class(*number)], heading);
                        }
                    });
                });
                html.element("tbody", &[], |html| rows.iter().for_each(|row| self.row(html, row)));
            });
        });
    }

    fn row(&self, html: &mut Html, cells: &[String]) {
        html.element("tr", &[], |html| {
            for (at, (cell, (_, number))) in cells.iter().zip(self.columns).enumerate() {
                match at {
                    0 => html.leaf("th", &[("scope", "row"), class(*number)], cell),
                    _ => html.leaf("td", &[class(*number)], cell),
                }
            }
        });
    }
}

fn class(number: bool) -> html::Attribute<'static> {
    ("class", if number { "number" } else { "words" })
}

/// `1 commit`, `2 commits`.
fn counted(n: u64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A dash for what was not measured.
fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "\u{2013}".to_owned())
}

fn percent(share: Option<f64>) -> String {
    or_dash(share.map(|share| format!("{:.0}\u{a0}%", share * 100.0)))
}

#[cfg(test)]
mod tests;
