//! The forms in which a secret may turn up: as it is, and as the encoders of this world write it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// What the URL encoders in use leave as it is, besides letters and digits, and whether a space is `+`.
const URL_ENCODERS: [(&str, bool); 6] = [
    ("-_.~", false),                // RFC 3986, and most libraries
    ("-_.~", true),                 // Python's quote_plus
    ("-_.!~*'()", false),           // encodeURIComponent
    ("*-._", true),                 // HTML forms
    ("-._~/", false),               // Python's quote
    ("-._~!$&'()*+,;=:@/?", false), // a whole path or query
];

/// All forms of `secret`: none is empty, none comes twice.
pub struct Forms {
    /// Every form but plain base64.
    pub plain: BTreeSet<Vec<u8>>,
    /// The part of its base64 that does not hang on what stands around it: tools wrap it over lines.
    pub base64: BTreeSet<Vec<u8>>,
}

pub fn of(secret: &str) -> Forms {
    let base64: BTreeSet<String> = base64_cores(secret.as_bytes());
    let mut plain: BTreeSet<String> = BTreeSet::from([secret.to_owned()]);
    plain.extend(json(secret));
    plain.extend(url(secret));
    plain.extend(written_as_code(secret));
    for core in &base64 {
        plain.extend(url(core));
        plain.extend(json(core));
    }
    let plain = plain.difference(&base64).filter(|form| !form.is_empty()).map(|form| form.clone().into_bytes());
    Forms { plain: plain.collect(), base64: base64.iter().map(|core| core.clone().into_bytes()).collect() }
}

fn base64_cores(secret: &[u8]) -> BTreeSet<String> {
    let mut cores = BTreeSet::new();
    for alphabet in [STANDARD, URL_SAFE] {
        let engine = GeneralPurpose::new(&alphabet, NO_PAD);
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(secret);
            let text = engine.encode(&bytes);
            // A character that also holds bits of a neighbour is not ours to expect.
            let start = [0, 2, 3][before];
            let end = bytes.len() * 8 / 6;
            if let Some(core) = text.get(start..end) {
                cores.insert(core.to_owned());
            }
        }
    }
    cores
}

fn json(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for wide in [Wide::Kept, Wide::Lower, Wide::Upper] {
        for slash in [false, true] {
            for html in [false, true] {
                forms.insert(json_with(secret, wide, slash, html));
            }
        }
    }
    forms
}

/// How a JSON writer treats what is not ASCII.
#[derive(Clone, Copy)]
enum Wide {
    Kept,
    Lower,
    Upper,
}

fn json_with(secret: &str, wide: Wide, slash: bool, html: bool) -> String {
    let mut out = String::new();
    let unit = |out: &mut String, unit: u16| match wide {
        Wide::Upper => out.push_str(&format!("\\u{unit:04X}")),
        Wide::Kept | Wide::Lower => out.push_str(&format!("\\u{unit:04x}")),
    };
    for c in secret.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '/' if slash => out.push_str("\\/"),
            c if c < ' ' || (html && matches!(c, '<' | '>' | '&' | '\'')) => unit(&mut out, c as u16),
            c if !c.is_ascii() && !matches!(wide, Wide::Kept) => {
                for half in c.encode_utf16(&mut [0; 2]) {
                    unit(&mut out, *half);
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// As programs print a text for programmers: Rust's `{:?}` (so do our own errors), and JSON inside of JSON.
fn written_as_code(secret: &str) -> [String; 2] {
    let debug = format!("{secret:?}");
    let inner = json_with(secret, Wide::Kept, false, false);
    [debug[1..debug.len() - 1].to_owned(), json_with(&inner, Wide::Kept, false, false)]
}

fn url(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for (kept, plus) in URL_ENCODERS {
        for upper in [true, false] {
            let mut out = String::new();
            for byte in secret.bytes() {
                match byte {
                    b' ' if plus => out.push('+'),
                    b if b.is_ascii_alphanumeric() || kept.as_bytes().contains(&b) => out.push(b.into()),
                    b if upper => out.push_str(&format!("%{b:02X}")),
                    b => out.push_str(&format!("%{b:02x}")),
                }
            }
            forms.insert(out);
        }
    }
    forms
}
