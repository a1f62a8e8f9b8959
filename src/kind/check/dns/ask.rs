//! One question to one resolver: over UDP, sent again while nothing comes, and over TCP where the answer was cut.
//! An answer counts only if it carries our id and our question.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::proto::op::{Edns, Message, MessageType, Query};
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

use super::Type;
use crate::base::wire::Cause;

/// A datagram may be lost: after this, the question goes out again.
const AGAIN: Duration = Duration::from_secs(1);
/// What passes everywhere unfragmented (the operators' agreement of 2020).
const PAYLOAD: u16 = 1232;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub name: Name,
    pub kind: Type,
}

impl Question {
    /// # Errors
    /// That `name` is none, as a sentence.
    pub fn of(name: &str, kind: Type) -> Result<Self, String> {
        let mut parsed = Name::from_str_relaxed(name).map_err(|why| format!("`{name}` is no name: {why}"))?;
        if name.trim().is_empty() {
            return Err("an empty name asks for nothing".to_owned());
        }
        parsed.set_fqdn(true);
        Ok(Self { name: parsed, kind })
    }

    fn record_type(&self) -> RecordType {
        match self.kind {
            Type::A => RecordType::A,
            Type::Aaaa => RecordType::AAAA,
            Type::Cname => RecordType::CNAME,
            Type::Txt => RecordType::TXT,
            Type::Caa => RecordType::CAA,
            Type::Mx => RecordType::MX,
            Type::Ns => RecordType::NS,
        }
    }

    fn message(&self) -> Message {
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(self.name.clone(), self.record_type()));
        let mut edns = Edns::new();
        edns.set_max_payload(PAYLOAD);
        message.set_edns(edns);
        message
    }

    /// True where `message` answers this question as it was asked in `asked`.
    fn is_answered_by(&self, message: &Message, id: u16) -> bool {
        let same = |query: &Query| query.name() == &self.name && query.query_type() == self.record_type();
        // A resolver that did not understand us may leave the question out.
        let questions = message.queries.is_empty() || message.queries.iter().any(same);
        message.metadata.id == id && message.metadata.message_type == MessageType::Response && questions
    }
}

/// The answer of `resolver`, before `until`.
///
/// # Errors
/// Why there is none.
pub(super) async fn ask(resolver: SocketAddr, question: &Question, until: Instant) -> Result<Message, Cause> {
    let asked = question.message();
    let bytes = asked.to_vec().map_err(|why| Cause::Ours(format!("the question cannot be asked: {why}")))?;
    let id = asked.metadata.id;
    let answer = by_udp(resolver, question, id, &bytes, until).await?;
    if !answer.metadata.truncation {
        return Ok(answer);
    }
    timeout_at(until, by_tcp(resolver, question, id, &bytes)).await.unwrap_or(Err(Cause::TimedOut))
}

async fn by_udp(
    resolver: SocketAddr,
    question: &Question,
    id: u16,
    bytes: &[u8],
    until: Instant,
) -> Result<Message, Cause> {
    let io = |error: std::io::Error| Cause::of_io(&error);
    let any: SocketAddr = match resolver {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await.map_err(io)?;
    // From here on the system takes datagrams of that address alone.
    socket.connect(resolver).await.map_err(io)?;
    let mut datagram = vec![0; usize::from(u16::MAX)];
    let mut foreign = 0_u32;
    while Instant::now() < until {
        socket.send(bytes).await.map_err(io)?;
        let again = until.min(Instant::now() + AGAIN);
        while let Ok(received) = timeout_at(again, socket.recv(&mut datagram)).await {
            let length = received.map_err(io)?;
            match read(&datagram[..length], question, id) {
                Some(answer) => return answer,
                None => foreign = foreign.saturating_add(1),
            }
        }
    }
    match foreign {
        0 => Err(Cause::TimedOut),
        many => Err(Cause::Malformed(format!("{many} datagrams came, and none answers our question"))),
    }
}

async fn by_tcp(resolver: SocketAddr, question: &Question, id: u16, bytes: &[u8]) -> Result<Message, Cause> {
    let io = |error: std::io::Error| Cause::of_io(&error);
    let cut = |error: &dyn std::fmt::Display| Cause::Malformed(format!("the answer was cut, and TCP failed: {error}"));
    let mut stream = TcpStream::connect(resolver).await.map_err(|error| cut(&error))?;
    let length = u16::try_from(bytes.len()).map_err(|_| Cause::Ours("the question is too long".to_owned()))?;
    stream.write_all(&[&length.to_be_bytes()[..], bytes].concat()).await.map_err(io)?;
    let length = stream.read_u16().await.map_err(|error| cut(&error))?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await.map_err(|error| cut(&error))?;
    read(&answer, question, id)
        .unwrap_or_else(|| Err(Cause::Malformed("the answer over TCP is to another question".to_owned())))
}

/// The answer in `bytes`; none where it is to something else.
fn read(bytes: &[u8], question: &Question, id: u16) -> Option<Result<Message, Cause>> {
    match Message::from_vec(bytes) {
        Ok(message) => question.is_answered_by(&message, id).then_some(Ok(message)),
        // With our id it is the answer, and broken.
        Err(why) if bytes.starts_with(&id.to_be_bytes()) => {
            Some(Err(Cause::Malformed(format!("no DNS answer: {why}"))))
        }
        Err(_) => None,
    }
}

/// The first of the system's resolvers that answers at all, with its answer; each is given an equal part of
/// the time.
///
/// # Errors
/// Why none answers, with the last that was asked.
pub(super) async fn first(
    resolvers: &[SocketAddr],
    question: &Question,
    until: Instant,
) -> (Option<SocketAddr>, Result<Message, Cause>) {
    let mut last = (None, Err(Cause::Ours("the system names no resolver".to_owned())));
    for (at, resolver) in resolvers.iter().enumerate() {
        let parts = u32::try_from(resolvers.len() - at).unwrap_or(1);
        let part = until.saturating_duration_since(Instant::now()) / parts;
        let asked = timeout(part, ask(*resolver, question, Instant::now() + part)).await;
        last = (Some(*resolver), asked.unwrap_or(Err(Cause::TimedOut)));
        if last.1.is_ok() {
            return last;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_asked_for_whole() {
        for name in ["api.example.com", "api.example.com.", "_dmarc.example.com", "localhost"] {
            let question = Question::of(name, Type::A).expect("a name");
            assert!(question.name.is_fqdn(), "{name}");
        }
        for name in ["", "  ", "a..b", &"x".repeat(64)] {
            assert!(Question::of(name, Type::A).is_err(), "{name}");
        }
    }

    #[test]
    fn an_answer_to_something_else_is_none() {
        let question = Question::of("api.example.com", Type::A).expect("a name");
        let mut answer = question.message().into_response();
        answer.metadata.message_type = MessageType::Response;
        let id = answer.metadata.id;
        let bytes = answer.to_vec().expect("bytes");
        assert!(matches!(read(&bytes, &question, id), Some(Ok(_))));
        assert!(read(&bytes, &question, id.wrapping_add(1)).is_none());
        let other = Question::of("evil.example.com", Type::A).expect("a name");
        assert!(read(&bytes, &other, id).is_none());
        assert!(read(&question.message().to_vec().expect("bytes"), &question, id).is_none());
    }

    proptest! {
        #[test]
        fn no_datagram_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let question = Question::of("api.example.com", Type::A).expect("a name");
            let _ = read(&bytes, &question, 7);
        }
    }
}
