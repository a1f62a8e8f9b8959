//! Reads the `dns` table, with every mistake at its place, and the forms in which records are written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Dns, Expect, Type};
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::Table;
use crate::base::template::{Scope, Template};

/// Where a resolver listens.
const PORT: u16 = 53;
/// Resolvers of one check: each is asked every time.
const MOST_RESOLVERS: usize = 16;

pub(super) fn read(table: &Table<'_>) -> Option<Dns> {
    let name = table.need_template("name", "`name = \"api.example.com\"`");
    let known = table.word("type", &Type::ALL);
    let kind = known.unwrap_or(Type::A);
    let resolvers = table.templates("resolvers");
    for resolver in &resolvers {
        if resolver.names().next().is_none()
            && let Err(why) = address(&resolver.written())
        {
            table.wrong_value(resolver.span, why);
        }
    }
    if table.is_empty_list("resolvers") || resolvers.len() > MOST_RESOLVERS {
        table.wrong_value(
            table.span,
            format!("`resolvers` names 1 to {MOST_RESOLVERS}; without it the system's is asked"),
        );
    }
    let agree = table.flag("agree").unwrap_or(true);
    let expect = table.table("expect").map(|table| expect(table, kind)).unwrap_or_default();
    Some(Dns { name: name?, kind, resolvers, agree, expect })
}

fn expect(table: Table<'_>, kind: Type) -> Expect {
    let absent = table.flag("absent").unwrap_or(false);
    let ttl_max = table.duration("ttl_max");
    for key in ["equals", "contains"] {
        if table.is_empty_list(key) {
            table.wrong_value(table.span, format!("`{key}` is empty: where there must be none, write `absent = true`"));
        }
    }
    let (equals, contains) = (table.templates("equals"), table.templates("contains"));
    for record in equals.iter().chain(&contains).filter(|record| record.names().next().is_none()) {
        if let Err(why) = normal(kind, &record.written()) {
            let wrong = Diagnostic::error("wrong-value", record.span, why);
            let near = nearest(kind.word(), Type::ALL.iter().map(|(word, _)| *word)).unwrap_or_default();
            table.notes().report(wrong.label(format!("records of type {near} are expected here")));
        }
    }
    if absent && (!equals.is_empty() || !contains.is_empty() || ttl_max.is_some()) {
        table.wrong_value(table.span, "`absent` stands alone: what is not there has no records and no TTL");
    }
    table.finish();
    Expect { equals, contains, absent, ttl_max }
}

/// Where `written` listens: `1.1.1.1`, `127.0.0.1:5353`, `::1`, `[::1]:5353`.
pub(super) fn address(written: &str) -> Result<SocketAddr, String> {
    let written = written.trim();
    let alone = written.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT));
    let with_port = || written.parse::<SocketAddr>().ok().filter(|address| address.port() > 0);
    alone.ok().or_else(with_port).ok_or_else(|| {
        format!("`{written}` is no resolver: an IP address, with a port where it is not 53: `127.0.0.1:5353`")
    })
}

/// The one form of a record, so that two that mean the same are written the same.
///
/// # Errors
/// That it is no record of its type, as a sentence.
pub(super) fn normal(kind: Type, written: &str) -> Result<String, String> {
    let wrong = |how: &str| format!("`{written}` is no {} record: write {how}", kind.word());
    let text = written.trim();
    match kind {
        Type::A => text.parse::<Ipv4Addr>().map(|a| a.to_string()).map_err(|_| wrong("`203.0.113.10`")),
        Type::Aaaa => text.parse::<Ipv6Addr>().map(|a| a.to_string()).map_err(|_| wrong("`2001:db8::10`")),
        Type::Cname | Type::Ns => name(text).ok_or_else(|| wrong("`target.example.net`")),
        Type::Txt => Ok(written.to_owned()),
        Type::Mx => {
            let (preference, host) =
                text.split_once(char::is_whitespace).ok_or_else(|| wrong("`10 mail.example.net`"))?;
            let preference = preference.parse::<u16>().map_err(|_| wrong("`10 mail.example.net`"))?;
            // A lone dot: this domain takes no mail (RFC 7505).
            let host = if host.trim() == "." { Some(".".to_owned()) } else { name(host.trim()) };
            host.map(|host| format!("{preference} {host}")).ok_or_else(|| wrong("`10 mail.example.net`"))
        }
        Type::Caa => {
            let how = "`0 issue \"ca.example.net\"`";
            let (flags, rest) = text.split_once(char::is_whitespace).ok_or_else(|| wrong(how))?;
            let flags = flags.parse::<u8>().map_err(|_| wrong(how))?;
            let (tag, value) = rest.trim_start().split_once(char::is_whitespace).ok_or_else(|| wrong(how))?;
            let mut bare = value.trim();
            while let Some(inner) = bare.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
                bare = inner.trim();
            }
            Ok(format!("{flags} {} {bare}", tag.to_ascii_lowercase()))
        }
    }
}

fn name(text: &str) -> Option<String> {
    let bare = text.strip_suffix('.').unwrap_or(text);
    let whole = !bare.contains(char::is_whitespace) && bare.split('.').all(|label| !label.is_empty());
    whole.then(|| bare.to_ascii_lowercase())
}

/// The records that `templates` stand for, each in its one form.
///
/// # Errors
/// A name without a value, or a value that is no such record.
pub(super) fn records(kind: Type, templates: &[Template], scope: &Scope) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for template in templates {
        for record in template.list(scope).map_err(|unbound| unbound.to_string())? {
            let record = normal(kind, &record)?;
            if !all.contains(&record) {
                all.push(record);
            }
        }
    }
    all.sort();
    Ok(all)
}
