//! Reads the table of an `sse` check. Every mistake is reported at its own place; nothing is opened.

use super::{Expect, Meanwhile, Pattern, Resume, Sse};
use crate::base::jq::Program;
use crate::base::table::{Placed, Table};
use crate::kind::request::{self, Takes};

pub(super) fn read(table: &Table<'_>) -> Option<Sse> {
    let call = request::read(table, Takes::Stream);
    let expect = table.table("expect").map_or_else(|| Expect { status: 200, ..Expect::default() }, expected);
    let until = match table.table_like("until", "until = { any = [{ event = \"done\" }] }") {
        None => Vec::new(),
        Some(until) => {
            let any = patterns(&until, "any");
            if any.is_empty() {
                until.missing("any", "`any = [{ event = \"done\" }]`");
            }
            until.finish();
            any
        }
    };
    // A live tail may go on for ever; a check without an end would pass on the first event of any kind.
    if !table.has("until") && expect.at_least.is_empty() && !table.path.starts_with("[stream") {
        table.missing("until", "`until = { any = [{ event = \"done\" }] }`, or `at_least` in `expect`");
    }
    let meanwhile = table.table("meanwhile").and_then(meanwhile).map(Box::new);
    let deadline = table.duration("deadline");
    let resume = Resume::read(table);
    Some(Sse { call: Box::new(call?), expect, until, deadline, meanwhile, resume })
}

fn expected(table: Table<'_>) -> Expect {
    let at_least = |entry: Table<'_>| {
        let (pattern, count) = (pattern(&entry), count(&entry));
        entry.finish();
        Some((pattern?, count))
    };
    let expect = Expect {
        status: status(&table),
        first_event: table.duration("first_event"),
        max_gap: table.duration("max_gap"),
        at_least: table.tables("at_least").into_iter().filter_map(at_least).collect(),
        order: patterns(&table, "order"),
        never: patterns(&table, "never"),
    };
    table.finish();
    expect
}

fn patterns(table: &Table<'_>, key: &'static str) -> Vec<Pattern> {
    let read = |entry: Table<'_>| {
        let pattern = pattern(&entry);
        entry.finish();
        pattern
    };
    table.tables(key).into_iter().filter_map(read).collect()
}

fn pattern(table: &Table<'_>) -> Option<Pattern> {
    let event = table.text("event").map(|event| event.value);
    let data = table.text("data").map(|data| data.value);
    let json = table.text("json");
    let asked = json.is_some();
    let json = json.and_then(|json| program(table, &json));
    if event.is_none() && data.is_none() && !asked {
        table.missing("event", "`event`, `data` or `json`: an empty pattern fits every event");
        return None;
    }
    (json.is_some() == asked).then_some(Pattern { event, data, json })
}

fn program(table: &Table<'_>, text: &Placed<String>) -> Option<Program> {
    match Program::parse(&text.value) {
        Ok(program) => {
            for name in program.variables() {
                table.notes().uses(name, text.span);
            }
            Some(program)
        }
        Err(why) => {
            table.wrong_value(text.span, why);
            None
        }
    }
}

fn count(table: &Table<'_>) -> usize {
    let Some(count) = table.integer("count") else { return 1 };
    match usize::try_from(count.value) {
        Ok(number) if (1..=super::EVENTS).contains(&number) => number,
        _ => {
            table.wrong_value(count.span, format!("`count` is 1 to {}", super::EVENTS));
            1
        }
    }
}

fn status(table: &Table<'_>) -> u16 {
    let Some(status) = table.integer("status") else { return 200 };
    match u16::try_from(status.value) {
        Ok(code) if (100..600).contains(&code) => code,
        _ => {
            table.wrong_value(status.span, format!("`{}` is no HTTP status", status.value));
            200
        }
    }
}

fn meanwhile(table: Table<'_>) -> Option<Meanwhile> {
    let call = request::read(&table, Takes::Stream);
    let after = match table.table("after") {
        None => {
            table.missing("after", "`after = { event = \"message\", count = 1 }`");
            None
        }
        Some(after) => {
            let (pattern, count) = (pattern(&after), count(&after));
            after.finish();
            pattern.map(|pattern| (pattern, count))
        }
    };
    let (status, json) = match table.table("expect") {
        None => (200, Vec::new()),
        Some(expect) => {
            let texts = expect.texts("json");
            let json = texts.iter().filter_map(|text| program(&expect, text)).collect();
            let status = status(&expect);
            expect.finish();
            (status, json)
        }
    };
    table.finish();
    let (after, count) = after?;
    Some(Meanwhile { after, count, call: call?, status, json })
}
