//! The headers by which a site tells a browser to protect its users: HSTS (RFC 6797), content security policy,
//! `nosniff`, framing, referrer and permissions. Each is judged by what it means, not by its letters.

use std::collections::BTreeSet;
use std::time::Duration;

use http::HeaderMap;
use toml::de::DeValue;

use crate::base::table::{Placed, Table};
use crate::kind::check::http::{header_values, members};
use crate::launch::verdict::Finding;

const HSTS: &str = "strict-transport-security";
const CSP: &str = "content-security-policy";
const NOSNIFF: &str = "x-content-type-options";
const FRAME: &str = "x-frame-options";
const REFERRER: &str = "referrer-policy";
const PERMISSIONS: &str = "permissions-policy";

/// What the headers must say; what is not written is not looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Security {
    pub hsts: Option<Hsts>,
    /// A policy that is enforced; each of these directives in it.
    pub csp: Option<Vec<String>>,
    pub nosniff: bool,
    pub frame: Option<Frame>,
    /// Any of these.
    pub referrer: Vec<String>,
    /// Each in it, as `camera=()`.
    pub permissions: Vec<String>,
}

/// HTTPS for at least so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hsts {
    pub max_age: Duration,
    pub include_subdomains: bool,
    pub preload: bool,
}

/// Who may frame the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    Deny,
    /// Nobody, or its own origin.
    SameOrigin,
}

impl Security {
    /// Reads the table `security`.
    #[must_use]
    pub fn read(table: &Table<'_>) -> Self {
        let Some(table) = table.table("security") else { return Self::default() };
        let read = Self {
            hsts: hsts(&table),
            csp: csp(&table),
            nosniff: table.flag("nosniff").unwrap_or(false),
            frame: table.word("frame", &[("deny", Frame::Deny), ("sameorigin", Frame::SameOrigin)]),
            referrer: texts(&table, "referrer"),
            permissions: texts(&table, "permissions"),
        };
        if table.keys().is_empty() {
            table.wrong_value(table.span, "`security` looks at nothing: `security = { hsts = \"365d\", csp = true }`");
        }
        table.finish();
        read
    }

    /// Each expectation: the header, and what it must be in words.
    fn expected(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        all.extend(self.hsts.map(|hsts| (HSTS, hsts.words())));
        all.extend(self.csp.as_ref().map(|directives| match directives.as_slice() {
            [] => (CSP, "a policy".to_owned()),
            directives => (CSP, format!("a policy with {}", directives.join("; "))),
        }));
        all.extend(self.nosniff.then(|| (NOSNIFF, "nosniff".to_owned())));
        all.extend(self.frame.map(|frame| match frame {
            Frame::Deny => (FRAME, "DENY".to_owned()),
            Frame::SameOrigin => (FRAME, "SAMEORIGIN or DENY".to_owned()),
        }));
        if !self.referrer.is_empty() {
            all.push((REFERRER, self.referrer.join(" or ")));
        }
        if !self.permissions.is_empty() {
            all.push((PERMISSIONS, format!("with {}", self.permissions.join(", "))));
        }
        all
    }

    /// `header strict-transport-security max-age at least 365d`.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.expected().into_iter().map(|(name, expected)| format!("header {name} {expected}")).collect()
    }

    /// One finding a header.
    #[must_use]
    pub fn judge(&self, headers: &HeaderMap) -> Vec<Finding> {
        let finding = |(name, expected): (&'static str, String)| {
            let values = header_values(headers, name);
            let seen = if values.is_empty() { "absent".to_owned() } else { values.join(", ") };
            Finding::held(format!("header {name}"), expected, seen, self.holds(name, headers))
        };
        self.expected().into_iter().map(finding).collect()
    }

    fn holds(&self, name: &str, headers: &HeaderMap) -> bool {
        let all = members(headers, name);
        let every = |fits: &dyn Fn(&str) -> bool| !all.is_empty() && all.iter().all(|member| fits(member));
        match name {
            HSTS => self.hsts.is_none_or(|hsts| hsts.holds(&header_values(headers, HSTS))),
            CSP => self.csp.as_ref().is_none_or(|wanted| policy_holds(wanted, &header_values(headers, CSP))),
            NOSNIFF => every(&|member| member.eq_ignore_ascii_case("nosniff")),
            FRAME => every(&|member| {
                let same = self.frame == Some(Frame::SameOrigin) && member.eq_ignore_ascii_case("sameorigin");
                same || member.eq_ignore_ascii_case("deny")
            }),
            // Of several a browser takes the last that it knows.
            REFERRER => {
                all.last().is_some_and(|last| self.referrer.iter().any(|wanted| wanted.eq_ignore_ascii_case(last)))
            }
            _ => self.permissions.iter().all(|wanted| all.iter().any(|member| squeezed(member) == squeezed(wanted))),
        }
    }

    /// Headers of a good answer, for derived examples.
    #[must_use]
    pub fn derived(&self) -> Vec<(String, String)> {
        let value = |name: &'static str| match name {
            HSTS => self.hsts.map(Hsts::header),
            CSP => self.csp.as_ref().map(|directives| match directives.as_slice() {
                [] => "default-src 'self'".to_owned(),
                directives => directives.iter().map(|wanted| enforced(wanted)).collect::<Vec<_>>().join("; "),
            }),
            NOSNIFF => Some("nosniff".to_owned()),
            FRAME => Some(if self.frame == Some(Frame::Deny) { "DENY" } else { "SAMEORIGIN" }.to_owned()),
            REFERRER => self.referrer.first().cloned(),
            _ => Some(self.permissions.join(", ")),
        };
        self.expected().into_iter().filter_map(|(name, _)| Some((name.to_owned(), value(name)?))).collect()
    }
}

fn texts(table: &Table<'_>, key: &'static str) -> Vec<String> {
    table.texts(key).into_iter().map(|text| text.value).collect()
}

/// `hsts = "365d"`, or a table.
fn hsts(table: &Table<'_>) -> Option<Hsts> {
    let Some(Placed { value: DeValue::Table(_), .. }) = table.any("hsts") else {
        if let Some(Placed { value, span }) = table.any("hsts")
            && !matches!(value, DeValue::String(_))
        {
            let why = "`hsts` is for how long at least: `hsts = \"365d\"`, or `hsts = { max_age = \"365d\" }`";
            table.wrong_value(span, why);
        }
        let max_age = nonzero(table, "hsts")?;
        return Some(Hsts { max_age, include_subdomains: false, preload: false });
    };
    let table = table.table("hsts")?;
    if !table.has("max_age") {
        table.missing("max_age", "`max_age = \"365d\"`: for how long at least");
    }
    let max_age = nonzero(&table, "max_age");
    let include_subdomains = table.flag("include_subdomains").unwrap_or(false);
    let preload = table.flag("preload").unwrap_or(false);
    table.finish();
    Some(Hsts { max_age: max_age?, include_subdomains, preload })
}

fn nonzero(table: &Table<'_>, key: &'static str) -> Option<Duration> {
    let span = table.duration(key)?;
    if span.as_secs() == 0 {
        let at = table.any(key).map_or(table.span, |placed| placed.span);
        table.wrong_value(at, format!("`{key}` of nothing: a max-age of 0 turns HSTS off"));
        return None;
    }
    Some(span)
}

/// `csp = true`, or the directives that must be in it.
fn csp(table: &Table<'_>) -> Option<Vec<String>> {
    match table.any("csp") {
        Some(Placed { value: DeValue::Boolean(_), .. }) => {
            table.flag("csp").and_then(|there| there.then_some(Vec::new()))
        }
        _ => Some(texts(table, "csp")).filter(|directives| !directives.is_empty()),
    }
}

impl Hsts {
    fn words(self) -> String {
        let mut words = format!("max-age at least {}", days(self.max_age));
        if self.include_subdomains {
            words.push_str(", includeSubDomains");
        }
        if self.preload {
            words.push_str(", preload");
        }
        words
    }

    fn header(self) -> String {
        let subdomains = if self.include_subdomains { "; includeSubDomains" } else { "" };
        let preload = if self.preload { "; preload" } else { "" };
        format!("max-age={}{subdomains}{preload}", self.max_age.as_secs())
    }

    /// RFC 6797, 6.1 and 8.1: the first header counts, a directive must not come twice, names in any case.
    fn holds(self, lines: &[String]) -> bool {
        let Some(line) = lines.first() else { return false };
        let mut names = BTreeSet::new();
        let mut max_age = None;
        for directive in line.split(';').map(str::trim).filter(|directive| !directive.is_empty()) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let name = name.trim().to_ascii_lowercase();
            if name == "max-age" {
                let text = value.trim().trim_matches('"');
                let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                // More digits than fit are for ever.
                max_age = plain.then(|| text.parse::<u64>().unwrap_or(u64::MAX));
            }
            if !names.insert(name) {
                return false;
            }
        }
        max_age.is_some_and(|seconds| seconds > 0 && seconds >= self.max_age.as_secs())
            && (!self.include_subdomains || names.contains("includesubdomains"))
            && (!self.preload || names.contains("preload"))
    }
}

/// `365d`; what is no whole number of days as it is.
fn days(span: Duration) -> String {
    const DAY: u64 = 86_400;
    match span.as_secs() {
        seconds if seconds >= DAY && seconds % DAY == 0 => format!("{}d", seconds / DAY),
        _ => humantime::format_duration(span).to_string(),
    }
}

/// True where some enforced policy has a directive at all, and each wanted one is in one: by its name alone, or
/// with exactly the wanted sources. Of a directive that comes twice in a policy the first counts (CSP 3, 2.2.1).
fn policy_holds(wanted: &[String], lines: &[String]) -> bool {
    let policies: Vec<Vec<(String, BTreeSet<String>)>> =
        lines.iter().flat_map(|line| line.split(',')).map(policy).collect();
    let there = |wanted: &String| {
        let Some((name, sources)) = directive(wanted) else { return false };
        policies.iter().any(|policy| {
            let first = policy.iter().find(|(other, _)| *other == name);
            first.is_some_and(|(_, others)| sources.is_empty() || *others == sources)
        })
    };
    policies.iter().any(|policy| !policy.is_empty()) && wanted.iter().all(there)
}

fn policy(text: &str) -> Vec<(String, BTreeSet<String>)> {
    // A word without a value is a policy only where it is a directive that takes none, or sources: without any
    // source it allows nothing.
    let known = |(name, sources): &(String, BTreeSet<String>)| {
        let of_sources =
            name.ends_with("-src") || ["base-uri", "form-action", "frame-ancestors"].contains(&name.as_str());
        !sources.is_empty() || name == "sandbox" || name.ends_with("-requests") || of_sources
    };
    text.split(';').filter_map(directive).filter(known).collect()
}

/// A wanted directive as a good policy has it.
fn enforced(wanted: &str) -> String {
    match policy(wanted).is_empty() {
        true => format!("{} 'self'", wanted.trim()),
        false => wanted.to_owned(),
    }
}

fn directive(text: &str) -> Option<(String, BTreeSet<String>)> {
    let mut words = text.split_ascii_whitespace();
    let name = words.next()?.to_ascii_lowercase();
    Some((name, words.map(str::to_owned).collect()))
}

/// Without blanks, which mean nothing between the parts of a structured header.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::launch::verdict::Verdict;

    fn strict() -> Security {
        Security {
            hsts: Some(Hsts { max_age: Duration::from_secs(31_536_000), include_subdomains: true, preload: true }),
            csp: Some(vec!["frame-ancestors 'none'".into(), "default-src".into()]),
            nosniff: true,
            frame: Some(Frame::Deny),
            referrer: vec!["no-referrer".into(), "same-origin".into()],
            permissions: vec!["camera=()".into(), "geolocation=()".into()],
        }
    }

    fn good() -> Vec<(&'static str, &'static str)> {
        vec![
            (HSTS, "max-age=31536000; includeSubDomains; preload"),
            (CSP, "default-src 'self' https://a.example; frame-ancestors 'none'"),
            (NOSNIFF, "nosniff"),
            (FRAME, "DENY"),
            (REFERRER, "no-referrer"),
            (PERMISSIONS, "camera=(), microphone=(), geolocation=()"),
        ]
    }

    fn verdicts(security: &Security, lines: &[(&'static str, &str)]) -> Vec<(String, Verdict)> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        security.judge(&headers).into_iter().map(|finding| (finding.subject, finding.verdict)).collect()
    }

    #[test]
    fn the_headers_of_a_strict_edge_pass_and_so_do_the_derived_ones() {
        let security = strict();
        let derived = security.derived();
        let derived: Vec<(&'static str, &str)> =
            good().iter().zip(&derived).map(|((name, _), (_, value))| (*name, value.as_str())).collect();
        for lines in [good(), derived] {
            let verdicts = verdicts(&security, &lines);
            assert_eq!(verdicts.len(), 6);
            assert!(verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Pass), "{verdicts:?}");
        }
        let none = verdicts(&security, &[]);
        assert!(none.iter().all(|(_, verdict)| *verdict == Verdict::Fail), "{none:?}");
    }

    #[test]
    fn each_header_fails_by_what_it_means() {
        for (name, wrong) in [
            (HSTS, "max-age=0; includeSubDomains; preload"),
            (HSTS, "max-age=31535999; includeSubDomains; preload"),
            (HSTS, "max-age=31536000; preload"),
            (HSTS, "max-age=31536000; includeSubDomains"),
            (HSTS, "max-age=31536000; max-age=1; includeSubDomains; preload"),
            (HSTS, "max-age=31536000; max-age=63072000; includeSubDomains; preload"),
            (HSTS, "max-age=-1; includeSubDomains; preload"),
            (HSTS, "includeSubDomains; preload"),
            (CSP, "default-src 'self'; frame-ancestors 'none' https://evil.example"),
            (CSP, "default-src 'self'"),
            (CSP, "frame-ancestors 'self'; frame-ancestors 'none'; default-src *"),
            (CSP, "mutated"),
            (NOSNIFF, "sniff"),
            (NOSNIFF, "nosniff, sniff"),
            (FRAME, "SAMEORIGIN"),
            (FRAME, "ALLOWALL"),
            (REFERRER, "unsafe-url"),
            (REFERRER, "no-referrer, unsafe-url"),
            (PERMISSIONS, "camera=(self), geolocation=()"),
        ] {
            let lines: Vec<_> =
                good().into_iter().map(|(other, value)| (other, if other == name { wrong } else { value })).collect();
            let verdicts = verdicts(&strict(), &lines);
            let failed: Vec<_> = verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Fail).collect();
            assert_eq!(failed.len(), 1, "{name}: {wrong}: {verdicts:?}");
            assert!(failed[0].0.ends_with(name), "{failed:?}");
        }
        let reported = [("content-security-policy-report-only", "default-src 'self'")];
        let any = Security { csp: Some(Vec::new()), ..Security::default() };
        assert_eq!(verdicts(&any, &reported)[0].1, Verdict::Fail, "what is only reported protects nobody");
    }

    #[test]
    fn letters_that_mean_the_same_pass() {
        for (name, right) in [
            (HSTS, "Max-Age=\"63072000\" ; INCLUDESUBDOMAINS;preload;"),
            (HSTS, "max-age=99999999999999999999999; includeSubDomains; preload"),
            (CSP, "frame-ancestors  'none' ;Default-Src 'none'"),
            (NOSNIFF, "NoSniff"),
            (FRAME, "deny"),
            (REFERRER, "unsafe-url, same-origin"),
            (PERMISSIONS, "geolocation=( ),camera=()"),
        ] {
            let lines: Vec<_> =
                good().into_iter().map(|(other, value)| (other, if other == name { right } else { value })).collect();
            let verdicts = verdicts(&strict(), &lines);
            assert!(verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Pass), "{right}: {verdicts:?}");
        }
        let framed = Security { frame: Some(Frame::SameOrigin), ..Security::default() };
        assert_eq!(verdicts(&framed, &[(FRAME, "SAMEORIGIN")])[0].1, Verdict::Pass);
        assert_eq!(verdicts(&framed, &[(FRAME, "ALLOW-FROM https://a.example")])[0].1, Verdict::Fail);
    }

    #[test]
    fn a_max_age_is_told_in_days() {
        let of = |seconds| Hsts { max_age: Duration::from_secs(seconds), include_subdomains: false, preload: false };
        assert_eq!(of(31_536_000).words(), "max-age at least 365d");
        assert_eq!(of(300).words(), "max-age at least 5m");
    }

    #[test]
    fn a_directive_by_its_name_alone_passes_its_own_example() {
        for name in ["frame-ancestors", "form-action", "default-src", "sandbox", "report-to", "frame-ancestors 'none'"]
        {
            let security = Security { csp: Some(vec![name.into()]), ..Security::default() };
            let derived = security.derived();
            assert_eq!(verdicts(&security, &[(CSP, &derived[0].1)])[0].1, Verdict::Pass, "{name}: {derived:?}");
        }
        let framed = Security { csp: Some(vec!["frame-ancestors".into()]), ..Security::default() };
        assert_eq!(verdicts(&framed, &[(CSP, "default-src 'self'")])[0].1, Verdict::Fail);
        assert_eq!(verdicts(&framed, &[(CSP, "frame-ancestors")])[0].1, Verdict::Pass, "no source, so nobody");
    }

    proptest! {
        #[test]
        fn no_header_makes_judging_panic(value in proptest::collection::vec(0x20_u8..=0xff, 0..60)) {
            let mut headers = HeaderMap::new();
            for name in [HSTS, CSP, NOSNIFF, FRAME, REFERRER, PERMISSIONS] {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(name, value);
                }
            }
            prop_assert_eq!(strict().judge(&headers).len(), 6);
        }
    }
}
