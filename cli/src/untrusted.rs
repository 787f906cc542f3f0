//! Texts of others on somebody's terminal: what would move the cursor, break a row or turn the direction of writing is
//! shown, not done.

use std::fmt::Write as _;

/// Whether a letter does something to what stands around it. Line ends and tabs are among them.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
                | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// A text on one line.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, |_| false)
}

/// A text that may have several lines.
pub(crate) fn lines(text: &str) -> String {
    escaped(text, |letter| matches!(letter, '\n' | '\t'))
}

/// A line of a log, without what acts: programs write their colours into it.
pub(crate) fn stripped(text: &str) -> String {
    text.chars().filter(|letter| !acts(*letter) || *letter == '\t').collect()
}

/// JSON means the same with such letters escaped, and serde leaves most of them as they are.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        // Line ends are layout here: those of texts are escaped already.
        if acts(letter) && letter != '\n' {
            // All of them have four digits.
            let _ = write!(out, "\\u{:04x}", u32::from(letter));
        } else {
            out.push(letter);
        }
    }
    out
}

fn escaped(text: &str, kept: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if acts(letter) && !kept(letter) {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc\u{202e}d\u{7f}"), "a\\u{1b}[2Jb\\nc\\u{202e}d\\u{7f}");
        assert_eq!(lines("a\n\tb\r\u{2066}"), "a\n\tb\\r\\u{2066}");
        // What holds an emoji together is no danger.
        let family = "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} é ß";
        assert_eq!(one_line(family), family);
    }

    #[test]
    fn a_log_has_no_colours() {
        assert_eq!(stripped("\u{1b}[31mred\u{1b}[0m\tend\u{7}"), "[31mred[0m\tend");
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "name": "a\u{202e}b\u{85}c\nd" });
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        let safe = json(&text);
        assert!(!safe.contains(|letter| acts(letter) && letter != '\n'), "{safe:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).ok(), Some(value));
    }
}
