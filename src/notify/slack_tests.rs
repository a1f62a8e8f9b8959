//! What goes to Slack: within its limits, and nothing of the outside's with a meaning there.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::launch::plan::{Topic, Via};
use crate::notify::queue::tests::message;

fn target(text: &[(Topic, &str)]) -> Notify {
    let text: BTreeMap<Topic, String> = text.iter().map(|(topic, text)| (*topic, (*text).to_owned())).collect();
    let (events, at_most) = (Via::Slack.events(), Via::Slack.at_most());
    Notify { id: "crew".into(), title: "#launch".into(), via: Via::Slack, events, at_most, text }
}

fn parcel(messages: Vec<Message>) -> Parcel {
    Parcel { messages, dropped: 0, again: false }
}

fn told(messages: Vec<Message>, text: &[(Topic, &str)]) -> Value {
    body(&parcel(messages), &target(text))
}

/// Every text of a kind in the blocks.
fn texts(value: &Value, kind: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(all) => {
            if all.get("type").and_then(Value::as_str) == Some(kind)
                && let Some(text) = all.get("text").and_then(Value::as_str)
            {
                found.push(text.to_owned());
            }
            all.values().for_each(|one| texts(one, kind, found));
        }
        Value::Array(all) => all.iter().for_each(|one| texts(one, kind, found)),
        _ => {}
    }
}

#[test]
fn a_message_is_a_header_its_lines_and_where_it_is_from() {
    let mut one = message(7);
    (one.tone, one.lines) = (Tone::Bad, vec!["<!channel> a & b".to_owned(), "second".to_owned()]);
    let body = told(vec![one], &[(Topic::Hold, "<!here> please look")]);
    let header = body["blocks"][0]["text"]["text"].as_str().expect("text");
    assert_eq!(header, "✗ Shop 1.4 · message 7");
    assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
    assert_eq!(body["blocks"][1]["text"]["text"], "<!here> please look", "the plan's own is its own markup");
    assert_eq!(body["blocks"][2]["text"]["text"], "&lt;!channel&gt; a &amp; b\nsecond");
    assert_eq!(body["blocks"][3]["elements"][0]["text"], "production · 1970-01-01 00:00:00 UTC");
    for outside in [&body["blocks"][2]["text"], &body["blocks"][3]["elements"][0]] {
        assert_eq!(outside["verbatim"], true, "no address or name of the outside's becomes a link: {outside}");
    }
    assert_eq!(body["blocks"][1]["text"].get("verbatim"), None);
    assert_eq!(body["text"], "<!here> please look\nShop 1.4 · message 7");
}

#[test]
fn what_was_folded_is_counted_and_named_and_what_was_dropped_or_may_be_a_repeat_is_said() {
    let many: Vec<Message> =
        (1..=30).map(|seq| Message { tone: if seq == 3 { Tone::Bad } else { Tone::Plain }, ..message(seq) }).collect();
    let body = body(&Parcel { messages: many, dropped: 4, again: true }, &target(&[]));
    let text = body.to_string();
    assert!(text.contains("30 messages in one, 1 of them bad"), "{text}");
    assert!(text.contains("message 3\\n") && text.contains("message 30"), "{text}");
    assert!(text.contains("and 10 more: the journal has them"), "{text}");
    assert!(text.contains("4 earlier messages were dropped") && text.contains("may be a repeat"), "{text}");
}

#[test]
fn a_text_that_is_cut_by_a_character_ends_in_no_half_of_an_escape() {
    // `…` takes as many bytes as the two characters that it stands for and the rest of the escape.
    for over in 1..=4 {
        let text = format!("{}&amp;", "x".repeat(SECTION - 5 + over));
        let cut = short_escaped(&text, SECTION);
        assert_eq!(cut, format!("{}…", "x".repeat(SECTION - 5 + over)).chars().take(SECTION).collect::<String>());
    }
}

proptest! {
    #[test]
    fn no_text_from_outside_has_a_meaning_and_no_limit_of_the_service_is_passed(
        head in "[<>&!@a-z|\\PC]{0,4000}",
        lines in prop::collection::vec("[<>&!@|\\PC]{0,600}", 0..12),
        many in 1_u64..40,
    ) {
        let all: Vec<Message> =
            (1..=many).map(|seq| Message { head: head.clone(), lines: lines.clone(), ..message(seq) }).collect();
        let body = told(all, &[]);
        let mut marked = Vec::new();
        texts(&body["blocks"], "mrkdwn", &mut marked);
        marked.push(body["text"].as_str().expect("text").to_owned());
        for text in &marked {
            prop_assert!(!text.contains('<') && !text.contains('>'), "{text}");
            // Each `&` begins one of the three.
            for (at, _) in text.match_indices('&') {
                let rest = &text[at..];
                prop_assert!(["&amp;", "&lt;", "&gt;"].iter().any(|known| rest.starts_with(known)), "{rest}");
            }
            prop_assert!((1..=3_000).contains(&text.chars().count()));
        }
        let mut plain = Vec::new();
        texts(&body["blocks"], "plain_text", &mut plain);
        prop_assert!(plain.iter().all(|text| (1..=150).contains(&text.chars().count())));
        prop_assert!(body["blocks"].as_array().expect("blocks").len() <= 50);
    }
}
