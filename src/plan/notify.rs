//! `[notify.ID]`: who is told while the launch runs, of what and how often. An address is a credential, since whoever
//! has it may post: it is a secret of the plan, and stands in no plan file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use url::Url;

use super::reader::{Reader, shown};
use crate::base::reach::{Header, Hidden, Reach};
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::{Template, as_text};
use crate::base::text::printable;
use crate::launch::id::NotifyId;
use crate::launch::plan::{AtMost, Notify, Topic, Via};

/// Targets of a plan.
const MOST: usize = 20;
/// Where PagerDuty takes events.
const PAGERDUTY: &str = "https://events.pagerduty.com";
const PAGERDUTY_EU: &str = "https://events.eu.pagerduty.com";
/// Columns of a text of the plan's own.
const TEXT: usize = 1_000;
/// More than this in a second is a flood, not news.
const MOST_A_SECOND: u64 = 50;
/// A limit that is spread over more tells nobody anything in time.
const LONGEST_PER: Duration = Duration::from_secs(3_600);

impl<'a> Reader<'a> {
    pub(super) fn read_notify(&mut self, root: &Table<'a>) {
        let Some(all) = root.table("notify") else { return };
        for (name, span) in all.keys() {
            let Some(table) = all.table_named(name) else { continue };
            let _ = self.notes.take_names();
            let fits = self.fits_as_file(&table, name, span);
            if let Some((notify, reach)) = self.read_target_of_notify(&table, name).filter(|_| fits) {
                if self.plan.notify.len() == MOST {
                    let message = format!("more than {MOST} targets: nobody knows any more who hears what");
                    self.notes.report(Diagnostic::error("wrong-value", span, message));
                    break;
                }
                if let Some(reach) = reach {
                    reach.secrets().iter().for_each(|secret| self.redactor.learn(secret));
                    self.catalogue.notify.insert(notify.id.clone(), reach);
                }
                self.plan.notify.push(notify);
            }
            let used = self.notes.take_names();
            self.used.extend(used.iter().map(|(name, _)| name.clone()));
            let names = self.names.clone();
            names.check(&used, self.source, self.notes);
            table.finish();
        }
        all.accept_all();
    }

    /// A name that a file can have.
    fn fits_as_file(&self, table: &Table<'_>, name: &str, span: Span) -> bool {
        let fits = name.len() <= 64
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !fits {
            let message = format!("`{}` is no id: letters, digits, `-` and `_`, at most 64", printable(name));
            table.wrong_value(span, message);
        }
        fits
    }

    fn read_target_of_notify(&mut self, table: &Table<'a>, name: &str) -> Option<(Notify, Option<Reach>)> {
        let title = table.text("title").map_or_else(|| name.to_owned(), |text| shown(&text));
        let ways = Via::ALL.map(|(key, via)| (via, table.template(key)));
        let eu = table.word("region", &[("us", false), ("eu", true)]);
        let sign = table.template("sign");
        let headers = table.named_templates("headers");
        let events = self.events(table);
        let at_most = self.at_most(table);
        let text = self.texts_of_topics(table);
        let mut given = ways.into_iter().filter_map(|(via, address)| Some((via, address?)));
        let (Some((via, address)), None) = (given.next(), given.next()) else {
            let there = Via::ALL.iter().filter(|(key, _)| table.has(key)).count();
            if there != 1 {
                let message = format!("{} needs `slack`, `pagerduty` or `webhook`, one of them", table.path);
                let wrong = Diagnostic::error("missing-key", table.span, message);
                self.notes.report(wrong.help("`slack = \"{{ slack_hook }}\"`, where `slack_hook` is one of [secrets]"));
            }
            return None;
        };
        for (key, wants, there) in [
            ("region", Via::PagerDuty, eu.is_some()),
            ("sign", Via::Webhook, sign.is_some()),
            ("headers", Via::Webhook, !headers.is_empty()),
        ] {
            if there && via != wants {
                let span = table.any(key).map_or(table.span, |placed| placed.span);
                table.wrong_value(span, format!("`{key}` is of a {}, and this is none", wants.word()));
            }
        }
        let key = Via::ALL.iter().find(|(_, known)| *known == via).map_or("", |(key, _)| *key);
        let address = self.secret_of_notify(table, key, &address);
        let sign = sign.map(|sign| self.secret_of_notify(table, "sign", &sign));
        let headers = self.headers_of_notify(table, headers);
        let at_most = at_most.unwrap_or_else(|| via.at_most());
        let events = events.unwrap_or_else(|| via.events());
        let notify = Notify { id: NotifyId::new(name), title, via, events, at_most, text };
        // Each none where it was reported, or is not set and need not be.
        let reach = match (address?, sign, headers?) {
            (Value::Unset, ..) | (_, Some(Some(Value::Unset)), _) => None,
            (Value::Set(_), Some(None), _) => return None,
            (Value::Set(secret), sign, headers) => {
                let sign = sign.flatten().and_then(Value::set);
                match via {
                    Via::PagerDuty => {
                        let address = if eu.unwrap_or(false) { PAGERDUTY_EU } else { PAGERDUTY };
                        Some(Reach { address: Hidden::new(address), key: Some(Hidden::new(secret)), headers })
                    }
                    Via::Slack | Via::Webhook => {
                        self.is_address(table, key, &secret).then_some(())?;
                        Some(Reach { address: Hidden::new(secret), key: sign.map(Hidden::new), headers })
                    }
                }
            }
        };
        Some((notify, reach))
    }

    /// The value of a key that is one secret of the plan, and nothing beside it. Its words are not repeated.
    fn secret_of_notify(&self, table: &Table<'_>, key: &str, template: &Template) -> Option<Value> {
        let mut names = template.names();
        let one =
            names.next().filter(|name| names.next().is_none() && template.written() == format!("{{{{ {name} }}}}"));
        let Some(name) = one.filter(|name| self.names.is_secret(name)) else {
            let message = format!("`{key}` in {} is one of [secrets], and nothing beside it", table.path);
            let wrong = Diagnostic::error("literal-secret", template.span, message);
            self.notes.report(
                wrong
                    .label("whoever reads this may post there")
                    .help("write `\"{{ NAME }}\"`, and `NAME = { env = \"VARIABLE\" }` under [secrets]"),
            );
            return None;
        };
        Some(match self.scope.get(name) {
            Ok(bound) => Value::Set(as_text(&bound.value)),
            Err(_) => Value::Unset,
        })
    }

    fn headers_of_notify(&self, table: &Table<'_>, written: Vec<(Placed<String>, Template)>) -> Option<Vec<Header>> {
        let mut headers = Vec::new();
        for (name, value) in written {
            let own = ["content-type", "content-length", "host", "x-tminus-signature", "x-tminus-timestamp"];
            let lower = name.value.to_ascii_lowercase();
            if http::HeaderName::from_bytes(lower.as_bytes()).is_err() || own.contains(&lower.as_str()) {
                table.wrong_value(name.span, format!("`{}` is no header that can be set here", printable(&name.value)));
                return None;
            }
            // One whose secret is not set here is told by what it cannot do.
            let secret = value.is_secret(&self.scope);
            headers.push(Header {
                name: name.value,
                value: Hidden::new(value.text(&self.scope).unwrap_or_default()),
                secret,
            });
        }
        Some(headers)
    }

    /// In a rehearsal a secret is a stand-in, and nobody is asked there.
    fn is_address(&self, table: &Table<'_>, key: &str, secret: &str) -> bool {
        let plain = |url: &Url| url.has_host() && url.username().is_empty() && url.password().is_none();
        let fits = Url::parse(secret).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && plain(&url));
        if !fits && !self.options.rehearsal {
            let span = table.any(key).map_or(table.span, |placed| placed.span);
            table.wrong_value(span, format!("the secret of `{key}` in {} is no http or https address", table.path));
        }
        fits || self.options.rehearsal
    }

    fn events(&self, table: &Table<'_>) -> Option<BTreeSet<Topic>> {
        if !table.has("events") {
            let _ = table.texts("events");
            return None;
        }
        let mut events = BTreeSet::new();
        let words = table.texts("events");
        if table.is_empty_list("events") {
            let span = table.any("events").map_or(table.span, |placed| placed.span);
            table.wrong_value(span, "`events` names nothing: then nobody is told anything");
        }
        for word in words {
            match Topic::WORDS.iter().find(|(known, _)| *known == word.value) {
                Some((_, topic)) => {
                    events.insert(*topic);
                }
                None => {
                    let known = || Topic::WORDS.iter().map(|(known, _)| *known);
                    let near = nearest(&word.value, known());
                    let message = format!("`{}` is nothing that is told", printable(&word.value));
                    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
                    let wrong = Diagnostic::error("wrong-value", word.span, message).label(label);
                    self.notes.report(wrong.help(format!("known: {}", known().collect::<Vec<_>>().join(", "))));
                }
            }
        }
        Some(events)
    }

    fn at_most(&self, table: &Table<'a>) -> Option<AtMost> {
        let limit = table.table_like("at_most", "at_most = { count = 30, per = \"1m\" }")?;
        if !limit.has("count") {
            limit.missing("count", "`count = 30`");
        }
        if !limit.has("per") {
            limit.missing("per", "`per = \"1m\"`");
        }
        let count = limit.integer("count");
        let per = self.span_over_zero(&limit, "per");
        let span = count.as_ref().map_or(limit.span, |count| count.span);
        limit.finish();
        let (count, per) = (count?, per?);
        let most = u128::from(MOST_A_SECOND) * per.as_millis() / 1000;
        match u32::try_from(count.value).ok().filter(|count| *count > 0 && u128::from(*count) <= most) {
            Some(count) if per <= LONGEST_PER => Some(AtMost { count, per }),
            Some(_) => {
                table.wrong_value(span, "`at_most` over more than an hour tells nobody anything in time");
                None
            }
            None => {
                table.wrong_value(span, format!("`count` is from 1 to {MOST_A_SECOND} for each second of `per`"));
                None
            }
        }
    }

    /// What stands above the messages of a topic: text for everybody there, so no secret.
    fn texts_of_topics(&self, table: &Table<'a>) -> BTreeMap<Topic, String> {
        let Some(texts) = table.table("text") else { return BTreeMap::new() };
        let mut all = BTreeMap::new();
        for (word, topic) in Topic::WORDS {
            let Some(template) = texts.template(word) else { continue };
            if template.is_secret(&self.scope) || template.names().any(|name| self.names.is_secret(name)) {
                texts.wrong_value(template.span, "a secret is told to everybody who reads this");
                continue;
            }
            // A name that nothing is called is reported where all are; one that has no value yet, here.
            match template.text(&self.scope) {
                Ok(text) if text.chars().count() > TEXT => {
                    texts.wrong_value(template.span, format!("a text of more than {TEXT} characters"));
                }
                Ok(text) => drop(all.insert(topic, text)),
                Err(unbound) if self.names.has(&unbound.0) && !self.options.without_secrets => {
                    let message = format!("`{}` has no value before the launch: a text of [vars] alone", unbound.0);
                    texts.wrong_value(template.span, message);
                }
                Err(_) => {}
            }
        }
        texts.finish();
        all
    }
}

/// The value of a secret.
enum Value {
    Set(String),
    /// Its variable is not set, and need not be.
    Unset,
}

impl Value {
    fn set(self) -> Option<String> {
        match self {
            Self::Set(value) => Some(value),
            Self::Unset => None,
        }
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
