//! What one variable must be. It is told in words that hold no value but those the plan itself states.

use std::net::IpAddr;

use regex::Regex;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::judge::Variables;
use crate::base::template::{Scope, Template};
use crate::base::text::hex;

/// The rules of one variable; it must be set unless they say otherwise.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// It may be unset.
    pub optional: bool,
    /// It must not be set.
    pub absent: bool,
    /// Its value is no secret: the redactor need not know it.
    pub public: bool,
    /// A placeholder is right here.
    pub placeholder: bool,
    pub equals: Option<Template>,
    pub one_of: Vec<Template>,
    /// In characters.
    pub min_length: Option<usize>,
    pub url: Option<Address>,
    pub int: Option<Range>,
    pub matches: Vec<Regex>,
    pub bans: Vec<Regex>,
    /// It must be set only where one of these variables has that value.
    pub required_if: Vec<(String, String)>,
    /// Beginnings of the SHA-256 of values that it must no longer have.
    pub differs_from: Vec<String>,
    /// Another variable with the same value.
    pub same_as: Option<String>,
}

/// An absolute URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Any where empty.
    pub schemes: Vec<String>,
    /// Its host may be this machine.
    pub local: bool,
    /// It must carry a password.
    pub password: bool,
}

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    pub min: Option<i64>,
    pub max: Option<i64>,
}

impl Rule {
    #[must_use]
    pub fn words(&self, scope: &Scope) -> String {
        if self.absent {
            return "not set".to_owned();
        }
        // A secret, or a name without a value yet, stays as the plan writes it.
        let open = scope.without_secrets();
        let text = |template: &Template| template.text(&open).unwrap_or_else(|_| template.written());
        let mut all = vec![if self.optional { "unset or right".to_owned() } else { "set".to_owned() }];
        let required = self.required_if.iter().map(|(name, value)| format!("{name} is {value}")).collect::<Vec<_>>();
        if !required.is_empty() {
            all[0] = format!("set where {}", required.join(" or "));
        }
        all.extend(self.equals.as_ref().map(|value| format!("equal to {}", text(value))));
        if !self.one_of.is_empty() {
            all.push(format!("one of {}", self.one_of.iter().map(text).collect::<Vec<_>>().join(", ")));
        }
        all.extend(self.min_length.map(|least| format!("at least {least} characters")));
        all.extend(self.url.as_ref().map(Address::words));
        all.extend(self.int.map(Range::words));
        all.extend(self.matches.iter().map(|pattern| format!("matching {pattern}")));
        all.extend(self.bans.iter().map(|pattern| format!("not matching {pattern}")));
        all.extend((!self.differs_from.is_empty()).then(|| "another value than before".to_owned()));
        all.extend(self.same_as.as_ref().map(|other| format!("the same as {other}")));
        if !self.placeholder {
            all.push("no placeholder".to_owned());
        }
        all.join(", ")
    }

    /// Whether it must be set, others being as they are.
    #[must_use]
    pub fn is_required(&self, variables: &Variables) -> bool {
        let has = |(name, value): &(String, String)| variables.get(name) == Some(value.as_str());
        !self.optional && (self.required_if.is_empty() || self.required_if.iter().any(has))
    }

    /// Whether the plan itself states this value, so that it is no secret.
    #[must_use]
    pub fn states(&self, value: &str, scope: &Scope) -> bool {
        let open = scope.without_secrets();
        let stated = |template: &Template| template.text(&open).is_ok_and(|text| text == value);
        self.equals.as_ref().is_some_and(stated) || self.one_of.iter().any(stated)
    }

    /// What is wrong with a value that is set, none of it telling the value.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub fn mistakes(
        &self,
        value: &str,
        variables: &Variables,
        banned: &[Regex],
        scope: &Scope,
    ) -> Result<Vec<String>, String> {
        let text = |template: &Template| template.text(scope).map_err(|unbound| unbound.to_string());
        let length = value.chars().count();
        let mut wrong = Vec::new();
        if !self.placeholder && banned.iter().any(|pattern| pattern.is_match(value)) {
            wrong.push("a placeholder".to_owned());
        }
        if let Some(wanted) = &self.equals
            && text(wanted)? != value
        {
            wrong.push(format!("something else ({length} characters)"));
        }
        if !self.one_of.is_empty() {
            let all = self.one_of.iter().map(text).collect::<Result<Vec<_>, _>>()?;
            if !all.iter().any(|one| one == value) {
                wrong.push(format!("none of these ({length} characters)"));
            }
        }
        if self.min_length.is_some_and(|least| length < least) {
            wrong.push(format!("{length} characters"));
        }
        wrong.extend(self.url.as_ref().and_then(|address| address.mistake(value)));
        wrong.extend(self.int.and_then(|range| range.mistake(value)));
        wrong
            .extend(self.matches.iter().filter(|pattern| !pattern.is_match(value)).map(|p| format!("no match of {p}")));
        wrong.extend(self.bans.iter().filter(|pattern| pattern.is_match(value)).map(|p| format!("a match of {p}")));
        let print = fingerprint(value);
        if self.differs_from.iter().any(|old| print.starts_with(&old.to_ascii_lowercase())) {
            wrong.push("the old value still".to_owned());
        }
        if let Some(other) = &self.same_as {
            match variables.get(other) {
                None => wrong.push(format!("{other} is not set")),
                Some(same) if same != value => wrong.push(format!("another value than {other}")),
                Some(_) => {}
            }
        }
        Ok(wrong)
    }
}

/// SHA-256 in hex.
fn fingerprint(value: &str) -> String {
    hex(&Sha256::digest(value.as_bytes()))
}

impl Address {
    fn words(&self) -> String {
        let scheme = if self.schemes.is_empty() { String::new() } else { format!(" ({})", self.schemes.join(" or ")) };
        let password = if self.password { " with a password" } else { "" };
        let local = if self.local { "" } else { ", not of this machine" };
        format!("a URL{scheme}{password}{local}")
    }

    fn mistake(&self, value: &str) -> Option<String> {
        let Ok(url) = Url::parse(value) else { return Some("no URL".to_owned()) };
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Some("a URL without a host".to_owned());
        };
        if !self.schemes.is_empty() && !self.schemes.iter().any(|scheme| scheme == url.scheme()) {
            return Some("a URL of another scheme".to_owned());
        }
        if !self.local && is_local(host) {
            return Some("a URL of this machine".to_owned());
        }
        (self.password && url.password().is_none_or(str::is_empty)).then(|| "a URL without a password".to_owned())
    }
}

fn is_local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.is_loopback() || mapped.is_unspecified(),
            None => address.is_loopback() || address.is_unspecified(),
        },
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".localhost") || host == "host.docker.internal",
    }
}

impl Range {
    fn words(self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
            (Some(min), None) => format!("a whole number of at least {min}"),
            (None, Some(max)) => format!("a whole number of at most {max}"),
            (None, None) => "a whole number".to_owned(),
        }
    }

    fn mistake(self, value: &str) -> Option<String> {
        let Ok(number) = value.trim().parse::<i64>() else { return Some("no whole number".to_owned()) };
        let outside = self.min.is_some_and(|min| number < min) || self.max.is_some_and(|max| number > max);
        outside.then(|| "a number out of bounds".to_owned())
    }
}
