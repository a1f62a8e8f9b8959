//! The oldest half of a handshake, by hand: a ClientHello of TLS 1.0 or 1.1 and what a server says to it. The
//! library speaks neither, and whether a server does is asked without ever speaking it to the end.

use super::Version;

/// What a server said to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// It goes on in the version asked for.
    Accepted,
    /// It does not, and said how.
    Refused(String),
    /// It closed or reset the connection and said nothing: a refusal only if it still answers others.
    Wordless(&'static str),
    /// What came tells nothing, and why.
    Unclear(String),
}

/// Record types, RFC 5246 section 6.2.1.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// Handshake message, RFC 5246 section 7.4.
const SERVER_HELLO: u8 = 2;
/// A record's payload: 2^14 bytes, and 2048 for what ciphers add.
const LONGEST_RECORD: usize = (1 << 14) + 2048;
/// A header of a record: type, version, length.
const HEADER: usize = 5;
/// Records that may say nothing (warnings, pieces of a hello) before we stop listening.
const MOST_RECORDS: usize = 16;
/// Bytes after which a hello would long have come.
pub(super) const LONGEST: usize = 4 * LONGEST_RECORD;

/// Ciphers of those versions, so many that a server which speaks one of them has one in common with us; and
/// the word that we could renegotiate safely, which some demand.
const CIPHERS: [u16; 19] = [
    0xc013, 0xc014, 0xc009, 0xc00a, 0x0033, 0x0039, 0x0032, 0x0038, 0x002f, 0x0035, 0x0041, 0x0084, 0xc012, 0xc008,
    0x0016, 0x000a, 0xc011, 0x0005, 0x00ff,
];

impl Version {
    /// On the wire.
    fn code(self) -> u16 {
        match self {
            Self::V10 => 0x0301,
            Self::V11 => 0x0302,
            Self::V12 => 0x0303,
            Self::V13 => 0x0304,
        }
    }

    fn of(code: u16) -> Option<Self> {
        Self::ALL.into_iter().map(|(_, version)| version).find(|version| version.code() == code)
    }
}

/// The first record of a client that knows no more than `version`. `name` is told where it is a DNS name.
pub(super) fn client_hello(version: Version, name: Option<&str>, random: [u8; 32]) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(name) = name {
        // A list of one name of type host_name, RFC 6066 section 3.
        let entry = [&[0][..], &sized(name.as_bytes())].concat();
        extension(&mut extensions, 0, &sized(&entry));
    }
    let groups: Vec<u8> = [29u16, 23, 24, 25].iter().flat_map(|group| group.to_be_bytes()).collect();
    extension(&mut extensions, 10, &sized(&groups));
    // Points uncompressed, RFC 8422 section 5.1.2.
    extension(&mut extensions, 11, &[1, 0]);
    let ciphers: Vec<u8> = CIPHERS.iter().flat_map(|cipher| cipher.to_be_bytes()).collect();
    let body = [
        &version.code().to_be_bytes()[..],
        &random,
        // No session to go on with; then the ciphers; then one way to compress: none.
        &[0],
        &sized(&ciphers),
        &[1, 0],
        &sized(&extensions),
    ]
    .concat();
    // A length of three bytes: the body is far below 64 KiB.
    let hello = [&[1, 0][..], &sized(&body)].concat();
    // The record says 1.0 whatever the hello does: some servers take no other.
    [&[HANDSHAKE, 3, 1][..], &sized(&hello)].concat()
}

/// `bytes` after their length in two bytes.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

fn extension(all: &mut Vec<u8>, kind: u16, body: &[u8]) {
    all.extend(kind.to_be_bytes());
    all.extend(sized(body));
}

/// What `bytes`, the beginning of a server's answer, say to a hello of `asked`; none as long as more is needed.
pub(super) fn heard(bytes: &[u8], asked: Version) -> Option<Heard> {
    let mut rest = bytes;
    let mut handshake = Vec::new();
    for _ in 0..MOST_RECORDS {
        let &[kind, major, _, high, low, ..] = rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !matches!(kind, ALERT | HANDSHAKE) || major != 3 || length == 0 || length > LONGEST_RECORD {
            return Some(Heard::Unclear("its answer is no TLS".to_owned()));
        }
        let payload = rest.get(HEADER..HEADER + length)?;
        rest = &rest[HEADER + length..];
        match (kind, payload) {
            (ALERT, &[level, what]) => {
                if let Some(heard) = alert(level, what) {
                    return Some(heard);
                }
            }
            (ALERT, _) => return Some(Heard::Unclear("its alert is none".to_owned())),
            (_, piece) => handshake.extend_from_slice(piece),
        }
        if let &[message, _, _, _, high, low, ..] = handshake.as_slice() {
            return Some(answered(message, u16::from_be_bytes([high, low]), asked));
        }
    }
    Some(Heard::Unclear("its answer says neither yes nor no".to_owned()))
}

/// What an alert says; nothing where it is a warning that does not end the handshake.
fn alert(level: u8, what: u8) -> Option<Heard> {
    match (level, what) {
        (_, 80) => Some(Heard::Unclear("alert internal_error: it failed by itself".to_owned())),
        (_, 0) => Some(Heard::Refused("alert close_notify".to_owned())),
        (1, _) => None,
        (2, _) => Some(Heard::Refused(format!("alert {}", alert_name(what)))),
        _ => Some(Heard::Unclear("its alert is none".to_owned())),
    }
}

fn answered(message: u8, code: u16, asked: Version) -> Heard {
    if message != SERVER_HELLO {
        return Heard::Unclear("its answer is no hello".to_owned());
    }
    match Version::of(code) {
        Some(version) if version == asked => Heard::Accepted,
        Some(version) if version < asked => Heard::Refused(format!("it answered with TLS {}", version.word())),
        Some(_) => Heard::Unclear("it answered with a version beyond the one asked for".to_owned()),
        // SSL 3.0.
        None if code == 0x0300 => Heard::Refused("it answered with SSL 3.0".to_owned()),
        None => Heard::Unclear("it answered with a version that does not exist".to_owned()),
    }
}

/// The names of RFC 8446 section 6 and RFC 5246 section 7.2, for those a server may answer a hello with.
fn alert_name(what: u8) -> String {
    let name = match what {
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        47 => "illegal_parameter",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        86 => "inappropriate_fallback",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        other => return other.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn server_hello(code: u16) -> Vec<u8> {
        let body = [&code.to_be_bytes()[..], &[7; 32], &[0, 0xc0, 0x13, 0]].concat();
        let message = [&[SERVER_HELLO, 0][..], &sized(&body)].concat();
        [&[HANDSHAKE, 3, 1][..], &sized(&message)].concat()
    }

    #[test]
    fn a_hello_of_the_version_asked_for_is_accepted_and_an_older_one_is_not() {
        assert_eq!(heard(&server_hello(0x0301), Version::V10), Some(Heard::Accepted));
        assert_eq!(heard(&server_hello(0x0302), Version::V11), Some(Heard::Accepted));
        let older = heard(&server_hello(0x0301), Version::V11);
        assert_eq!(older, Some(Heard::Refused("it answered with TLS 1.0".into())));
        assert!(matches!(heard(&server_hello(0x0303), Version::V10), Some(Heard::Unclear(_))));
        assert!(matches!(heard(&server_hello(0x0400), Version::V10), Some(Heard::Unclear(_))));
    }

    #[test]
    fn an_alert_refuses_unless_it_warns_or_tells_of_a_failure() {
        let refused = heard(&[ALERT, 3, 1, 0, 2, 2, 70], Version::V10);
        assert_eq!(refused, Some(Heard::Refused("alert protocol_version".into())));
        let failed = heard(&[ALERT, 3, 1, 0, 2, 2, 80], Version::V10);
        assert!(matches!(failed, Some(Heard::Unclear(_))), "{failed:?}");
        let warned = [&[ALERT, 3, 1, 0, 2, 1, 112][..], &server_hello(0x0301)].concat();
        assert_eq!(heard(&warned[..7], Version::V10), None);
        assert_eq!(heard(&warned, Version::V10), Some(Heard::Accepted));
    }

    #[test]
    fn an_answer_in_pieces_is_waited_for_and_another_protocol_is_unclear() {
        let whole = server_hello(0x0301);
        for end in 0..whole.len() {
            assert_eq!(heard(&whole[..end], Version::V10), None, "{end}");
        }
        // Two records, the hello's first byte alone in the first.
        let split = [&[HANDSHAKE, 3, 1, 0, 1, SERVER_HELLO][..], &[HANDSHAKE, 3, 1, 0, 5, 0, 0, 38, 3, 1]].concat();
        assert_eq!(heard(&split, Version::V10), Some(Heard::Accepted));
        assert!(matches!(heard(b"HTTP/1.1 400 Bad Request", Version::V10), Some(Heard::Unclear(_))));
    }

    #[test]
    fn records_that_say_nothing_are_not_read_for_ever() {
        let warning = [ALERT, 3, 1, 0, 2, 1, 90];
        assert!(matches!(heard(&warning.repeat(100), Version::V10), Some(Heard::Unclear(_))));
    }

    #[test]
    fn our_hello_is_one_record_of_the_length_it_says() {
        let hello = client_hello(Version::V11, Some("api.example.com"), [1; 32]);
        assert_eq!(hello[..3], [HANDSHAKE, 3, 1]);
        assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - HEADER);
        assert_eq!(usize::from(u16::from_be_bytes([hello[7], hello[8]])), hello.len() - HEADER - 4);
        assert_eq!(hello[9..11], [3, 2]);
        assert!(hello.windows(15).any(|part| part == b"api.example.com"));
        assert!(client_hello(Version::V10, None, [1; 32]).len() + 24 == hello.len());
    }

    proptest! {
        #[test]
        fn nothing_that_is_answered_panics_and_only_a_hello_is_accepted(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if heard(&bytes, Version::V10) == Some(Heard::Accepted) {
                prop_assert!(bytes.windows(2).any(|pair| pair == [3, 1]) && bytes.contains(&SERVER_HELLO));
            }
        }

        #[test]
        fn more_bytes_never_change_what_was_heard(
            kind in 20u8..24, level in 0u8..4, what in any::<u8>(), more in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let first = [kind, 3, 1, 0, 2, level, what];
            let known = heard(&first, Version::V11);
            let longer = heard(&[&first[..], &more].concat(), Version::V11);
            prop_assert!(known.is_none() || known == longer);
        }
    }
}
