//! The format of event streams, as the HTML standard has it ("9.2.6 Interpreting an event stream").

use std::collections::VecDeque;

/// An event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// `event`, empty where none was named.
    pub(super) kind: Vec<u8>,
    /// `data`, its lines joined.
    pub(super) data: Vec<u8>,
}

/// Makes events of the pieces in which a stream comes, wherever they are cut.
pub(super) struct Parser {
    /// Bytes that an event may have.
    most: usize,
    line: Vec<u8>,
    /// The last byte ended a line as a carriage return: a line feed behind it ends no other.
    after_return: bool,
    kind: Vec<u8>,
    data: Option<Vec<u8>>,
    events: VecDeque<Event>,
}

impl Parser {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            line: Vec::new(),
            after_return: false,
            kind: Vec::new(),
            data: None,
            events: VecDeque::new(),
        }
    }

    /// Reads on. `false` when an event is larger than it may be.
    pub(super) fn read(&mut self, piece: &[u8]) -> bool {
        for &byte in piece {
            match byte {
                b'\n' if self.after_return => {}
                b'\n' | b'\r' => self.end_line(),
                byte => self.line.push(byte),
            }
            self.after_return = byte == b'\r';
            if self.line.len() + self.data.as_ref().map_or(0, Vec::len) > self.most {
                return false;
            }
        }
        true
    }

    /// The next event that is whole.
    pub(super) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let kind = std::mem::take(&mut self.kind);
            // Without data it is no event.
            self.events.extend(self.data.take().map(|data| Event { kind, data }));
            return;
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (&line[..], &[][..]),
        };
        match field {
            b"event" => self.kind = value.to_vec(),
            b"data" => match &mut self.data {
                None => self.data = Some(value.to_vec()),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            },
            // A comment, which has no field; an id, which the event tells itself; and what nobody knows.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn events(stream: &[u8], piece: usize) -> Vec<(String, String)> {
        let mut parser = Parser::new(100);
        let mut found = Vec::new();
        for piece in stream.chunks(piece) {
            assert!(parser.read(piece));
            while let Some(event) = parser.event() {
                let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
                found.push((text(event.kind), text(event.data)));
            }
        }
        found
    }

    #[rstest]
    #[case::ours("id: x\nevent: next\ndata: {\"a\":1}\n\n", &[("next", "{\"a\":1}")])]
    #[case::the_end("event: complete\ndata:\n\n", &[("complete", "")])]
    #[case::a_sign_of_life(":\n\n: still here\n\n", &[])]
    #[case::two("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")])]
    #[case::lines("data: a\ndata:\ndata:  b\n\n", &[("", "a\n\n b")])]
    #[case::any_order("data: a\nevent: next\n\n", &[("next", "a")])]
    #[case::the_last_name_counts("event: x\nevent: next\ndata\n\n", &[("next", "")])]
    #[case::a_name_without_data("event: next\n\ndata: a\n\n", &[("", "a")])]
    #[case::unknown_fields("retry: 10\nfoo\ndata: a: b\n\n", &[("", "a: b")])]
    #[case::umlauts("data: zwölf 🗄\n\n", &[("", "zwölf 🗄")])]
    #[case::a_part_is_none("data: a\n\nevent: next\ndata: b\n", &[("", "a")])]
    fn streams(
        #[case] stream: &str,
        #[case] expected: &[(&str, &str)],
        #[values("\n", "\r\n", "\r")] end: &str,
        #[values(1, 2, 3, 1000)] piece: usize,
    ) {
        let stream = stream.replace('\n', end);
        let found = events(stream.as_bytes(), piece);
        let found: Vec<_> = found.iter().map(|(kind, data)| (kind.as_str(), data.as_str())).collect();
        assert_eq!(found, expected, "{stream:?}");
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let mut parser = Parser::new(10);
        assert!(parser.read(b"data: 1234"));
        assert!(!parser.read(b"5"));
        let mut parser = Parser::new(10);
        assert!(parser.read(b"data: 1234\n"));
        assert!(!parser.read(b"data: 1234\n"));
    }
}
