//! Secrets that come in pieces.
//!
//! Terraform hands on what a provisioner prints line by line, but waits for the end of a line for a tenth of a second only.
//! A word that a script writes slowly comes in pieces then, none of which is the word. So a piece that ends like the
//! beginning of a secret is held back until the next one tells, and of one that ends a secret nothing of that is told.
//!
//! What stays: of a secret that begins with the last letter of a longer piece, that letter shows; and a beginning behind
//! which nothing comes is no secret, whatever the next command prints.

use crate::engine::LogSink;

/// So many bytes of a secret at the end of a piece hold it back. A single letter begins too much: it would delay every
/// fifth line. One that stands alone does not: whoever writes so writes letter by letter.
const HELD_FROM: usize = 2;
const STARS: &str = "***";
/// What may have stood between two pieces: white space at the end of a piece is cut off.
const GAPS: [&str; 2] = ["", " "];

/// What one provisioner of one resource has printed last.
#[derive(Debug, Default)]
pub(super) struct Seam {
    /// The piece that was told last.
    told: String,
    /// Those behind it that are not told yet.
    held: Vec<String>,
}

impl Seam {
    /// Takes the next piece; answers what can be told by now.
    pub(super) fn take(&mut self, sink: &LogSink, piece: &str) -> Vec<String> {
        if let Some(joined) = GAPS.iter().find_map(|gap| self.joined(sink, piece, gap)) {
            self.held.clear();
            return self.tell(sink, Vec::new(), joined);
        }
        let goes_on = |gap: &&str| sink.open_end(&format!("{}{gap}{piece}", self.before(gap))) > piece.len();
        if GAPS.iter().any(goes_on) {
            self.held.push(piece.to_owned());
            return Vec::new();
        }
        let told = std::mem::take(&mut self.held);
        self.tell(sink, told, piece.to_owned())
    }

    /// What is held back, because nothing comes behind it.
    pub(super) fn rest(&mut self) -> Vec<String> {
        self.told.clear();
        std::mem::take(&mut self.held)
    }

    fn before(&self, gap: &str) -> String {
        let pieces = std::iter::once(&self.told).chain(&self.held).filter(|piece| !piece.is_empty());
        pieces.map(String::as_str).collect::<Vec<_>>().join(gap)
    }

    /// What is not told yet of a text that has a secret across its last seam, without the secret; `None` where there is
    /// none.
    fn joined(&self, sink: &LogSink, piece: &str, gap: &str) -> Option<String> {
        let before = self.before(gap);
        let whole = format!("{before}{gap}{piece}");
        let behind = before.len() + gap.len();
        let places = sink.places(&whole);
        if !places.iter().any(|place| place.start < before.len() && place.end > behind) {
            return None;
        }
        let (mut text, mut at) = (String::new(), self.told.len());
        for place in places.iter().filter(|place| place.end > self.told.len()) {
            text.push_str(&whole[at..place.start.max(at)]);
            text.push_str(STARS);
            at = place.end;
        }
        text.push_str(&whole[at..]);
        Some(text)
    }

    /// Adds the last piece to what can be told, unless it may be the beginning of a secret.
    fn tell(&mut self, sink: &LogSink, mut told: Vec<String>, last: String) -> Vec<String> {
        let open = sink.open_end(&last);
        let held = open >= HELD_FROM || (open > 0 && open == last.trim().len());
        if !held {
            told.push(last.clone());
        }
        if let Some(told) = told.last() {
            self.told.clone_from(told);
        }
        if held {
            self.held.push(last);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of pieces, in the order in which it is, and what is told at the end.
    fn told(secrets: &[&str], pieces: &[&str]) -> (Vec<String>, Vec<String>) {
        let (sink, _lines) = LogSink::new();
        secrets.iter().for_each(|secret| sink.hide(secret));
        let mut seam = Seam::default();
        let told = pieces.iter().flat_map(|piece| seam.take(&sink, piece)).collect();
        (told, seam.rest())
    }

    fn all(secrets: &[&str], pieces: &[&str]) -> Vec<String> {
        let (mut all, rest) = told(secrets, pieces);
        all.extend(rest);
        all
    }

    #[test]
    fn a_secret_in_pieces_is_one_line_of_stars() {
        assert_eq!(all(&["s3cret-word"], &["it is s3cr", "et-", "word!", "next"]), ["it is ***!", "next"]);
        assert_eq!(all(&["two words"], &["two", "words"]), ["***"]);
        assert_eq!(all(&["s3cret-word"], &["s3cret-word s3cr", "et-word"]), ["*** ***"]);
    }

    #[test]
    fn a_secret_letter_by_letter_shows_none_of_them() {
        assert_eq!(all(&["pass"], &["p", "a", "s", "s", "."]), ["***", "."]);
        assert_eq!(all(&["pass"], &["password: ", "p", "a", "s", "s", "ok"]), ["password: ", "***", "ok"]);
        assert_eq!(all(&["pass"], &["is p", "a", "s", "s"]), ["is p", "***"], "the end of a longer piece");
    }

    #[test]
    fn a_letter_alone_is_told_as_soon_as_it_is_no_beginning() {
        assert_eq!(all(&["pass"], &["p", "q", "p", ""]), ["p", "q", "p", ""]);
        assert_eq!(told(&["pass"], &["q", "", "x p"]).0, ["q", "", "x p"], "nothing else is held back");
        assert_eq!(told(&["pass"], &["p"]), (vec![], vec!["p".to_owned()]));
    }

    #[test]
    fn what_only_begins_like_one_stays_as_it_was() {
        let pieces = ["the pass", "is closed", "password", "pa", "pa"];
        assert_eq!(all(&["pass-phrase"], &pieces), pieces);
        assert_eq!(told(&["pass-phrase"], &["the pass"]), (vec![], vec!["the pass".to_owned()]));
        assert_eq!(told(&["pass-phrase"], &["a step"]).0, ["a step"], "one letter is no beginning");
    }
}
