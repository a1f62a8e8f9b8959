//! Server-sent events: bytes in, events out, whatever the chunks. It decodes as the standard says
//! (WHATWG HTML, 9.2.6), in linear time and bounded memory, and can write an event back in one
//! canonical form. It opens nothing, waits for nothing and judges nothing.

use std::borrow::Cow;
use std::time::Duration;

/// What a stream may cost us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one line, its end not counted.
    pub line: usize,
    /// Bytes of one event: its name, its id and its data together.
    pub event: usize,
    /// Bytes of the whole stream.
    pub total: u64,
}

/// A bound that was passed. The parser takes nothing more after one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    #[error("a line of more than {0} bytes")]
    Line(usize),
    #[error("an event of more than {0} bytes")]
    Event(usize),
    #[error("a stream of more than {0} bytes")]
    Total(u64),
}

/// What the parser hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    Event(Event<'a>),
    /// A comment came: the stream lives, though it tells nothing.
    Comment,
    /// The server asks for this wait before a reconnect.
    Retry(Duration),
}

/// One event. It borrows from the parser: the next byte may overwrite it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// `message` where the stream named none.
    pub name: &'a str,
    pub data: &'a str,
    /// The last id the stream gave, by this event or an earlier one.
    pub id: Option<&'a str>,
    /// True where this event itself gave the id.
    pub gives_id: bool,
    /// True where bytes of it were no UTF-8 and stand as U+FFFD.
    pub mended: bool,
}

/// The parser of one stream.
#[derive(Debug)]
pub struct Parser {
    bounds: Bounds,
    total: u64,
    breach: Option<Breach>,
    /// The start of a line whose end has not come.
    held: Vec<u8>,
    after_cr: bool,
    first_line: bool,
    name: String,
    data: String,
    has_data: bool,
    mended: bool,
    /// An id of the event that is coming; it counts when that event is whole.
    next_id: Option<String>,
    id: Option<String>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { line: 64 << 10, event: 1 << 20, total: u64::MAX }
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Breach {
    /// Which bound, in one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Event(_) => "event",
            Self::Total(_) => "total",
        }
    }
}

impl Parser {
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            total: 0,
            breach: None,
            held: Vec::new(),
            after_cr: false,
            first_line: true,
            name: String::new(),
            data: String::new(),
            has_data: false,
            mended: false,
            next_id: None,
            id: None,
        }
    }

    /// The last id of a whole event: what a reconnect sends as `Last-Event-ID`.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Takes the next bytes and hands out what they complete, in order.
    ///
    /// # Errors
    /// A bound was passed; what was complete before that was handed out.
    pub fn feed(&mut self, chunk: &[u8], mut take: impl FnMut(Item<'_>)) -> Result<(), Breach> {
        if let Some(breach) = self.breach {
            return Err(breach);
        }
        let room = self.bounds.total - self.total;
        let within = usize::try_from(room).map_or(chunk.len(), |room| room.min(chunk.len()));
        self.total += within as u64;
        let fed = self.split(&chunk[..within], &mut take).and(match within < chunk.len() {
            true => Err(Breach::Total(self.bounds.total)),
            false => Ok(()),
        });
        self.breach = fed.err();
        fed
    }

    fn split(&mut self, mut rest: &[u8], take: &mut impl FnMut(Item<'_>)) -> Result<(), Breach> {
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = line_end(rest) else { return self.hold(rest) };
            if self.held.is_empty() {
                self.line(&rest[..end], take)?;
            } else {
                self.hold(&rest[..end])?;
                let mut line = std::mem::take(&mut self.held);
                let read = self.line(&line, take);
                line.clear();
                self.held = line;
                read?;
            }
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
        }
        Ok(())
    }

    fn hold(&mut self, piece: &[u8]) -> Result<(), Breach> {
        if self.held.len() + piece.len() > self.bounds.line {
            return Err(Breach::Line(self.bounds.line));
        }
        self.held.extend_from_slice(piece);
        Ok(())
    }

    fn line(&mut self, mut line: &[u8], take: &mut impl FnMut(Item<'_>)) -> Result<(), Breach> {
        if line.len() > self.bounds.line {
            return Err(Breach::Line(self.bounds.line));
        }
        if std::mem::take(&mut self.first_line) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch(take);
            return Ok(());
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => {
                take(Item::Comment);
                return Ok(());
            }
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.fits(value.len() + 1)?;
                let text = self.text(value);
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(&text);
                self.has_data = true;
            }
            b"event" => {
                self.fits(value.len())?;
                self.name = self.text(value).into_owned();
            }
            b"id" if !value.contains(&0) => {
                self.fits(value.len())?;
                self.next_id = Some(self.text(value).into_owned());
            }
            b"retry" => {
                // A number too large for us is no wish we would follow.
                if let Some(ms) = whole_number(value) {
                    take(Item::Retry(Duration::from_millis(ms)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn fits(&self, more: usize) -> Result<(), Breach> {
        let id = self.next_id.as_ref().map_or(0, String::len);
        match self.data.len() + self.name.len() + id + more > self.bounds.event {
            true => Err(Breach::Event(self.bounds.event)),
            false => Ok(()),
        }
    }

    fn text<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, str> {
        let text = String::from_utf8_lossy(bytes);
        self.mended |= matches!(text, Cow::Owned(_));
        text
    }

    fn dispatch(&mut self, take: &mut impl FnMut(Item<'_>)) {
        let gives_id = self.next_id.is_some();
        if gives_id {
            self.id = self.next_id.take();
        }
        if self.has_data {
            take(Item::Event(Event {
                name: if self.name.is_empty() { "message" } else { &self.name },
                data: &self.data,
                id: self.id.as_deref(),
                gives_id,
                mended: self.mended,
            }));
        }
        self.name.clear();
        self.data.clear();
        // One huge event must not keep its room for the rest of a long stream.
        self.data.shrink_to(self.bounds.line);
        self.has_data = false;
        self.mended = false;
    }
}

impl Event<'_> {
    /// Appends this event in canonical form: LF, one space after each colon, known fields only.
    pub fn write(&self, out: &mut Vec<u8>) {
        if self.name != "message" {
            field(out, b"event: ", self.name);
        }
        if let Some(id) = self.id.filter(|_| self.gives_id) {
            field(out, b"id: ", id);
        }
        for line in self.data.split('\n') {
            field(out, b"data: ", line);
        }
        out.push(b'\n');
    }
}

fn field(out: &mut Vec<u8>, name: &[u8], value: &str) {
    out.extend_from_slice(name);
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

fn whole_number(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok())
}

/// Where the first CR or LF stands. Eight bytes at a time: this is where the time of a stream goes.
fn line_end(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let has_zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let (words, _) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let lf = u64::from_le_bytes(*word) ^ u64::from_le_bytes([b'\n'; 8]);
        let cr = u64::from_le_bytes(*word) ^ u64::from_le_bytes([b'\r'; 8]);
        let found = has_zero(lf) | has_zero(cr);
        if found != 0 {
            // A borrow can mark a byte too many, never before the first true one.
            return Some(at * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    let tail = words.len() * 8;
    bytes[tail..].iter().position(is_end).map(|at| tail + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (String, String, Option<String>, bool);

    fn owned(event: &Event<'_>) -> Owned {
        (event.name.into(), event.data.into(), event.id.map(Into::into), event.gives_id)
    }

    fn parse_with(bounds: Bounds, chunks: &[&[u8]]) -> (Vec<Owned>, Result<(), Breach>) {
        let mut parser = Parser::new(bounds);
        let mut events = Vec::new();
        let mut end = Ok(());
        for chunk in chunks {
            end = parser.feed(chunk, |item| {
                if let Item::Event(event) = item {
                    events.push(owned(&event));
                }
            });
        }
        (events, end)
    }

    fn parse(text: &[u8]) -> Vec<Owned> {
        let (events, end) = parse_with(Bounds::default(), &[text]);
        assert_eq!(end, Ok(()));
        events
    }

    fn plain(name: &str, data: &str) -> Owned {
        (name.into(), data.into(), None, false)
    }

    #[test]
    fn the_standard_s_own_examples_read_as_it_says() {
        assert_eq!(parse(b"data: YHOO\ndata: +2\ndata: 10\n\n"), [plain("message", "YHOO\n+2\n10")]);
        assert_eq!(parse(b"data\n\ndata\ndata\n\ndata:"), [plain("message", ""), plain("message", "\n")]);
        assert_eq!(parse(b"data:test\n\ndata: test\n\n"), [plain("message", "test"), plain("message", "test")]);
        let events =
            parse(b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n");
        assert_eq!(
            events,
            [
                ("message".into(), "first event".into(), Some("1".into()), true),
                ("message".into(), "second event".into(), Some(String::new()), true),
            ],
            "an event without its empty line is none"
        );
    }

    #[test]
    fn every_line_end_ends_a_line_once() {
        for text in [
            "event: a\ndata: x\n\n",
            "event: a\rdata: x\r\r",
            "event: a\r\ndata: x\r\n\r\n",
            "\u{feff}event: a\r\ndata: x\n\r",
        ] {
            assert_eq!(parse(text.as_bytes()), [plain("a", "x")], "{text:?}");
        }
    }

    #[test]
    fn an_id_with_nul_is_ignored_and_an_id_counts_only_with_its_whole_event() {
        let mut parser = Parser::default();
        parser.feed(b"id: 7\n\nid: 8\0\ndata: x\n\nid: 9\ndata: y\n", |_| {}).expect("within bounds");
        assert_eq!(parser.last_id(), Some("7"));
    }

    #[test]
    fn retry_takes_digits_only_and_unknown_fields_are_dropped() {
        let mut seen = Vec::new();
        let text = b"retry: 1500\nretry: +1\nretry: 99999999999999999999\nretry:\nfoo: bar\nDATA: no\n:\n\n";
        Parser::default()
            .feed(text, |item| match item {
                Item::Retry(wait) => seen.push(wait.as_millis()),
                Item::Event(_) => panic!("no event was sent"),
                Item::Comment => seen.push(0),
            })
            .expect("within bounds");
        assert_eq!(seen, [1500, 0]);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_mended_and_said() {
        let mut mended = Vec::new();
        Parser::default()
            .feed(b"data: a\xff\n\ndata: b\n\n", |item| {
                if let Item::Event(event) = item {
                    mended.push((event.data.to_owned(), event.mended));
                }
            })
            .expect("within bounds");
        assert_eq!(mended, [("a\u{fffd}".to_owned(), true), ("b".to_owned(), false)]);
    }

    #[test]
    fn each_bound_is_kept_and_what_came_before_is_handed_out() {
        let bounds = Bounds { line: 10, event: 15, total: 60 };
        let good = b"data: 12\n\n".as_slice();
        for (bad, breach) in [
            (b"data: 123456789\n\n".as_slice(), Breach::Line(10)),
            (b"xxxxxxxxxxx", Breach::Line(10)),
            (b"data:1234\ndata:1234\ndata:1234\ndata:1234\n\n", Breach::Event(15)),
            (&[b'\n'; 60], Breach::Total(60)),
        ] {
            let (events, end) = parse_with(bounds, &[good, bad, good]);
            assert_eq!((events, end), (vec![plain("message", "12")], Err(breach)));
        }
    }

    #[test]
    fn a_line_without_end_costs_no_more_than_its_bound() {
        let mut parser = Parser::default();
        let piece = [b'x'; 4096];
        let fed = (0..10_000).find_map(|_| parser.feed(&piece, |_| {}).err());
        assert_eq!(fed, Some(Breach::Line(64 << 10)));
        assert!(parser.held.capacity() <= 128 << 10);
    }

    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => prop::sample::select(vec![
                "data", "data: ", "data:", "event: done", "event", "id: 1", "id: \0", "id", "retry: 10", ": c", "foo: x",
                "{\"a\":1}", "\n", "\n", "\r", "\r\n", "\n\n", "\u{feff}", "é", " ", ":",
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..6),
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_chunks_of_a_stream_give_the_same_events(text in streams(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12), small in any::<bool>()) {
            let bounds = if small { Bounds { line: 12, event: 20, total: 120 } } else { Bounds::default() };
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            prop_assert_eq!(parse_with(bounds, &chunks), parse_with(bounds, &[&text]));
        }

        #[test]
        fn what_is_written_reads_back(text in streams()) {
            let mut written = Vec::new();
            let mut events = Vec::new();
            let mut parser = Parser::default();
            parser.feed(&text, |item| if let Item::Event(event) = item {
                event.write(&mut written);
                events.push((event.name.to_owned(), event.data.to_owned(), event.gives_id));
            }).expect("within bounds");
            let read: Vec<_> = parse(&written).into_iter().map(|(name, data, _, gives_id)| (name, data, gives_id)).collect();
            prop_assert_eq!(read, events);
        }

        #[test]
        fn the_end_of_a_line_is_found_where_it_is(bytes in prop::collection::vec(prop::sample::select(vec![b'a', b'\n', b'\r', 0x0b, 0x0c, 0x8a, 0x8d, 0xff]), 0..40)) {
            prop_assert_eq!(line_end(&bytes), bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')));
        }
    }
}
