//! Secrets that must not be readable in what a job prints.

use std::ops::Range;

use secrecy::{ExposeSecret, SecretString};

/// Values shorter than this are left alone: masking `1` or `eu` would eat the log and protect nothing.
const SHORTEST: usize = 4;
const STARS: &str = "***";

/// The values to replace by `***`.
#[derive(Debug, Default)]
pub struct Mask {
    /// Longest first, so that a secret that contains another one disappears whole.
    values: Vec<SecretString>,
}

impl Mask {
    /// Adds a secret: the whole value, each of its lines (logs are cut at line ends), and the texts inside if it
    /// is JSON.
    pub fn add(&mut self, secret: &str) {
        self.add_text(secret);
        if let Ok(json) = serde_json::from_str(secret) {
            self.add_json(&json);
        }
        self.values.sort_by_key(|value| std::cmp::Reverse(value.expose_secret().len()));
    }

    /// `text` with every known secret replaced.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for value in &self.values {
            if masked.contains(value.expose_secret()) {
                masked = masked.replace(value.expose_secret(), STARS);
            }
        }
        masked
    }

    /// Where secrets stand in `text`, in bytes and in order; what overlaps is one place.
    #[must_use]
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let found = self.values.iter().flat_map(|value| {
            let value = value.expose_secret();
            text.match_indices(value).map(|(at, value)| at..at + value.len())
        });
        let mut found: Vec<Range<usize>> = found.collect();
        found.sort_by_key(|place| place.start);
        let mut places: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for place in found {
            match places.last_mut().filter(|last| place.start < last.end) {
                Some(last) => last.end = last.end.max(place.end),
                None => places.push(place),
            }
        }
        places
    }

    /// How many bytes at the end of `text` may be the beginning of a secret that goes on behind it. White space at the end
    /// of a beginning need not be there: who divides a text may have cut it off.
    #[must_use]
    pub fn open_end(&self, text: &str) -> usize {
        let beginnings = self.values.iter().flat_map(|value| {
            let value = value.expose_secret();
            value.char_indices().skip(1).map(|(end, _)| value[..end].trim_end())
        });
        beginnings.filter(|beginning| text.ends_with(beginning)).map(str::len).max().unwrap_or_default()
    }

    fn add_text(&mut self, text: &str) {
        for part in std::iter::once(text).chain(text.lines().map(str::trim)) {
            if part.chars().count() >= SHORTEST
                && !self.values.iter().any(|known| known.expose_secret() == part)
            {
                self.values.push(SecretString::from(part));
            }
        }
    }

    fn add_json(&mut self, json: &serde_json::Value) {
        match json {
            serde_json::Value::String(text) => self.add_text(text),
            serde_json::Value::Array(items) => items.iter().for_each(|item| self.add_json(item)),
            serde_json::Value::Object(fields) => fields.values().for_each(|field| self.add_json(field)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    fn mask(secrets: &[&str]) -> Mask {
        let mut mask = Mask::default();
        secrets.iter().for_each(|secret| mask.add(secret));
        mask
    }

    #[test]
    fn replaces_every_occurrence() {
        assert_eq!(mask(&["hunter22"]).apply("hunter22, again hunter22!"), "***, again ***!");
    }

    #[test]
    fn leaves_short_values_alone() {
        assert_eq!(mask(&["abc"]).apply("abc"), "abc");
    }

    #[test]
    fn hides_the_longer_secret_whole() {
        assert_eq!(mask(&["pass", "password"]).apply("password pass"), "*** ***");
    }

    #[test]
    fn hides_lines_and_json_leaves() {
        let masked = mask(&["first line\nsecond line", r#"{"key":["inner-secret"]}"#])
            .apply("got: second line / inner-secret");
        assert_eq!(masked, "got: *** / ***");
    }

    #[test]
    fn finds_places_and_what_may_go_on() {
        let mask = mask(&["s3cr3t-word", "word-play", "two words"]);
        assert_eq!(mask.places("a s3cr3t-word-play b word-play"), [2..18, 21..30]);
        assert!(mask.places("nothing of it").is_empty());
        assert_eq!(
            ["it is s3cr", "s3cr3t-word", "two", "", "a t"].map(|text| mask.open_end(text)),
            [4, 4, 3, 0, 1]
        );
    }

    #[test]
    fn prints_no_secret_in_its_debug_form() {
        assert!(!format!("{:?}", mask(&["hunter22"])).contains("hunter22"));
    }
}
