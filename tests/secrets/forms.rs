//! The forms in which a secret may turn up, written apart from the redactor's own list; and looking for
//! them in bytes.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Every form of every secret, to be looked for at once.
pub struct Wanted {
    automaton: AhoCorasick,
    /// Of each pattern: the secret's name, and the form's.
    names: Vec<(String, &'static str)>,
}

/// All of `secret`, each with the name of its form.
pub fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let mut forms = vec![("raw", secret.to_owned())];
    let json = serde_json::to_string(secret).expect("JSON");
    forms.push(("JSON", json[1..json.len() - 1].to_owned()));
    let percent = |upper: bool| {
        let hex = |byte: u8| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        secret.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { hex(byte) }).collect::<String>()
    };
    forms.push(("URL", percent(true)));
    forms.push(("url", percent(false)));
    forms.push(("form", url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()));
    for (name, engine) in [("base64", &STANDARD), ("base64url", &URL_SAFE)] {
        for before in 0..3_usize {
            let text = engine.encode([&b"xyz"[..before], secret.as_bytes()].concat());
            // What a neighbour's bits stand in is not the secret's own.
            let (from, to) = ([0, 2, 3][before], (before + secret.len()) * 8 / 6);
            forms.push((name, text[from..to].to_owned()));
        }
    }
    forms
}

/// What the world may write of a secret: more than [`forms`], wrapped and escaped.
pub fn carriers(secret: &str) -> Vec<String> {
    let mut texts: Vec<String> = forms(secret).into_iter().map(|(_, form)| form).collect();
    for before in ["", "u", "us"] {
        let long = STANDARD.encode(format!("{before}{secret}{}", " and some more to fill a line".repeat(2)));
        let lines: Vec<&str> =
            long.as_bytes().chunks(20).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        texts.push(lines.join("\n"));
    }
    texts.push(format!("{secret:?}"));
    texts
}

impl Wanted {
    pub fn of(secrets: &[(String, String)]) -> Self {
        let mut seen = BTreeSet::new();
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for (name, secret) in secrets {
            for (form, text) in forms(secret) {
                if seen.insert(text.clone()) {
                    patterns.push(text);
                    names.push((name.clone(), form));
                }
            }
        }
        Self { automaton: AhoCorasick::new(&patterns).expect("patterns"), names }
    }

    /// What of it is in `bytes`, also where lines are broken: each as `SECRET as FORM`.
    pub fn found(&self, bytes: &[u8]) -> BTreeSet<String> {
        let joined: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
        let mut found = BTreeSet::new();
        for bytes in [bytes, &joined] {
            for hit in self.automaton.find_overlapping_iter(bytes) {
                let (name, form) = &self.names[hit.pattern().as_usize()];
                found.insert(format!("{name} as {form}"));
            }
        }
        found
    }
}
