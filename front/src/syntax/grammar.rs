//! The grammar of executable documents, strictly.
//!
//! The compiler's parser repairs what it can and drops the rest, so that `f(a b: 1)` would lose its first argument
//! without a word. This one accepts exactly the grammar of September 2025, and builds nothing. Its recursion is
//! bounded by the nesting of brackets, which the [scan](crate::scan) has bounded.

use super::lexer::{LexError, Lexer, Token};

/// A place where the grammar is broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SyntaxError {
    /// Byte offset of the token at fault; the length of the text for its end.
    pub(crate) at: usize,
    /// What was expected or what is wrong.
    pub(crate) message: &'static str,
}

impl From<LexError> for SyntaxError {
    fn from(error: LexError) -> Self {
        Self { at: error.at, message: error.problem.message() }
    }
}

type Parsed = Result<(), SyntaxError>;

/// Checks a document. Type system definitions are left to the compiler, which says that they have no place in a
/// request.
pub(crate) fn check(text: &str) -> Parsed {
    let mut lexer = Lexer::new(text);
    let next = lexer.next()?;
    let mut grammar = Grammar { lexer, next, end: text.len() };
    loop {
        grammar.definition()?;
        match grammar.next {
            None => return Ok(()),
            Some((Token::Name(keyword), _)) if is_type_system(keyword) => return Ok(()),
            Some(_) => {}
        }
    }
}

fn is_type_system(keyword: &str) -> bool {
    matches!(
        keyword,
        "schema" | "scalar" | "type" | "interface" | "union" | "enum" | "input" | "directive" | "extend"
    )
}

struct Grammar<'a> {
    lexer: Lexer<'a>,
    next: Option<(Token<'a>, usize)>,
    end: usize,
}

impl<'a> Grammar<'a> {
    fn definition(&mut self) -> Parsed {
        let described = self.peek() == Some(Token::Text);
        if described {
            self.advance()?;
        }
        match self.peek() {
            Some(Token::Punctuator(b'{')) if !described => self.selection_set(),
            Some(Token::Name("query" | "mutation" | "subscription")) => {
                self.advance()?;
                if matches!(self.peek(), Some(Token::Name(_))) {
                    self.advance()?;
                }
                if self.is(b'(') {
                    self.list(b')', Self::variable_definition)?;
                }
                self.directives(false)?;
                self.selection_set()
            }
            Some(Token::Name("fragment")) => {
                self.advance()?;
                if self.peek() == Some(Token::Name("on")) {
                    return self.fail("a fragment cannot be named \"on\"");
                }
                self.name()?;
                self.keyword_on()?;
                self.name()?;
                self.directives(false)?;
                self.selection_set()
            }
            Some(Token::Name(keyword)) if is_type_system(keyword) => {
                // The rest of the document is for the compiler.
                Ok(())
            }
            _ => self.fail("expected a query, a mutation, a subscription or a fragment"),
        }
    }

    fn selection_set(&mut self) -> Parsed {
        if !self.is(b'{') {
            return self.fail("expected \"{\"");
        }
        self.list(b'}', Self::selection)
    }

    fn selection(&mut self) -> Parsed {
        match self.peek() {
            Some(Token::Spread) => {
                self.advance()?;
                match self.peek() {
                    Some(Token::Name("on")) => {
                        self.advance()?;
                        self.name()?;
                    }
                    Some(Token::Name(_)) => {
                        self.advance()?;
                        return self.directives(false);
                    }
                    _ => {}
                }
                self.directives(false)?;
                self.selection_set()
            }
            Some(Token::Name(_)) => {
                self.advance()?;
                if self.is(b':') {
                    self.advance()?;
                    self.name()?;
                }
                self.arguments(false)?;
                self.directives(false)?;
                if self.is(b'{') { self.selection_set() } else { Ok(()) }
            }
            _ => self.fail("expected a field, a fragment or \"}\""),
        }
    }

    fn variable_definition(&mut self) -> Parsed {
        if self.peek() == Some(Token::Text) {
            self.advance()?;
        }
        self.punctuator(b'$', "expected \"$\"")?;
        self.name()?;
        self.punctuator(b':', "expected \":\"")?;
        self.type_reference()?;
        if self.is(b'=') {
            self.advance()?;
            self.value(true)?;
        }
        self.directives(true)
    }

    fn type_reference(&mut self) -> Parsed {
        if self.is(b'[') {
            self.advance()?;
            self.type_reference()?;
            self.punctuator(b']', "expected \"]\"")?;
        } else {
            self.name()?;
        }
        if self.is(b'!') { self.advance() } else { Ok(()) }
    }

    fn directives(&mut self, constant: bool) -> Parsed {
        while self.is(b'@') {
            self.advance()?;
            self.name()?;
            self.arguments(constant)?;
        }
        Ok(())
    }

    fn arguments(&mut self, constant: bool) -> Parsed {
        if !self.is(b'(') {
            return Ok(());
        }
        self.list(b')', |grammar| grammar.named_value(constant))
    }

    fn named_value(&mut self, constant: bool) -> Parsed {
        self.name()?;
        self.punctuator(b':', "expected \":\"")?;
        self.value(constant)
    }

    fn value(&mut self, constant: bool) -> Parsed {
        match self.peek() {
            Some(Token::Number | Token::Text | Token::Name(_)) => self.advance(),
            Some(Token::Punctuator(b'$')) if constant => self.fail("a default cannot use a variable"),
            Some(Token::Punctuator(b'$')) => {
                self.advance()?;
                self.name()
            }
            Some(Token::Punctuator(b'[')) => {
                self.advance()?;
                while !self.is(b']') {
                    self.value(constant)?;
                }
                self.advance()
            }
            Some(Token::Punctuator(b'{')) => {
                self.advance()?;
                while !self.is(b'}') {
                    self.named_value(constant)?;
                }
                self.advance()
            }
            _ => self.fail("expected a value"),
        }
    }

    /// One item or more between an opening bracket, which is next, and `close`.
    fn list(&mut self, close: u8, item: impl Fn(&mut Self) -> Parsed) -> Parsed {
        self.advance()?;
        loop {
            item(self)?;
            if self.is(close) {
                return self.advance();
            }
        }
    }

    fn name(&mut self) -> Parsed {
        match self.peek() {
            Some(Token::Name(_)) => self.advance(),
            _ => self.fail("expected a name"),
        }
    }

    fn keyword_on(&mut self) -> Parsed {
        match self.peek() {
            Some(Token::Name("on")) => self.advance(),
            _ => self.fail("expected \"on\" and a type"),
        }
    }

    fn punctuator(&mut self, byte: u8, message: &'static str) -> Parsed {
        if self.is(byte) { self.advance() } else { self.fail(message) }
    }

    fn is(&self, byte: u8) -> bool {
        self.peek() == Some(Token::Punctuator(byte))
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.next.map(|(token, _)| token)
    }

    fn advance(&mut self) -> Parsed {
        self.next = self.lexer.next()?;
        Ok(())
    }

    fn fail(&self, message: &'static str) -> Parsed {
        let message = if self.next.is_none() { "the document breaks off" } else { message };
        Err(SyntaxError { at: self.next.map_or(self.end, |(_, at)| at), message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_the_grammar() {
        for text in [
            "{a}",
            "query{a}",
            "query A($b:[Int!]!=[1]@c(d:1),$e:F)@g{a}",
            "{a:b(c:{d:[$e,null,X]},f:\"\")@g{h}...I@j...on K@l{m}...{n}}",
            "fragment A on B@c{d} mutation on{on}",
            "\"described\" query A{a} \"\"\"too\"\"\" fragment A on B{c}",
            "{query fragment on true null}",
            "subscription{a}",
            "query(\"described\" $a: B){c}",
            "{a(b:[])}",
            "{a(b:{})}",
            "type A{b:C}",
            "{a} extend type B{c:D}",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn documents_outside_the_grammar() {
        for text in [
            "",
            " # x",
            "{",
            "}",
            "{}",
            "{a",
            "{a}}",
            "{a{}}",
            "{a()}",
            "{a(b)}",
            "{a(b:)}",
            "{a(b:1 c)}",
            "{a(b c:1)}",
            "{a(b:{c})}",
            "{a(b:{c:1 d})}",
            "{a(b:[)}",
            "{a @}",
            "{a @b()}",
            "{...}",
            "{...on}",
            "{...on A}",
            "{a:}",
            "{a:b:c}",
            "{:a}",
            "query",
            "query A(",
            "query A(){a}",
            "query($a){b}",
            "query($a:){b}",
            "query($a:A!!){b}",
            "query($a:[A){b}",
            "query($a:A=$b){c}",
            "query(a:A){b}",
            "fragment on on A{b}",
            "fragment A{b}",
            "fragment A on{b}",
            "fragment A on B",
            "fragment A($b:C)on D{e}",
            "\"x\"{a}",
            "hello{a}",
            "{a(b:$)}",
            "{a(b:!)}",
            "{a}}",
            "{a b:}",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_token_at_fault() {
        assert_eq!(check("{ a(b c: 1) }"), Err(SyntaxError { at: 6, message: "expected \":\"" }));
        assert_eq!(check("{ a"), Err(SyntaxError { at: 3, message: "the document breaks off" }));
    }
}
