//! A resolver on loopback, over UDP and TCP at one port, that says what a test tells it to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NS, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

pub fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).expect("a name");
    name.set_fqdn(true);
    name
}

/// What comes back.
#[derive(Clone)]
pub enum Says {
    /// A code, answers and authorities.
    Tells(ResponseCode, Vec<Record>, Vec<Record>),
    /// The first questions are lost, then it answers.
    After(u32, Vec<Record>),
    /// Cut over UDP, whole over TCP.
    Cut(Vec<Record>),
    /// Cut over UDP, nothing over TCP.
    CutAndGone,
    Silent,
    /// The question's id, and then no message.
    Garbage,
    /// The answer to another question, again and again.
    Foreign(Vec<Record>),
}

pub fn record(of: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name(of), ttl, data)
}

pub fn a(of: &str, address: [u8; 4]) -> Record {
    record(of, 60, RData::A(A(Ipv4Addr::from(address))))
}

pub fn aaaa(of: &str, address: &str) -> Record {
    record(of, 60, RData::AAAA(AAAA(address.parse().expect("an address"))))
}

pub fn cname(of: &str, ttl: u32, target: &str) -> Record {
    record(of, ttl, RData::CNAME(CNAME(name(target))))
}

pub fn txt(of: &str, parts: &[&str]) -> Record {
    record(of, 60, RData::TXT(TXT::new(parts.iter().map(|part| (*part).to_owned()).collect())))
}

pub fn caa(of: &str, issuer: &str) -> Record {
    let mut issue = CAA::new_issue(false, None, Vec::new());
    issue.value = issuer.as_bytes().to_vec();
    record(of, 60, RData::CAA(issue))
}

pub fn mx(of: &str, host: &str) -> Record {
    record(of, 60, RData::MX(MX::new(10, name(host))))
}

pub fn ns(of: &str, host: &str) -> Record {
    record(of, 60, RData::NS(NS(name(host))))
}

pub fn soa(of: &str) -> Record {
    let soa = SOA::new(name("ns1.example.com"), name("admin.example.com"), 1, 3600, 600, 86_400, 60);
    record(of, 60, RData::SOA(soa))
}

/// Answers `says` to everybody; where it listens.
pub async fn resolver(says: Says) -> SocketAddr {
    // Another test may hold the number for the other protocol.
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let at = udp.local_addr().expect("an address");
        if let Ok(tcp) = TcpListener::bind(at).await {
            break (udp, tcp);
        }
    };
    let at = udp.local_addr().expect("an address");
    let says = Arc::new(says);
    let by_tcp = Arc::clone(&says);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let Ok(length) = stream.read_u16().await else { continue };
            let mut question = vec![0; usize::from(length)];
            if stream.read_exact(&mut question).await.is_err() {
                continue;
            }
            if let Some(answer) = answer(&question, &by_tcp, true, 0) {
                let length = u16::try_from(answer.len()).expect("short");
                let _ = stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).await;
            }
        }
    });
    tokio::spawn(async move {
        let asked = AtomicU32::new(0);
        let mut question = vec![0; 4096];
        while let Ok((length, from)) = udp.recv_from(&mut question).await {
            let before = asked.fetch_add(1, Ordering::SeqCst);
            if let Some(answer) = answer(&question[..length], &says, false, before) {
                let _ = udp.send_to(&answer, from).await;
            }
        }
    });
    at
}

fn answer(question: &[u8], says: &Says, whole: bool, before: u32) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).expect("a question");
    let mut message = Message::response(asked.metadata.id, asked.metadata.op_code);
    message.metadata.message_type = MessageType::Response;
    message.metadata.recursion_available = true;
    message.add_queries(asked.queries.clone());
    match says {
        Says::Tells(code, answers, authorities) => {
            message.metadata.response_code = *code;
            message.add_answers(answers.clone());
            message.add_authorities(authorities.clone());
        }
        Says::After(lost, answers) => {
            if before < *lost {
                return None;
            }
            message.add_answers(answers.clone());
        }
        Says::Cut(answers) if whole => {
            message.add_answers(answers.clone());
        }
        Says::Cut(_) => message.metadata.truncation = true,
        Says::CutAndGone if whole => return None,
        Says::CutAndGone => message.metadata.truncation = true,
        Says::Silent => return None,
        Says::Garbage => return Some([&asked.metadata.id.to_be_bytes()[..], &[0xff; 40]].concat()),
        Says::Foreign(answers) => {
            message.metadata.id = asked.metadata.id.wrapping_add(1);
            message.add_answers(answers.clone());
        }
    }
    Some(message.to_vec().expect("a message"))
}
