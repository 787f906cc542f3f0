//! From byte offsets of a document to the one-based lines and columns of error locations.

use apollo_compiler::parser::SourceSpan;
use async_graphql::Pos;

/// Where the lines of a document begin.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Lines end at `\n`, `\r\n` or `\r`, as in the GraphQL grammar.
    pub(crate) fn of(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (index, byte) in bytes.iter().enumerate() {
            let ends_line = *byte == b'\n' || (*byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'));
            if ends_line {
                starts.push(index + 1);
            }
        }
        Self { text, starts }
    }

    /// The place of a byte offset; columns count characters. An offset past the end is the end.
    pub(crate) fn pos(&self, offset: usize) -> Pos {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        Pos { line, column: self.text[start..offset].chars().count() + 1 }
    }

    /// The place where a span begins.
    pub(crate) fn start(&self, span: Option<SourceSpan>) -> Option<Pos> {
        span.map(|span| self.pos(span.offset()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let lines = Lines::of("a\nb\r\nc\rd");
        let at = |offset| (lines.pos(offset).line, lines.pos(offset).column);
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(5), (3, 1));
        assert_eq!(at(7), (4, 1));
        assert_eq!(at(99), (4, 2));
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(Lines::of("äö x").pos(5).column, 4);
        assert_eq!(Lines::of("").pos(0), Pos { line: 1, column: 1 });
    }
}
