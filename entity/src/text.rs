//! Text as it is compared.

/// A text as searches and unique addresses compare it: without regard to case, in every script. The two databases fold
/// differently, and by their locale; so what is compared is folded here, on both sides, and kept beside the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sea_orm::DeriveValueType)]
pub struct Folded(String);

impl Folded {
    /// Folds a text. Upper case comes first: it makes one of letters that have several lower ones.
    pub fn of(text: &str) -> Self {
        Self(text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect())
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_makes_no_difference_in_any_script() {
        for (a, b) in [("Ärzte Öl", "äRZTE ÖL"), ("ΟΔΟΣ", "οδος"), ("STRASSE", "Straße"), ("Жук", "жУК")]
        {
            assert_eq!(Folded::of(a), Folded::of(b), "{a} {b}");
        }
        assert_eq!(Folded::of("data-platform").as_str(), "data-platform");
    }
}
