//! One linear pass over the text of a document before any parser sees it.
//!
//! Parsers recurse: a few kilobytes of nested brackets can exhaust a stack, and with it the process. This pass has no
//! recursion and no allocation; what it lets through is bounded in length, tokens and nesting.

use crate::{
    Limits,
    document::lines::Lines,
    error::{ErrorCode, GraphqlError, Phase, Refused},
};
use http::StatusCode;

/// Refuses a document that no parser should be given.
///
/// # Errors
/// `DOCUMENT_TOO_LARGE` past the limits on bytes and tokens, `QUERY_TOO_COMPLEX` past the limit on nesting,
/// `GRAPHQL_PARSE_FAILED` for a NUL character, raw or escaped.
pub fn scan(text: &str, limits: &Limits) -> Result<(), Refused> {
    if text.len() > limits.document_bytes {
        return Err(too_large("bytes", limits.document_bytes, text.len()));
    }
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    let (mut tokens, mut open) = (0_usize, 0_usize);
    while let Some(token) = scanner.next_token() {
        tokens += 1;
        if tokens > limits.document_tokens {
            return Err(too_large("tokens", limits.document_tokens, tokens));
        }
        match token {
            Token::Open => {
                open += 1;
                if open > limits.nesting {
                    let message = format!("The document nests brackets more than {} deep.", limits.nesting);
                    let at = Lines::of(text).pos(scanner.at - 1);
                    return Err(GraphqlError::limit(message, limits.nesting, open).at(Some(at)).into());
                }
            }
            Token::Close => open = open.saturating_sub(1),
            Token::Nul => {
                let at = Lines::of(text).pos(scanner.at.saturating_sub(1));
                let message = "The document contains a NUL character (U+0000); remove it.";
                return Err(GraphqlError::new(ErrorCode::GraphqlParseFailed, message).at(Some(at)).into());
            }
            Token::Other => {}
        }
    }
    Ok(())
}

fn too_large(unit: &str, limit: usize, actual: usize) -> Refused {
    let message = format!("The document has more than {limit} {unit}; split it into several.");
    let error =
        GraphqlError::new(ErrorCode::DocumentTooLarge, message).with("limit", limit).with("actual", actual);
    Refused { phase: Phase::Document(StatusCode::PAYLOAD_TOO_LARGE), ..error.into() }
}

#[derive(Clone, Copy, PartialEq)]
enum Token {
    Open,
    Close,
    Nul,
    Other,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn next_token(&mut self) -> Option<Token> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xEF | 0xBB | 0xBF => {}
                b'#' => {
                    if self.comment_has_nul() {
                        return Some(Token::Nul);
                    }
                }
                b'{' | b'[' | b'(' => return Some(Token::Open),
                b'}' | b']' | b')' => return Some(Token::Close),
                0 => return Some(Token::Nul),
                b'"' => return Some(self.string()),
                byte if is_word(byte) => {
                    while self.bytes.get(self.at).copied().is_some_and(is_word) {
                        self.at += 1;
                    }
                    return Some(Token::Other);
                }
                b'.' => {
                    while self.bytes.get(self.at) == Some(&b'.') {
                        self.at += 1;
                    }
                    return Some(Token::Other);
                }
                _ => return Some(Token::Other),
            }
        }
    }

    fn comment_has_nul(&mut self) -> bool {
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\n' | b'\r' => return false,
                0 => return true,
                _ => {}
            }
        }
        false
    }

    /// The rest of a string whose first quote has been read. An unterminated one ends with the line, as in the lexer.
    fn string(&mut self) -> Token {
        if self.bytes[self.at..].starts_with(b"\"\"") {
            self.at += 2;
            return self.block_string();
        }
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' | b'\n' | b'\r' => break,
                0 => return Token::Nul,
                b'\\' if self.escapes_nul() => return Token::Nul,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
        Token::Other
    }

    fn block_string(&mut self) -> Token {
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            if rest.starts_with(b"\\\"\"\"") {
                self.at += 4;
            } else if rest.starts_with(b"\"\"\"") {
                self.at += 3;
                return Token::Other;
            } else if rest[0] == 0 {
                self.at += 1;
                return Token::Nul;
            } else {
                self.at += 1;
            }
        }
        Token::Other
    }

    /// Whether the escape whose backslash has been read stands for U+0000 (`\u0000`, `\u{0}`).
    fn escapes_nul(&self) -> bool {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"u0000") {
            return true;
        }
        let Some(digits) = rest.strip_prefix(b"u{") else { return false };
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        zeros > 0 && digits.get(zeros) == Some(&b'}')
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn code(text: &str) -> Option<ErrorCode> {
        scan(text, &Limits::default()).err().map(|refused| refused.errors[0].code)
    }

    #[test]
    fn ordinary_documents_pass() {
        assert_eq!(
            code("query Q($a: [Int!] = [1]) { a(b: {c: \"}}}\"}) { ...f @skip(if: true) } } # {{{"),
            None
        );
        assert_eq!(code(r#"{ a(b: """ {{{ \""" [[[ """) }"#), None);
        assert_eq!(code("\u{feff}{ a }"), None);
    }

    #[test]
    fn brackets_are_counted_outside_strings_and_comments_only() {
        let deep = |n| format!("{{ a(b: {}{}) }}", "[".repeat(n), "]".repeat(n));
        assert_eq!(code(&deep(62)), None);
        assert_eq!(code(&deep(63)), Some(ErrorCode::QueryTooComplex));
        assert_eq!(code(&"[".repeat(50_000)), Some(ErrorCode::QueryTooComplex));
        assert_eq!(code(&format!("{{ a(b: \"{}\") }}", "[".repeat(500))), None);
    }

    #[test]
    fn tokens_and_bytes_are_limited() {
        assert_eq!(code(&format!("{{{}}}", "a ".repeat(1_998))), None);
        assert_eq!(code(&format!("{{{}}}", "a ".repeat(1_999))), Some(ErrorCode::DocumentTooLarge));
        assert_eq!(code(&" ".repeat(100_001)), Some(ErrorCode::DocumentTooLarge));
    }

    #[test]
    fn nul_is_refused_wherever_it_hides() {
        for text in [
            "{ a\0 }",
            "# \0",
            "{a(b:\"\0\")}",
            "{a(b:\"\"\"\0\"\"\")}",
            r#"{a(b:"\u0000")}"#,
            r#"{a(b:"\u{00}")}"#,
        ] {
            assert_eq!(code(text), Some(ErrorCode::GraphqlParseFailed), "{text:?}");
        }
        assert_eq!(code(r#"{a(b:"\\u0000 \u{0041}")}"#), None);
    }

    #[test]
    fn a_place_and_the_numbers_are_reported() {
        let limits = Limits { nesting: 2, ..Limits::default() };
        let error = scan("{\n a(b: {c: 1}) }", &limits).unwrap_err().errors.remove(0);
        assert_eq!(error.locations[0], async_graphql::Pos { line: 2, column: 7 });
        assert_eq!(error.details, [("limit".into(), 2.into()), ("actual".into(), 3.into())]);
    }
}
