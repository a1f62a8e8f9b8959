//! Forms of requests: what is written reads back, and what is hostile is refused.

use proptest::prelude::*;

use super::*;

fn id() -> RequestId {
    RequestId::new("0123456789abcdef0123456789abcdef")
}

fn request(command: Command) -> Request {
    let asked_at = Wall::from_timestamp_millis(1_700_000_000_123).expect("a time");
    Request { id: id(), name: "bob".into(), role: Some("sre".into()), asked_at, command }
}

fn commands() -> [Command; 23] {
    [
        Command::note("a line\nand another"),
        Command::CallHold { why: "disk".into() },
        Command::ReleaseHold { who: "sre".into() },
        Command::Vote { poll: None, role: "sre".into(), vote: Vote::Go },
        Command::Vote { poll: None, role: "sre".into(), vote: Vote::NoGo { reason: "no".into() } },
        Command::Vote { poll: None, role: "sre".into(), vote: Vote::GoWithWaiver { reason: "so".into() } },
        Command::Acknowledge { item: ItemId::keyed("login", Some("https://a.example")) },
        Command::Vote { poll: Some("second-go".into()), role: "sre".into(), vote: Vote::Go },
        Command::Judge { criterion: "way-back".into(), met: true, note: "practised".into() },
        Command::WaiveCriterion {
            criterion: "smoke".into(),
            reason: "one origin".into(),
            lasts: Duration::from_millis(5_400_001),
        },
        Command::Sign { item: "sign-off".into(), role: "sre".into(), note: String::new() },
        Command::Amend {
            amendment: Ok(Amendment { plan_hash: "00ff".into(), ..Amendment::default() }),
            reason: "it must be".into(),
        },
        Command::Attest { item: "look".into(), note: "saw it".into(), passed: false },
        Command::GiveEvidence { evidence: "notes".into(), what: "https://docs.example/1".into() },
        Command::Close { why: String::new(), anyway: None, gone: Vec::new() },
        Command::Close { why: "done".into(), anyway: Some("the log is lost".into()), gone: Vec::new() },
        Command::Note { text: "it was".into(), occurred_at: Wall::from_timestamp_millis(5), amends: Some(41) },
        Command::Choose { item: "tunnel-mode".into(), option: "named".into(), reason: "partners".into() },
        Command::Waive { item: "login".into(), reason: "known".into(), lasts: Duration::from_millis(7_200_001) },
        Command::Veto { trigger: "errors-2m".into(), why: "it is the load test".into() },
        Command::AcknowledgeTrigger { trigger: "errors-2m".into() },
        Command::FireTrigger { trigger: "by-hand".into(), why: "users call".into() },
        Command::WaiveHole { item: "hold".into(), hole: Instant(72_000_001), reason: "the bastion was down".into() },
    ]
}

#[test]
fn version_1_reads_back_and_stays_as_it_is() {
    for command in commands() {
        let asked = request(command);
        assert_eq!(decode(&encode(&asked).expect("written")), Ok(asked));
    }
    let bytes = encode(&request(commands()[4].clone())).expect("written");
    assert_eq!(
        String::from_utf8(bytes).expect("text"),
        r#"{"v":1,"id":"0123456789abcdef0123456789abcdef","name":"bob","role":"sre","asked_at":1700000000123,"command":{"vote":{"role":"sre","vote":{"no_go":{"reason":"no"}}}}}"#
    );
}

#[test]
fn what_an_attached_terminal_may_not_ask_has_no_form() {
    for command in [Command::Resume, Command::Leave, Command::RunItem { item: "a".into() }] {
        assert_eq!(encode(&request(command)), Err(NoRequest::NotForRequests));
    }
}

#[test]
fn nonsense_is_told_from_a_request() {
    let whole = String::from_utf8(encode(&request(commands()[0].clone())).expect("written")).expect("text");
    let with = |from: &str, to: &str| whole.replace(from, to).into_bytes();
    for (bytes, wanted) in [
        (b"{".to_vec(), "ends too early"),
        (b"\xff\xfe".to_vec(), "no JSON"),
        (with("\"v\":1", "\"v\":2"), "version 2"),
        (br#"{"v":9,"what":"ever"}"#.to_vec(), "version 9"),
        (with("\"v\":1", "\"v\":1,\"sudo\":true"), "unknown"),
        (with("\"note\"", "\"resume\""), "unknown"),
        (with("0123456789abcdef0123456789abcdef", "../../plan"), "no id"),
        (with("\"bob\"", "\" \""), "no name"),
        (with("\"bob\"", "\"engine\""), "the launch's own"),
        (with("a line", &"x".repeat(LONGEST_TEXT)), "text is longer"),
        (with("\"sre\"", &format!("\"{}\"", "x".repeat(LONGEST_NAME + 1))), "role is longer"),
        (vec![b' '; LARGEST + 1], "more than the 65536 bytes"),
    ] {
        let wrong = decode(&bytes).expect_err(wanted).to_string();
        assert!(wrong.contains(wanted), "{wanted}: {wrong}");
    }
}

#[test]
fn no_escape_sequence_passes() {
    let mut asked = request(Command::note("red \u{1b}[31malert\nnext"));
    asked.name = "b\u{1b}[2Job".into();
    let read = decode(&encode(&asked).expect("written")).expect("a request");
    assert_eq!((read.name.as_str(), read.command), ("bob", Command::note("red alert\nnext")));
}

#[test]
fn an_answer_is_for_its_own_request() {
    let refused = Decided { seq: 7, refused: Some("no\u{1b}[2J".into()) };
    let bytes = encode_answer(&id(), &refused).expect("written");
    assert_eq!(decode_answer(&bytes, &id()), Some(Answer::Refused("no".into())));
    assert_eq!(decode_answer(&bytes, &RequestId::new("f".repeat(32))), None);
    let bytes = encode_answer(&id(), &Decided { seq: 7, refused: None }).expect("written");
    assert_eq!(decode_answer(&bytes, &id()), Some(Answer::Recorded(7)));
    for nothing in [r#"{"v":1,"id":"0123456789abcdef0123456789abcdef"}"#, "{}", ""] {
        assert_eq!(decode_answer(nothing.as_bytes(), &id()), None);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
        let _ = decode_answer(&bytes, &id());
    }
}
