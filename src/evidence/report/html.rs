//! The report as one HTML file: no network, no script, nothing that a reader's browser would run. Its policy allows
//! one style sheet, by its hash. Every text is made harmless in one place, [`markup`].

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::document::{Block, Cell, Document, Section, Table, Tone};
use super::picture::Picture;
use super::{style, svg};
use crate::base::text::markup;

/// What a rehearsal says at the top of every screen and of every page.
const BAND: &str = "REHEARSAL · nothing of this was real";

/// `document` as HTML. The same document, the same bytes.
#[must_use]
pub fn html(document: &Document) -> String {
    let sheet = style::sheet(document.rehearsal);
    let mut out = Page { out: String::new(), pictures: 0 };
    out.head(document, &sheet);
    let Document { title, outcome, warnings, facts, sections, foot, rehearsal } = document;
    out.raw(if *rehearsal { "<body class=\"rehearsal\">\n" } else { "<body>\n" });
    if *rehearsal {
        out.raw(&format!("<p class=\"band\" role=\"note\">{BAND}</p>\n"));
    }
    out.raw("<header>\n<h1>");
    out.text(title);
    out.tag(*rehearsal);
    out.raw("</h1>\n<p class=\"outcome\">");
    out.cell(outcome);
    out.raw("</p>\n");
    out.facts(facts);
    if !warnings.is_empty() {
        out.raw("<ul class=\"warnings\">\n");
        for warning in warnings {
            out.raw(&format!("<li class=\"{}\">", warning.tone.name()));
            out.cell(warning);
            out.raw("</li>\n");
        }
        out.raw("</ul>\n");
    }
    out.raw("</header>\n<nav aria-label=\"Sections\"><ul>\n");
    for Section { id, title, .. } in sections {
        out.raw(&format!("<li><a href=\"#{id}\">"));
        out.text(title);
        out.raw("</a></li>\n");
    }
    out.raw("</ul></nav>\n<main>\n<p class=\"muted\">All times are UTC.</p>\n");
    sections.iter().for_each(|section| out.section(section, *rehearsal));
    out.raw("</main>\n<footer>\n");
    for line in foot {
        out.raw("<p>");
        out.text(line);
        out.raw("</p>\n");
    }
    out.raw("</footer>\n</body>\n</html>\n");
    out.out
}

struct Page {
    out: String,
    /// How many were drawn: each has a name of its own.
    pictures: usize,
}

impl Page {
    /// Ours.
    fn raw(&mut self, html: &str) {
        self.out.push_str(html);
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(&markup(text));
    }

    fn head(&mut self, document: &Document, sheet: &str) {
        let hash = STANDARD.encode(Sha256::digest(sheet.as_bytes()));
        self.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        let _ = writeln!(
            self.out,
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; \
             base-uri 'none'; form-action 'none'\">"
        );
        self.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        self.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
        self.raw("<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
        let stamp = if document.rehearsal { "REHEARSAL: " } else { "" };
        self.text(&format!("{stamp}{}: {}", document.title, document.outcome.text));
        let _ = writeln!(self.out, "</title>\n<style>{sheet}</style>\n</head>");
    }

    fn tag(&mut self, rehearsal: bool) {
        if rehearsal {
            self.raw("<span class=\"tag\">REHEARSAL</span>");
        }
    }

    fn section(&mut self, section: &Section, rehearsal: bool) {
        let Section { id, title, blocks } = section;
        let _ = write!(self.out, "<section id=\"{id}\" aria-labelledby=\"h-{id}\">\n<h2 id=\"h-{id}\">");
        self.text(title);
        self.tag(rehearsal);
        self.raw("</h2>\n");
        for block in blocks {
            self.block(block);
        }
        self.raw("</section>\n");
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(text) => {
                self.raw("<h3>");
                self.text(text);
                self.raw("</h3>\n");
            }
            Block::Text(cell) => {
                self.raw("<p>");
                self.cell(cell);
                self.raw("</p>\n");
            }
            Block::List(all) => {
                self.raw("<ul>\n");
                for cell in all {
                    self.raw("<li>");
                    self.cell(cell);
                    self.raw("</li>\n");
                }
                self.raw("</ul>\n");
            }
            Block::Facts(facts) => self.facts(facts),
            Block::Table(table) => self.table(table),
            Block::Picture(picture) => self.picture(picture),
        }
    }

    fn facts(&mut self, facts: &[(String, Cell)]) {
        self.raw("<dl>\n");
        for (name, cell) in facts {
            self.raw("<dt>");
            self.text(name);
            self.raw("</dt><dd>");
            self.cell(cell);
            self.raw("</dd>\n");
        }
        self.raw("</dl>\n");
    }

    fn cell(&mut self, cell: &Cell) {
        let Cell { text, tone } = cell;
        match tone {
            Tone::Plain => self.text(text),
            tone => {
                let _ = write!(self.out, "<span class=\"{}\">", tone.name());
                if let Some(sign) = tone.sign() {
                    let _ = write!(self.out, "<span class=\"sign\" aria-hidden=\"true\">{sign} </span>");
                }
                self.text(text);
                self.raw("</span>");
            }
        }
    }

    fn table(&mut self, table: &Table) {
        let Table { caption, head, rows } = table;
        self.raw("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
        self.text(caption);
        self.raw("\">\n<table><caption>");
        self.text(caption);
        self.raw("</caption>\n<thead><tr>");
        for name in head {
            self.raw("<th scope=\"col\">");
            self.text(name);
            self.raw("</th>");
        }
        self.raw("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.raw("<tr>");
            for cell in row {
                self.raw("<td>");
                self.cell(cell);
                self.raw("</td>");
            }
            self.raw("</tr>\n");
        }
        self.raw("</tbody></table></div>\n");
    }

    fn picture(&mut self, picture: &Picture) {
        self.pictures += 1;
        self.raw("<figure><figcaption>");
        self.text(&picture.title);
        self.raw("<span>");
        self.text(&picture.told);
        self.raw("</span></figcaption>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
        self.text(&picture.title);
        self.raw("\">\n");
        let drawn = svg::svg(picture, self.pictures);
        self.raw(&drawn);
        self.raw("</div></figure>\n");
    }
}
