//! One linear pass over the text of a document before any parser sees it.
//!
//! Parsers recurse: a few kilobytes of nested brackets can exhaust a stack, and with it the process. This pass has no
//! recursion and no allocation; what it lets through is bounded in length, tokens and nesting.

use http::StatusCode;

use crate::{
    Limits,
    document::lines::Lines,
    error::{ErrorCode, GraphqlError, Phase, Refused},
    syntax::lexer::{LexError, Lexer, Problem, Token},
};

/// Counts the tokens of a document, and refuses one that no parser should be given.
///
/// # Errors
/// `DOCUMENT_TOO_LARGE` past the limits on bytes and tokens, `QUERY_TOO_COMPLEX` past the limit on nesting,
/// `GRAPHQL_PARSE_FAILED` for what has no tokens: a stray character, a broken string or number, a NUL; `BAD_USER_INPUT`
/// for a NUL inside of a string.
pub fn scan(text: &str, limits: &Limits) -> Result<usize, Refused> {
    if text.len() > limits.document_bytes {
        return Err(too_large("bytes", limits.document_bytes, text.len()));
    }
    let mut lexer = Lexer::new(text);
    let (mut tokens, mut open) = (0_usize, 0_usize);
    loop {
        let (token, at) = match lexer.next() {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(tokens),
            Err(LexError { at, problem: Problem::NulInText }) => return Err(nul_in_text(text, at)),
            Err(error) => return Err(syntax_error(text, error.at, error.problem.message())),
        };
        tokens += 1;
        if tokens > limits.document_tokens {
            return Err(too_large("tokens", limits.document_tokens, tokens));
        }
        match token {
            Token::Punctuator(b'{' | b'[' | b'(') => open += 1,
            Token::Punctuator(b'}' | b']' | b')') => open = open.saturating_sub(1),
            _ => {}
        }
        if open > limits.nesting {
            let message = format!("The document nests brackets more than {} deep.", limits.nesting);
            let place = Lines::of(text).pos(at);
            return Err(GraphqlError::limit(message, limits.nesting, open).at(Some(place)).into());
        }
    }
}

/// A refusal for a document that does not parse.
pub(crate) fn syntax_error(text: &str, at: usize, message: &str) -> Refused {
    let error = GraphqlError::new(ErrorCode::GraphqlParseFailed, format!("Syntax error: {message}."));
    error.at(Some(Lines::of(text).pos(at))).into()
}

/// A refusal for a text that databases do not take.
fn nul_in_text(text: &str, at: usize) -> Refused {
    let message = format!("Invalid value: {}.", Problem::NulInText.message());
    GraphqlError::new(ErrorCode::BadUserInput, message).at(Some(Lines::of(text).pos(at))).into()
}

fn too_large(unit: &str, limit: usize, actual: usize) -> Refused {
    let message = format!("The document has more than {limit} {unit}; split it into several.");
    let error =
        GraphqlError::new(ErrorCode::DocumentTooLarge, message).with("limit", limit).with("actual", actual);
    Refused { phase: Phase::Document(StatusCode::PAYLOAD_TOO_LARGE), ..error.into() }
}

#[cfg(test)]
mod tests {
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
        for text in ["{ a\0 }", "# \0"] {
            assert_eq!(code(text), Some(ErrorCode::GraphqlParseFailed), "{text:?}");
        }
        for text in ["{a(b:\"\0\")}", "{a(b:\"\"\"\0\"\"\")}", r#"{a(b:"\u0000")}"#, r#"{a(b:"\u{00}")}"#] {
            assert_eq!(code(text), Some(ErrorCode::BadUserInput), "{text:?}");
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
