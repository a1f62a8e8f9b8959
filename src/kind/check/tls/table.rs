//! Reads the `tls` table, with every mistake at its place.

use std::time::Duration;

use super::{Tls, Version};
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::Table;

const DAY: u64 = 86_400;
/// Days left below which the check warns, and fails, where the plan says nothing.
const WARN: Duration = Duration::from_secs(30 * DAY);
const FAIL: Duration = Duration::from_secs(7 * DAY);

pub(super) fn read(table: &Table<'_>) -> Option<Tls> {
    let host = table.need_template("host", "`host = \"api.example.com\"`");
    let port = table.integer("port").and_then(|port| match u16::try_from(port.value) {
        Ok(number) if number > 0 => Some(number),
        _ => {
            table.wrong_value(port.span, format!("`port = {}`: 1 to 65535", port.value));
            None
        }
    });
    let server_name = table.template("server_name");
    let names = table.templates("names");
    let written = table.has("warn");
    let fail = table.duration("fail").unwrap_or(FAIL);
    // Who says only when it fails is warned in time all the same.
    let warn = table.duration("warn").unwrap_or(WARN.max(if written { Duration::ZERO } else { fail }));
    if warn < fail {
        let span = table.keys().into_iter().find(|(key, _)| *key == "warn").map_or(table.span, |(_, span)| span);
        table.wrong_value(span, "`warn` is at least `fail`: it would come too late");
    }
    let ca = table.template("ca");
    let offer = versions(table, "offer");
    let refuse = versions(table, "refuse");
    if let Some(both) = offer.iter().find(|version| refuse.contains(version)) {
        table.wrong_value(table.span, format!("{} is both offered and refused", both.word()));
    }
    Some(Tls { host: host?, port, server_name, names, warn, fail, ca, offer, refuse })
}

fn versions(table: &Table<'_>, key: &'static str) -> Vec<Version> {
    let mut all = Vec::new();
    for text in table.texts(key) {
        match Version::ALL.iter().find(|(word, _)| *word == text.value) {
            Some((_, version)) if !all.contains(version) => all.push(*version),
            Some(_) => {}
            None => {
                let words = || Version::ALL.iter().map(|(word, _)| *word);
                let wrong = Diagnostic::error("wrong-value", text.span, format!("`{}` is no version", text.value));
                let near = nearest(&text.value, words()).map(|near| format!("did you mean `{near}`?"));
                let known = words().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
                table.notes().report(wrong.label(near.unwrap_or_default()).help(format!("one of {known}")));
            }
        }
    }
    all.sort_unstable();
    all
}
