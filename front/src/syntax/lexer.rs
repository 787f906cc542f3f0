//! Tokens of a GraphQL document, strictly by its lexical grammar.

/// A token; text of names is kept, as keywords decide the grammar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Token<'a> {
    /// `! $ & ( ) : = @ [ ] { | }`
    Punctuator(u8),
    Spread,
    Name(&'a str),
    /// An integer or a float.
    Number,
    /// A string or a block string.
    Text,
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct LexError {
    /// Byte offset of the place.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) problem: Problem,
}

/// What a document can get wrong below its grammar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Problem {
    Nul,
    /// One that is spelled as the grammar has it, but that no database takes.
    NulInText,
    Character,
    Number,
    Escape,
    UnterminatedString,
}

impl Problem {
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Nul => "the document contains a NUL character (U+0000)",
            Self::NulInText => "a text can't hold the NUL character (U+0000)",
            Self::Character => "this character has no place here",
            Self::Number => "this is not a number",
            Self::Escape => "this is not an escape sequence",
            Self::UnterminatedString => "this string does not end",
        }
    }
}

/// Reads tokens from a text, without recursion and without allocation.
#[derive(Clone)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and its byte offset; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(Token<'a>, usize)>, LexError> {
        self.skip_ignored()?;
        let start = self.at;
        let Some(byte) = self.peek(0) else { return Ok(None) };
        let token = match byte {
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}' => {
                self.at += 1;
                Token::Punctuator(byte)
            }
            b'.' if self.rest().starts_with(b"...") => {
                self.at += 3;
                Token::Spread
            }
            byte if starts_name(byte) => {
                self.skip_while(continues_name);
                Token::Name(&self.text[start..self.at])
            }
            b'-' | b'0'..=b'9' => self.number(start)?,
            b'"' if self.rest().starts_with(b"\"\"\"") => self.block_string(start)?,
            b'"' => self.string(start)?,
            0 => return Err(self.problem(Problem::Nul)),
            _ => return Err(self.problem(Problem::Character)),
        };
        Ok(Some((token, start)))
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn skip_while(&mut self, fits: impl Fn(u8) -> bool) {
        self.at += self.rest().iter().take_while(|byte| fits(**byte)).count();
    }

    fn problem(&self, problem: Problem) -> LexError {
        LexError { at: self.at, problem }
    }

    fn skip_ignored(&mut self) -> Result<(), LexError> {
        loop {
            match self.peek(0) {
                Some(b' ' | b'\t' | b'\r' | b'\n' | b',') => self.at += 1,
                Some(0xEF) if self.rest().starts_with("\u{feff}".as_bytes()) => self.at += 3,
                Some(b'#') => {
                    self.skip_while(|byte| !matches!(byte, b'\n' | b'\r' | 0));
                    if self.peek(0) == Some(0) {
                        return Err(self.problem(Problem::Nul));
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn number(&mut self, start: usize) -> Result<Token<'a>, LexError> {
        let bad = LexError { at: start, problem: Problem::Number };
        if self.peek(0) == Some(b'-') {
            self.at += 1;
        }
        match (self.peek(0), self.peek(1)) {
            (Some(b'0'), Some(b'0'..=b'9')) => return Err(bad),
            (Some(b'0'..=b'9'), _) => self.skip_while(|byte| byte.is_ascii_digit()),
            _ => return Err(bad),
        }
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            self.digits().ok_or(bad)?;
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(0), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits().ok_or(bad)?;
        }
        match self.peek(0) {
            Some(byte) if byte == b'.' || starts_name(byte) => Err(bad),
            _ => Ok(Token::Number),
        }
    }

    fn digits(&mut self) -> Option<()> {
        self.peek(0).filter(u8::is_ascii_digit)?;
        self.skip_while(|byte| byte.is_ascii_digit());
        Some(())
    }

    fn string(&mut self, start: usize) -> Result<Token<'a>, LexError> {
        self.at += 1;
        loop {
            match self.peek(0) {
                None | Some(b'\n' | b'\r') => {
                    return Err(LexError { at: start, problem: Problem::UnterminatedString });
                }
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Token::Text);
                }
                Some(0) => return Err(self.problem(Problem::NulInText)),
                Some(b'\\') => self.escape()?,
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), LexError> {
        let bad = self.problem(Problem::Escape);
        match self.peek(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                return Ok(());
            }
            Some(b'u') => {}
            _ => return Err(bad),
        }
        let (unit, length) = self.unicode().ok_or(bad)?;
        self.at += length;
        match unit {
            0 => Err(LexError { problem: Problem::NulInText, ..bad }),
            // A leading surrogate needs its trailing one, both with four digits.
            0xD800..=0xDBFF if length == 6 => match self.unicode() {
                Some((0xDC00..=0xDFFF, 6)) => {
                    self.at += 6;
                    Ok(())
                }
                _ => Err(bad),
            },
            unit => char::from_u32(unit).map(|_| ()).ok_or(bad),
        }
    }

    /// The code point of a `\u` escape at this place, and the length of the escape.
    fn unicode(&self) -> Option<(u32, usize)> {
        let digits = self.rest().strip_prefix(b"\\u")?;
        let hex = |digits: &[u8]| {
            digits.iter().try_fold(0_u32, |value, digit| {
                value.checked_mul(16)?.checked_add(char::from(*digit).to_digit(16)?)
            })
        };
        match digits.strip_prefix(b"{") {
            Some(digits) => {
                let length = digits.iter().take_while(|digit| digit.is_ascii_hexdigit()).count();
                let closed = digits.get(length) == Some(&b'}') && length > 0;
                closed.then(|| Some((hex(&digits[..length])?, length + 4)))?
            }
            None => Some((hex(digits.get(..4)?)?, 6)),
        }
    }

    fn block_string(&mut self, start: usize) -> Result<Token<'a>, LexError> {
        self.at += 3;
        loop {
            let rest = self.rest();
            if rest.starts_with(b"\"\"\"") {
                self.at += 3;
                return Ok(Token::Text);
            } else if rest.starts_with(b"\\\"\"\"") {
                self.at += 4;
            } else {
                match rest.first() {
                    None => return Err(LexError { at: start, problem: Problem::UnterminatedString }),
                    Some(0) => return Err(self.problem(Problem::NulInText)),
                    Some(_) => self.at += 1,
                }
            }
        }
    }
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn continues_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<(Problem, usize)> {
        let mut lexer = Lexer::new(text);
        loop {
            match lexer.next() {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some((error.problem, error.at)),
            }
        }
    }

    #[test]
    fn lexically_right() {
        for text in [
            "",
            "\u{feff}{a}",
            "{ a(b: -1.5e+3, c: 0) } # x",
            r#""\u{1F600}\uD83D\uDE00\n\"""#,
            r#""""a"b\"""c""""#,
            "\"\"",
            "{a(b:\"é🏃\")}",
            "...",
            "a\r\nb",
        ] {
            assert_eq!(problem(text), None, "{text:?}");
        }
    }

    #[test]
    fn lexically_wrong() {
        for (text, wrong) in [
            ("a ; b", (Problem::Character, 2)),
            ("..", (Problem::Character, 0)),
            ("é", (Problem::Character, 0)),
            ("01", (Problem::Number, 0)),
            ("-", (Problem::Number, 0)),
            ("1.", (Problem::Number, 0)),
            ("1a", (Problem::Number, 0)),
            ("1.5.5", (Problem::Number, 0)),
            ("1e", (Problem::Number, 0)),
            (r#""\q""#, (Problem::Escape, 1)),
            (r#""\uD83D""#, (Problem::Escape, 1)),
            (r#""\u{110000}""#, (Problem::Escape, 1)),
            (r#""\u{}""#, (Problem::Escape, 1)),
            (r#""\u{FFFFFFFFFFFF}""#, (Problem::Escape, 1)),
            ("\"a\nb\"", (Problem::UnterminatedString, 0)),
            ("\"\"\"a", (Problem::UnterminatedString, 0)),
            ("a\0", (Problem::Nul, 1)),
            ("#\0", (Problem::Nul, 1)),
            ("\"\0\"", (Problem::NulInText, 1)),
            (r#""\u0000""#, (Problem::NulInText, 1)),
            (r#""\u{0}""#, (Problem::NulInText, 1)),
        ] {
            assert_eq!(problem(text), Some(wrong), "{text:?}");
        }
    }
}
