//! Asks every resolver of a `dns` check at once and puts down what each says.

use std::net::SocketAddr;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::ask::{Question, ask, first};
use super::{Dns, derive, judge, read, table};
use crate::base::wire::{self, Cause, Request};
use crate::kind::check::{Answer, Context, Ran, Seen};
use crate::kind::exchange::{exchange, fit};
use crate::launch::verdict::Exchange;

pub(super) async fn look(dns: &Dns, cx: &Context) -> Ran {
    let started = Instant::now();
    let answers = match question(dns, cx) {
        Ok((question, resolvers)) => asked(dns, &question, &resolvers, started + cx.timeout, started).await,
        Err(why) => vec![(derive::SYSTEM.to_owned(), Err(Cause::Ours(why)))],
    };
    let seen = Seen { answers, control_answers: false };
    let mut report = judge::report(dns, &seen, &cx.values());
    report.took = started.elapsed();
    let url = format!("{} {}", dns.kind.word(), dns.name.text(&cx.values()).unwrap_or_else(|_| dns.name.written()));
    let asked = Request { method: "DNS".to_owned(), url, ..Request::default() };
    // The first that is not as the others would be, else the first: all are in the findings.
    let told = seen.answers.iter().find(|(_, answer)| answer.is_err()).or(seen.answers.first());
    report.exchange = told.map(|(label, answer)| {
        let told = exchange(&asked, answer.as_ref().map(|answer| &answer.http), &cx.redactor);
        match answer {
            Ok(_) => Exchange { response: format!("as {label} says"), ..told },
            Err(_) => told,
        }
    });
    Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
}

fn question(dns: &Dns, cx: &Context) -> Result<(Question, Vec<(String, SocketAddr)>), String> {
    let name = dns.name.text(&cx.values()).map_err(|unbound| unbound.to_string())?;
    let question = Question::of(&name, dns.kind)?;
    let mut resolvers = Vec::new();
    for resolver in &dns.resolvers {
        for written in resolver.list(&cx.values()).map_err(|unbound| unbound.to_string())? {
            resolvers.push((written.clone(), table::address(&written)?));
        }
    }
    Ok((question, resolvers))
}

type Answers = Vec<(String, Result<Answer, Cause>)>;

async fn asked(
    dns: &Dns,
    question: &Question,
    resolvers: &[(String, SocketAddr)],
    until: Instant,
    started: Instant,
) -> Answers {
    let answer = |message: hickory_resolver::proto::op::Message| {
        let body = read::document(&message, question).to_string().into();
        let http = wire::Answer { body, took: started.elapsed(), ..wire::Answer::default() };
        Answer { http, ..Answer::default() }
    };
    if dns.resolvers.is_empty() {
        let system = tokio::task::spawn_blocking(system).await.unwrap_or_default();
        let (whose, told) = first(&system, question, until).await;
        let label = whose.map_or_else(|| derive::SYSTEM.to_owned(), |at| format!("{} ({})", derive::SYSTEM, at.ip()));
        return vec![(label, told.map(answer))];
    }
    let each = resolvers.iter().map(async |(label, resolver)| (label.clone(), ask(*resolver, question, until).await));
    join_all(each).await.into_iter().map(|(label, told)| (label, told.map(answer))).collect()
}

/// The resolvers of this host, in their order; none where it names none.
fn system() -> Vec<SocketAddr> {
    let read = hickory_resolver::system_conf::read_system_conf();
    let servers = read.map(|(config, _)| config.name_servers().to_vec()).unwrap_or_default();
    let mut all: Vec<SocketAddr> = Vec::new();
    for server in servers {
        let port = server.connections.first().map_or(53, |connection| connection.port);
        let at = SocketAddr::new(server.ip, port);
        if !all.contains(&at) {
            all.push(at);
        }
    }
    all
}
