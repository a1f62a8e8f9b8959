//! Messages for an incoming webhook of Slack's: blocks, and the plain text that a notification shows. Only `&`, `<`
//! and `>` have a meaning there that text from outside must not have, and it is shown verbatim, so that no address,
//! name or channel in it becomes a link; the plan's own text is its own markup.

use serde_json::{Value, json};

use super::message::{Message, Tone};
use super::queue::Parcel;
use crate::launch::plan::Notify;

/// Characters of a section: the service takes 3,000.
const SECTION: usize = 2_900;
/// Characters of a header: the service takes 150.
const HEADER: usize = 150;
/// Messages that a summary names.
const NAMED: usize = 20;

/// The body of what tells `parcel` to `target`.
#[must_use]
pub(super) fn body(parcel: &Parcel, target: &Notify) -> Value {
    let (head, lines, foot) = match parcel.messages.as_slice() {
        [one] => (one.headline(), one.lines.clone(), Some(one.foot())),
        many => summary(many),
    };
    let tone = parcel.messages.iter().map(|message| message.tone).max_by_key(weight).unwrap_or(Tone::Plain);
    let mut texts: Vec<&str> = Vec::new();
    for text in parcel.messages.iter().filter_map(|message| target.text.get(&message.topic)) {
        if !texts.contains(&text.as_str()) {
            texts.push(text);
        }
    }
    let mut blocks = vec![json!({
        "type": "header",
        // Plain text: nothing in it has a meaning.
        "text": { "type": "plain_text", "text": short(&format!("{} {head}", mark(tone)), HEADER), "emoji": true },
    })];
    let own = texts.join("\n");
    if !own.is_empty() {
        let text = json!({ "type": "mrkdwn", "text": short(&own, SECTION) });
        blocks.push(json!({ "type": "section", "text": text }));
    }
    // The head in full, where the header cut it.
    let full = (head.chars().count() > HEADER - 4).then(|| head.clone());
    let body: Vec<String> = full.into_iter().chain(lines).map(|line| escaped(&line)).collect();
    if !body.is_empty() {
        blocks.push(json!({ "type": "section", "text": outside(&body.join("\n")) }));
    }
    let again = parcel.again.then(|| "it is not known whether this came before: it may be a repeat".to_owned());
    let dropped =
        (parcel.dropped > 0).then(|| format!("{} earlier messages were dropped: too many waited", parcel.dropped));
    let context: Vec<Value> =
        [foot, again, dropped].into_iter().flatten().map(|text| outside(&escaped(&text))).collect();
    if !context.is_empty() {
        blocks.push(json!({ "type": "context", "elements": context }));
    }
    let plain = escaped(&head);
    let text = if own.is_empty() { plain } else { format!("{own}\n{plain}") };
    json!({ "text": short_escaped(&text, SECTION), "blocks": blocks })
}

/// Several as one: how many of which tone, and each by its head.
fn summary(many: &[Message]) -> (String, Vec<String>, Option<String>) {
    let bad = many.iter().filter(|message| message.tone == Tone::Bad).count();
    let bad = if bad > 0 { format!(", {bad} of them bad") } else { String::new() };
    let stamp = many.last().map_or("", |message| message.launch.stamp());
    let title = many.last().map(|message| message.launch.title.clone()).unwrap_or_default();
    let head = format!("{stamp}{title} · {} messages in one{bad}", many.len());
    let line = |message: &Message| format!("{} {} {}", message.at.format("%H:%M:%S"), mark(message.tone), message.head);
    // The newest are named where not all can be; what is bad before the rest.
    let mut named: Vec<&Message> = many.iter().collect();
    if named.len() > NAMED {
        named.sort_by_key(|message| (std::cmp::Reverse(weight(&message.tone)), std::cmp::Reverse(message.place)));
        named.truncate(NAMED);
        named.sort_by_key(|message| message.place);
    }
    let mut lines: Vec<String> = named.iter().map(|message| line(message)).collect();
    if many.len() > NAMED {
        lines.push(format!("and {} more: the journal has them", many.len() - NAMED));
    }
    (head, lines, many.last().map(Message::foot))
}

fn weight(tone: &Tone) -> u8 {
    match tone {
        Tone::Plain => 0,
        Tone::Good => 1,
        Tone::Warn => 2,
        Tone::Bad => 3,
    }
}

/// A word that is read without colour too.
fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "·",
        Tone::Good => "✓",
        Tone::Warn => "▲",
        Tone::Bad => "✗",
    }
}

/// Escaped text from outside.
fn outside(escaped: &str) -> Value {
    json!({ "type": "mrkdwn", "text": short_escaped(escaped, SECTION), "verbatim": true })
}

/// Text from outside, without a meaning.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// As [`short`], never in the middle of `&amp;`.
fn short_escaped(text: &str, most: usize) -> String {
    let cut = short(text, most);
    match (cut != text, cut.rfind('&')) {
        (true, Some(at)) if !cut[at..].contains(';') => format!("{}…", &cut[..at]),
        _ => cut,
    }
}

#[cfg(test)]
#[path = "slack_tests.rs"]
mod tests;
