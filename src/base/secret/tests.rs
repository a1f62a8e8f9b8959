//! The redactor's promises: no secret passes, in any form or across any cut of the stream.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use proptest::prelude::*;

use super::*;

const SECRET: &str = "p4ß/w\"r+d é<&>!";

fn redactor(secret: &str) -> Redactor {
    Redactor::new([secret.to_owned()])
}

/// Fed in chunks that end at `cuts`.
fn streamed(redactor: &Redactor, bytes: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    let mut from = 0;
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([bytes.len()]).collect();
    cuts.sort_unstable();
    for cut in cuts {
        out.append(&mut stream.feed(&bytes[from..cut]));
        from = cut;
    }
    out.append(&mut stream.finish());
    out
}

fn url(text: &str, hex: fn(u8) -> String) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { hex(b) }).collect()
}

fn wrapped(text: &str, width: usize, with: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    lines.join(with)
}

/// Texts that hold `secret` in the ways the outside writes it.
fn carriers(secret: &str) -> Vec<String> {
    let mut texts = vec![
        format!("a{secret}b"),
        serde_json::json!({ "k": secret }).to_string(),
        format!("q={}&", url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>()),
        format!("q={}&", url(secret, |b| format!("%{b:02X}"))),
        format!("q={}&", url(secret, |b| format!("%{b:02x}"))),
    ];
    for before in ["", "u", "us", "user:", "user name:"] {
        for after in ["", ":", "::", "and more"] {
            let whole = format!("{before}{secret}{after}");
            texts.push(format!("Basic {}", STANDARD.encode(&whole)));
            texts.push(format!("Basic {}.", STANDARD_NO_PAD.encode(&whole)));
            texts.push(format!("token={}", URL_SAFE.encode(&whole)));
            let long = STANDARD.encode(format!("{}{whole}", "some bytes that fill a line or two ".repeat(2)));
            for with in ["\n", "\r\n", "\\n", "\\r\\n"] {
                texts.push(wrapped(&long, 64, with));
                texts.push(wrapped(&long, 20, with));
            }
        }
    }
    texts
}

/// Every form of the secret that `carriers` writes, as bytes that must not come through.
fn leaks(secret: &str, out: &[u8]) -> bool {
    let forms = forms::of(secret);
    let joined: Vec<u8> =
        String::from_utf8_lossy(out).replace("\\r", "").replace("\\n", "").replace(['\r', '\n'], "").into();
    forms.plain.iter().chain(&forms.base64).any(|form| {
        out.windows(form.len()).any(|window| window == form) || joined.windows(form.len()).any(|window| window == form)
    })
}

#[test]
fn every_form_is_redacted_at_every_cut() {
    let redactor = redactor(SECRET);
    for text in carriers(SECRET) {
        let whole = redactor.text(&text);
        assert!(whole.contains(REDACTED), "{text} came through as {whole}");
        assert!(!leaks(SECRET, whole.as_bytes()), "{text} came through as {whole}");
        for cut in 0..=text.len() {
            let out = streamed(&redactor, text.as_bytes(), &[cut]);
            assert_eq!(String::from_utf8_lossy(&out), whole, "{text} cut at {cut}");
        }
    }
}

#[test]
fn writers_that_escape_more_than_they_must_are_known() {
    let redactor = redactor(SECRET);
    for text in [
        r#"p4\u00df\/w\"r+d \u00e9<&>!"#,
        r#"p4\u00DF/w\"r+d \u00E9<&>!"#,
        r#"p4ß/w\"r+d é\u003c\u0026\u003e!"#,
        "p4%C3%9F/w%22r+d%20%C3%A9%3C&%3E!",
        "p4%c3%9f%2fw%22r%2bd+%c3%a9%3c%26%3e%21",
    ] {
        assert_eq!(redactor.text(text), REDACTED, "{text}");
    }
}

#[test]
fn what_is_no_secret_passes_at_once_and_unchanged() {
    let redactor = redactor("hunter22");
    let mut stream = redactor.stream();
    assert_eq!(stream.feed(b"data: {\"ok\":true}\n\n"), b"data: {\"ok\":true}\n\n");
    assert_eq!(stream.feed(b"hunt"), b"", "a live prefix waits");
    assert_eq!(stream.feed(b"ing\n"), b"hunting\n", "and is shown once it is none");
    assert_eq!(stream.feed(b"hunter2"), b"");
    assert_eq!(stream.finish(), b"hunter2", "the end of the stream ends the wait");
    let nothing = Redactor::default();
    assert_eq!(nothing.text("hunter22"), "hunter22");
    assert_eq!(nothing.bytes(&[0xff, 0x00]), [0xff, 0x00]);
}

#[test]
fn the_end_of_an_ordinary_line_does_not_wait_for_the_next() {
    // Each letter of the secret begins one of its forms; a line that ends in one must still be seen.
    let redactor = redactor("abcdefgh");
    for form in &forms::of("abcdefgh").base64 {
        let line = [b"x ".as_slice(), &form[..1], b"\n"].concat();
        assert_eq!(redactor.stream().feed(&line), line);
    }
}

#[test]
fn a_value_learnt_later_is_known_to_clones_and_open_streams() {
    let redactor = Redactor::default();
    let clone = redactor.clone();
    let mut stream = clone.stream();
    assert_eq!(stream.feed(b"before csrf-123 "), b"before csrf-123 ");
    redactor.learn("csrf-123");
    assert_eq!(stream.feed(b"after csrf-123."), format!("after {REDACTED}.").into_bytes());
    assert_eq!(clone.text("csrf-123"), REDACTED);
}

#[test]
fn short_values_are_refused_as_secrets_and_not_learnt() {
    assert_eq!(Redactor::check("12345"), Err(TooShort { length: 5 }));
    assert_eq!(Redactor::check("éééééé"), Ok(()));
    let redactor = redactor("12345");
    redactor.learn("");
    assert_eq!(redactor.text("12345"), "12345");
}

#[test]
fn overlapping_secrets_both_go_and_neighbours_are_counted() {
    let redactor = Redactor::new(["abcdefgh".to_owned(), "efghijkl".to_owned(), "abcdefghijklmn".to_owned()]);
    assert_eq!(redactor.text("<abcdefghijkl>"), format!("<{REDACTED}>"));
    assert_eq!(redactor.text("<abcdefghijklmn>"), format!("<{REDACTED}>"));
    assert_eq!(redactor.text("<abcdefghabcdefgh>"), format!("<{REDACTED}{REDACTED}>"));
}

#[test]
fn a_key_of_many_lines_goes_in_one_piece_and_line_by_line() {
    let lines = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj", "short=="];
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", lines.join("\n"));
    let redactor = redactor(&pem);
    assert_eq!(redactor.text(&format!("<{pem}>")), format!("<{REDACTED}>"));
    assert_eq!(redactor.text(&serde_json::json!({ "k": pem }).to_string()), format!("{{\"k\":\"{REDACTED}\"}}"));
    let numbered = format!("1 {}\r\n  2 {}\r\n-----END PRIVATE KEY-----", lines[0], lines[1]);
    assert_eq!(redactor.text(&numbered), format!("1 {REDACTED}\r\n  2 {REDACTED}\r\n-----END PRIVATE KEY-----"));
}

#[test]
fn what_a_program_prints_for_programmers_is_known() {
    let secret = "p4\"w\\rd\t\u{7f}é";
    let redactor = redactor(secret);
    let inner = serde_json::json!({ "k": secret }).to_string();
    for text in [format!("Some({secret:?})"), serde_json::json!({ "body": inner }).to_string()] {
        let shown = redactor.text(&text);
        assert!(shown.contains(REDACTED) && !shown.contains("rd"), "{text} came through as {shown}");
    }
}

#[test]
fn a_secret_that_begins_another_does_not_save_its_end() {
    let redactor = Redactor::new(["prefix-secret".to_owned(), "prefix-secret-and-more".to_owned()]);
    let text = "<prefix-secret-and-more> <prefix-secret> <prefix-secret-and>";
    assert_eq!(redactor.text(text), format!("<{REDACTED}> <{REDACTED}> <{REDACTED}-and>"));
    for cut in 0..text.len() {
        assert_eq!(streamed(&redactor, text.as_bytes(), &[cut]), redactor.bytes(text.as_bytes()), "cut at {cut}");
    }
}

#[test]
fn a_stream_of_nothing_but_prefixes_stays_bounded() {
    let redactor = redactor("aaaaaaaa");
    let mut stream = redactor.stream();
    let shown: usize = (0..10_000).map(|_| stream.feed(b"aaaaa").len()).sum();
    assert_eq!(shown, REDACTED.len(), "one run of the secret's letter is one redaction");
    assert!(stream.finish().is_empty());
}

#[test]
fn many_learnt_values_are_all_known() {
    let redactor = Redactor::default();
    let secrets: Vec<String> = (0..100).map(|n| format!("token-{n:04}-x")).collect();
    secrets.iter().for_each(|secret| redactor.learn(secret));
    for secret in &secrets {
        assert_eq!(redactor.text(secret), REDACTED, "{secret}");
    }
}

#[test]
fn what_it_knows_is_never_printed() {
    let redactor = redactor("hunter22");
    let mut stream = redactor.stream();
    assert!(stream.feed(b"hunter2").is_empty());
    redactor.learn("another-one");
    let shown = format!("{redactor:?}{stream:?}");
    assert!(!shown.contains("hunter") && !shown.contains("another"), "{shown}");
    assert!(!shown.contains("104, 117"), "not as numbers either: {shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_form_comes_through_any_cut(
        secret in "[a-zA-Z0-9 /+=&\"\\\\éß<\n-]{6,24}",
        pick in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let redactor = redactor(&secret);
        let texts = carriers(&secret);
        let text = pick.get(&texts);
        let whole = redactor.bytes(text.as_bytes());
        prop_assert!(!leaks(&secret, &whole), "{:?} came through as {:?}", text, String::from_utf8_lossy(&whole));
        prop_assert_eq!(&streamed(&redactor, text.as_bytes(), &cuts), &whole);
        // At every byte offset, and at all of them at once.
        let all: Vec<usize> = (0..=text.len()).collect();
        for cut in &all {
            prop_assert_eq!(&streamed(&redactor, text.as_bytes(), &[*cut]), &whole, "{:?} cut at {}", text, cut);
        }
        prop_assert_eq!(&streamed(&redactor, text.as_bytes(), &all), &whole);
    }

    #[test]
    fn chunks_never_change_what_comes_out(
        secrets in prop::collection::vec("[ab]{6,9}", 1..4),
        bytes in "[ab\r\n\\\\nr ]{0,80}",
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let redactor = Redactor::new(secrets.iter().cloned());
        let whole = redactor.bytes(bytes.as_bytes());
        prop_assert_eq!(&streamed(&redactor, bytes.as_bytes(), &cuts), &whole);
        let shown = String::from_utf8(whole).expect("UTF-8 in, UTF-8 out");
        prop_assert!(!secrets.iter().any(|secret| shown.contains(secret.as_str())));
    }

    #[test]
    fn any_bytes_pass_where_no_secret_is(bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in prop::collection::vec(any::<usize>(), 0..5)) {
        let redactor = redactor("a secret that is not in there at all");
        prop_assert_eq!(streamed(&redactor, &bytes, &cuts), bytes);
    }
}
