//! The `notify` step: the words that a runbook wants announced, posted to a webhook, or shown for a person to post.
//! A webhook's address is a credential: it is never shown. Nothing is posted twice by itself, and in a rollback it
//! holds up nothing.

use std::time::Duration;

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

use super::send::patience;
use super::{Acting, Step};
use crate::base::table::Table;
use crate::base::template::{Scope, Shape, Template, Unbound};
use crate::base::wire::Request;
use crate::kind::Kind;
use crate::kind::exchange::{shown, status_words};
use crate::launch::verdict::{Finding, Report, Verdict};

/// A webhook that takes longer keeps a person from the next step.
const PATIENCE: Duration = Duration::from_secs(10);
/// Columns of a message: Slack takes no more than 40,000.
const LONGEST: usize = 30_000;
/// Columns of what a webhook answers that are told.
const ANSWERED: usize = 200;

/// The table of a `notify` step.
#[derive(Debug, Clone)]
pub struct Notify {
    text: Template,
    title: Option<Template>,
    /// Who or where it is for, in words.
    to: Option<Template>,
    /// What a person types before it is sent, by the names that the text uses.
    fields: Vec<String>,
    /// None: a person posts it.
    webhook: Option<Webhook>,
}

#[derive(Debug, Clone)]
struct Webhook {
    url: Template,
    headers: Vec<(String, Template)>,
    format: Format,
    /// Keys beside or in place of those of the format.
    json: Option<Shape>,
}

/// The form of what is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// `{ text }`, as Slack's and Mattermost's incoming webhooks take it.
    Slack,
    /// `{ title, text, timestamp }`.
    Json,
}

impl Step for Notify {
    const KIND: Kind = Kind {
        name: "notify",
        family: "step",
        line: "announces a text: posts it to a webhook (`format` is `slack` or `json`), or shows it for a person to post",
        example: concat!(
            "text = \"1.0 goes live now; watch the errors.\"\n",
            "to = \"#launch\"\n",
            "url = \"https://hooks.example.com/launch\"\n",
            "format = \"slack\"\n",
        ),
    };
    const BLOCKS_ROLLBACK: bool = false;

    fn read(table: &Table<'_>) -> Option<Self> {
        let text = table.need_template("text", "`text = \"1.0 goes live now\"`");
        let (title, to) = (table.template("title"), table.template("to"));
        let url = table.template("url");
        let posts = ["format", "headers", "json"].map(|key| (key, table.has(key)));
        let format = table.word("format", &[("slack", Format::Slack), ("json", Format::Json)]);
        let headers = table.named_templates("headers").into_iter().map(|(name, value)| (name.value, value)).collect();
        let json = table.shape("json");
        if let Some(json) = &json
            && !matches!(json.value, Shape::Table(_))
        {
            table.wrong_value(json.span, "`json` is a table: `json = { reason = \"launch\" }`");
        }
        if let (None, Some((key, _))) = (&url, posts.iter().find(|(_, there)| *there)) {
            let span = table.keys().into_iter().find(|(name, _)| name == key).map_or(table.span, |(_, span)| span);
            table.wrong_value(span, format!("`{key}` needs a `url` to be posted to"));
        }
        if let Some(url) = url.as_ref().filter(|url| url.names().next().is_none())
            && Url::parse(&url.written()).is_err()
        {
            // Its words may be a credential: they are not repeated.
            table.wrong_value(url.span, "`url` is no address");
        }
        let used = |name: &str| {
            let within =
                |template: &Option<Template>| template.iter().flat_map(Template::names).any(|used| used == name);
            let in_json = json.as_ref().is_some_and(|json| json.value.names().contains(&name));
            within(&text) || within(&title) || in_json
        };
        let fields = fields(table, used);
        let format = format.unwrap_or(Format::Json);
        let webhook = url.map(|url| Webhook { url, headers, format, json: json.map(|json| json.value) });
        Some(Self { text: text?, title, to, fields, webhook })
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        let to = self.to(scope);
        match &self.webhook {
            Some(_) => vec![format!("posted to {to}, which answers 2xx")],
            None => vec![format!("posted to {to} by a person")],
        }
    }

    fn fields(&self) -> &[String] {
        &self.fields
    }

    fn changes(&self) -> Option<String> {
        self.webhook.as_ref().map(|_| "people are told, each time anew".to_owned())
    }

    async fn act(&self, cx: &Acting) -> Report {
        let began = Instant::now();
        let (verdict, seen) = match self.message(&cx.look.scope) {
            Ok(message) => self.announce(&message, cx).await,
            Err(unbound) => (Verdict::Unknown, format!("nothing was posted: {unbound}")),
        };
        let finding = Finding { verdict, ..Finding::held("message", "posted", seen.clone(), true) };
        Report { summary: seen, ..Report::of(vec![finding], began.elapsed()) }
    }
}

/// Fields of one message: each is a line that a person types while everybody waits.
const MOST_FIELDS: usize = 8;

fn fields(table: &Table<'_>, used: impl Fn(&str) -> bool) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for field in table.texts("fields") {
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        let named =
            field.value.starts_with(first) && field.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !named {
            table.wrong_value(field.span, format!("`{}` is no name: letters, digits and `_`", field.value));
        } else if all.contains(&field.value) || all.len() == MOST_FIELDS {
            table.wrong_value(field.span, format!("`fields` are at most {MOST_FIELDS} names, each once"));
        } else if !used(&field.value) {
            table.wrong_value(field.span, format!("nothing that is sent says `{{{{ {} }}}}`", field.value));
        } else {
            all.push(field.value);
        }
    }
    all
}

/// A message with its values.
struct Message {
    title: Option<String>,
    text: String,
}

impl Notify {
    fn to(&self, scope: &Scope) -> String {
        let to = self.to.as_ref().map(|to| match to.is_secret(scope) {
            true => to.written(),
            false => to.text(scope).unwrap_or_else(|_| to.written()),
        });
        to.unwrap_or_else(|| if self.webhook.is_some() { "the webhook".to_owned() } else { "the crew".to_owned() })
    }

    fn message(&self, scope: &Scope) -> Result<Message, Unbound> {
        let title = self.title.as_ref().map(|title| title.text(scope)).transpose()?;
        Ok(Message { title, text: self.text.text(scope)? })
    }

    async fn announce(&self, message: &Message, cx: &Acting) -> (Verdict, String) {
        let to = self.to(&cx.look.scope);
        for line in message.title.iter().map(String::as_str).chain(message.text.lines()) {
            cx.say(line);
        }
        let Some(webhook) = &self.webhook else {
            return (Verdict::Warn, format!("shown, not posted: a person posts it to {to}"));
        };
        let request = match webhook.request(message, cx) {
            Ok(request) => request,
            Err(why) => return (Verdict::Unknown, format!("nothing was posted: {why}")),
        };
        match cx.look.client.send(request, patience(cx.look.timeout).min(PATIENCE)).await {
            Ok(answer) if (200..300).contains(&answer.status) => (Verdict::Pass, format!("posted to {to}")),
            Ok(answer) => {
                let said = shown(&String::from_utf8_lossy(&answer.body), ANSWERED, &cx.look.redactor);
                let said = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
                (Verdict::Fail, format!("{to} did not take it: {}{said}", status_words(answer.status)))
            }
            // It may have come there before the answer was lost.
            Err(cause) if cause.may_have_arrived() => {
                (Verdict::Unknown, format!("whether it came to {to} is not known: {}", cause.words()))
            }
            Err(cause) => {
                let verdict = Verdict::of_silence(&cause, false);
                (verdict, format!("it did not come to {to}: {}", cause.words()))
            }
        }
    }
}

impl Webhook {
    fn request(&self, message: &Message, cx: &Acting) -> Result<Request, String> {
        let (scope, redactor) = (&cx.look.scope, &cx.look.redactor);
        let unbound = |unbound: Unbound| unbound.to_string();
        let url = self.url.text(scope).map_err(unbound)?;
        let parsed = Url::parse(&url).map_err(|_| "its `url` is no address".to_owned())?;
        // Whoever knows the path may post: it is a credential, whether the plan calls it one or not.
        for secret in [url.as_str(), parsed.path(), parsed.query().unwrap_or_default()] {
            redactor.learn(secret);
        }
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        for (name, value) in &self.headers {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value.text(scope).map_err(unbound)?));
        }
        let now = crate::clock::wall().to_rfc3339_opts(SecondsFormat::Secs, true);
        let more = self.json.as_ref().map(|json| json.value(scope)).transpose().map_err(unbound)?;
        let body = body(self.format, message, &now, more);
        // What others read holds no secret, wherever it was put.
        let body = redacted(body, &|text| crate::base::text::cut(&redactor.text(text), LONGEST)).to_string();
        Ok(Request { method: "POST".to_owned(), url, headers, body: Some(body.into()) })
    }
}

fn body(format: Format, message: &Message, now: &str, more: Option<Value>) -> Value {
    let mut body = Map::new();
    match format {
        Format::Slack => {
            let title = message.title.as_ref().map(|title| format!("*{title}*\n")).unwrap_or_default();
            body.insert("text".to_owned(), json!(format!("{title}{}", message.text)));
        }
        Format::Json => {
            body.extend(message.title.as_ref().map(|title| ("title".to_owned(), json!(title))));
            body.insert("text".to_owned(), json!(message.text));
            body.insert("timestamp".to_owned(), json!(now));
        }
    }
    if let Some(Value::Object(more)) = more {
        body.extend(more);
    }
    Value::Object(body)
}

/// A value with each of its texts as `clean` makes it.
fn redacted(value: Value, clean: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(all) => all.into_iter().map(|one| redacted(one, clean)).collect(),
        Value::Object(all) => all.into_iter().map(|(key, one)| (key, redacted(one, clean))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;
    use crate::base::source::Diagnostic;
    use crate::base::table::Notes;

    fn read(text: &str) -> (Option<Notify>, Vec<Diagnostic>) {
        let (parsed, errors) = DeTable::parse_recoverable(text);
        assert!(errors.is_empty(), "{errors:?}");
        let notes = Notes::default();
        let table = Table::new("[notify]", parsed.span().into(), parsed.get_ref(), &notes);
        let step = Notify::read(&table);
        table.finish();
        (step, notes.take_diagnostics())
    }

    #[test]
    fn every_mistake_is_reported_and_an_address_is_not_repeated() {
        for text in [Notify::KIND.example, "text = 'Announce in #ops: launch starts'"] {
            let (step, found) = read(text);
            assert!(step.is_some() && found.is_empty(), "{found:?}");
        }
        for (text, code) in [
            ("to = '#ops'", "missing-key"),
            ("text = 'x'\nformat = 'slack'", "wrong-value"),
            ("text = 'x'\nurl = 'hooks.example.com/T0/secret'", "wrong-value"),
            ("text = 'x'\nurl = 'https://a.example'\nformat = 'slak'", "wrong-value"),
            ("text = 'x'\nurl = 'https://a.example'\njson = 'x'", "wrong-value"),
            ("text = 'x'\nchannel = '#ops'", "unknown-key"),
            ("text = 'x'\nfields = ['impact']", "wrong-value"),
            ("text = '{{ a-b }}'\nfields = ['a-b']", "wrong-value"),
            ("text = '{{ eta }}'\nfields = ['eta', 'eta']", "wrong-value"),
        ] {
            let (_, found) = read(text);
            assert_eq!(found.iter().map(|wrong| wrong.code).collect::<Vec<_>>(), [code], "{text}");
            assert!(!format!("{found:?}").contains("T0/secret"), "{found:?}");
        }
    }

    #[test]
    fn each_format_has_its_form() {
        let message = Message { title: Some("Launch".into()), text: "starts".into() };
        assert_eq!(body(Format::Slack, &message, "now", None), json!({ "text": "*Launch*\nstarts" }));
        let more = Some(json!({ "reason": "planned", "text": "other" }));
        let told = body(Format::Json, &message, "now", more);
        assert_eq!(told, json!({ "title": "Launch", "text": "other", "timestamp": "now", "reason": "planned" }));
    }

    #[test]
    fn no_text_of_what_is_posted_keeps_a_secret() {
        let clean = |text: &str| text.replace("hunter22", "(hidden)");
        let told = redacted(json!({ "a": ["x hunter22"], "b": { "c": "hunter22" }, "d": 7 }), &clean);
        assert_eq!(told, json!({ "a": ["x (hidden)"], "b": { "c": "(hidden)" }, "d": 7 }));
    }
}
