//! Texts and addresses of the plan in which some names have no value yet: `{{ run_id }}` matches
//! anything, and what it matched is told.

use regex::Regex;
use url::Url;

/// A text with wildcards that carry names.
#[derive(Debug, Clone)]
pub struct Pattern {
    whole: Regex,
    names: Vec<String>,
    /// Characters that must be just so.
    literal: usize,
}

/// An absolute address with wildcards.
#[derive(Debug, Clone)]
pub struct Address {
    scheme: String,
    /// As it stands in `Host`: without the scheme's own port.
    authority: Pattern,
    path: Pattern,
    /// In any order; as many as the request has.
    query: Vec<Pattern>,
}

/// What wildcards stood for in a request: name and value.
pub type Found = Vec<(String, String)>;

/// A request's address as the wire gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    pub tls: bool,
    pub host: &'a str,
    pub path: &'a str,
    pub query: Option<&'a str>,
}

impl Pattern {
    /// `text` with `{{ name }}` matching whatever `wild` (a regular expression) does.
    fn new(text: &str, wild: &str) -> Result<Self, String> {
        let mut expression = String::from("^");
        let (mut names, mut literal) = (Vec::new(), 0);
        for piece in pieces(text) {
            match piece {
                Piece::Text(plain) => {
                    expression.push_str(&regex::escape(plain));
                    literal += plain.chars().count();
                }
                Piece::Name(name) => {
                    expression.push_str(wild);
                    names.push(name.to_owned());
                }
            }
        }
        expression.push('$');
        let whole = Regex::new(&expression).map_err(|_| format!("`{text}` is too long to match"))?;
        Ok(Self { whole, names, literal })
    }

    /// A header's value: a name matches anything.
    ///
    /// # Errors
    /// The text is too long.
    pub fn value(text: &str) -> Result<Self, String> {
        Self::new(text, "(?s:(.*))")
    }

    #[must_use]
    pub fn matched(&self, text: &str) -> Option<Found> {
        let found = self.whole.captures(text)?;
        let value = |at: usize| found.get(at + 1).map_or("", |value| value.as_str()).to_owned();
        Some(self.names.iter().enumerate().map(|(at, name)| (name.clone(), value(at))).collect())
    }

    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    #[must_use]
    pub fn literal(&self) -> usize {
        self.literal
    }
}

impl Address {
    /// # Errors
    /// Why the text is no address, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Names are hidden behind marks that the normalisation of the URL leaves alone, so that both
        // sides are encoded the same way.
        let mut marked = String::new();
        let mut names = Vec::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(plain) => marked.push_str(plain),
                Piece::Name(name) => {
                    marked.push_str(&mark(names.len()));
                    names.push(name);
                }
            }
        }
        let url = Url::parse(&marked).map_err(|why| format!("`{text}` is no absolute address: {why}"))?;
        let host = url.host_str().ok_or_else(|| format!("`{text}` names no host"))?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let named = |text: &str| {
            names
                .iter()
                .enumerate()
                .fold(text.to_owned(), |text, (at, name)| text.replace(&mark(at), &format!("{{{{ {name} }}}}")))
        };
        let query = url.query().filter(|query| !query.is_empty());
        Ok(Self {
            scheme: url.scheme().to_owned(),
            authority: Pattern::new(&named(&authority), "([^/]+)")?,
            path: Pattern::new(&named(url.path()), "([^/]+)")?,
            query: query
                .into_iter()
                .flat_map(|query| query.split('&'))
                .map(|pair| Pattern::new(&named(pair), "([^&]*)"))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The host, where it has no wildcard.
    #[must_use]
    pub fn host(&self, text: &str) -> Option<String> {
        self.authority.names.is_empty().then(|| Url::parse(text).ok()?.host_str().map(str::to_owned)).flatten()
    }

    #[must_use]
    pub fn literal(&self) -> usize {
        self.authority.literal + self.path.literal + self.query.iter().map(Pattern::literal).sum::<usize>()
    }

    /// What the wildcards stood for, percent-decoded, where this is the address asked for.
    #[must_use]
    pub fn matched(&self, asked: &Asked<'_>) -> Option<Found> {
        let (scheme, own_port) = if asked.tls { ("https", ":443") } else { ("http", ":80") };
        if self.scheme != scheme {
            return None;
        }
        let host = asked.host.to_ascii_lowercase();
        let host = host.strip_suffix(own_port).unwrap_or(&host);
        let mut found = self.authority.matched(host)?;
        found.extend(self.path.matched(asked.path)?);

        let pairs = asked.query.filter(|query| !query.is_empty());
        let mut pairs: Vec<&str> = pairs.into_iter().flat_map(|query| query.split('&')).collect();
        if pairs.len() != self.query.len() {
            return None;
        }
        let mut wanted: Vec<&Pattern> = self.query.iter().collect();
        wanted.sort_by_key(|pattern| std::cmp::Reverse(pattern.literal));
        for pattern in wanted {
            let at = pairs.iter().position(|pair| pattern.whole.is_match(pair))?;
            found.extend(pattern.matched(pairs.swap_remove(at))?);
        }
        for (_, value) in &mut found {
            *value = percent_decoded(value);
        }
        Some(found)
    }
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Braces that hold no name are text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let (mut plain, mut at) = (0, 0);
    while let Some(open) = text[at..].find("{{").map(|found| at + found) {
        let Some(close) = text[open..].find("}}").map(|found| open + found) else { break };
        let name = text[open + 2..close].trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            at = open + 2;
            continue;
        }
        if plain < open {
            all.push(Piece::Text(&text[plain..open]));
        }
        all.push(Piece::Name(name));
        (plain, at) = (close + 2, close + 2);
    }
    if plain < text.len() {
        all.push(Piece::Text(&text[plain..]));
    }
    all
}

/// Fit for a host, a path and a query alike; the digits end in a letter, so that none is the start of
/// another.
fn mark(at: usize) -> String {
    format!("zqtminus{at}qz")
}

/// `%41` as `A`; what is no such code stays, and bytes that are no UTF-8 are replaced.
#[must_use]
pub fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked<'a>(tls: bool, host: &'a str, path: &'a str, query: Option<&'a str>) -> Asked<'a> {
        Asked { tls, host, path, query }
    }

    fn found(address: &str, asked: &Asked<'_>) -> Option<Found> {
        Address::parse(address).expect(address).matched(asked)
    }

    #[test]
    fn a_name_matches_one_piece_of_a_path_and_tells_its_value() {
        let run = "https://A.example/v1/runs/{{ run_id }}/events?after={{n}}&full=1";
        let one = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            found(run, &asked(true, "a.example:443", "/v1/runs/run%201/events", Some("full=1&after=7"))),
            Some(vec![one("run_id", "run 1"), one("n", "7")])
        );
        for (host, path, query) in [
            ("a.example", "/v1/runs/a/b/events", Some("after=7&full=1")),
            ("a.example", "/v1/runs//events", Some("after=7&full=1")),
            ("a.example", "/v1/runs/a/events", Some("after=7&full=1&more=2")),
            ("a.example", "/v1/runs/a/events", None),
            ("b.example", "/v1/runs/a/events", Some("after=7&full=1")),
            ("a.example:8443", "/v1/runs/a/events", Some("after=7&full=1")),
        ] {
            assert_eq!(found(run, &asked(true, host, path, query)), None, "{host}{path}{query:?}");
        }
    }

    #[test]
    fn plain_and_tls_are_different_addresses() {
        assert!(found("http://a.example/", &asked(false, "a.example", "/", None)).is_some());
        assert!(found("http://a.example/", &asked(true, "a.example", "/", None)).is_none());
        assert!(found("http://a.example:8000/x", &asked(false, "a.example:8000", "/x", None)).is_some());
    }

    #[test]
    fn text_of_the_plan_is_no_regular_expression() {
        assert!(found("http://a.example/x.y(z", &asked(false, "a.example", "/x.y(z", None)).is_some());
        assert!(found("http://a.example/x.y", &asked(false, "a.example", "/xzy", None)).is_none());
    }

    #[test]
    fn an_address_that_is_none_is_said() {
        assert!(Address::parse("{{ api }}/health").is_err());
        assert!(Address::parse("/health").is_err());
    }

    proptest! {
        #[test]
        fn any_request_is_matched_or_not_without_a_panic(text in "\\PC{0,30}", path in "\\PC{0,30}", query in proptest::option::of("\\PC{0,30}")) {
            let request = asked(true, &text, &path, query.as_deref());
            let _ = Address::parse("https://{{ h }}/{{ a }}/{{ b }}?x={{ c }}").expect("an address").matched(&request);
            let _ = Address::parse(&format!("https://a.example/{text}")).map(|address| address.matched(&request));
            let _ = Pattern::value(&text).map(|pattern| pattern.matched(&path));
        }

        #[test]
        fn a_plain_value_is_found_as_it_was_sent(value in "[ -~]{1,20}") {
            let mut url = Url::parse("https://a.example/x").expect("a url");
            url.query_pairs_mut().append_pair("id", &value);
            let sent = asked(true, "a.example", url.path(), url.query());
            let found = found("https://a.example/x?id={{ id }}", &sent).expect("the same address");
            prop_assert_eq!(found[0].1.replace('+', " "), value.replace('+', " "));
        }
    }
}
