//! The words of a command in a line of a case, where blanks separate words and `#` begins a
//! comment.
//!
//! A word that contains neither is written as it is. Any other word is written as a JSON string
//! with these characters escaped, so that the line can be split at blanks without parsing strings.

use std::fmt::{self, Display, Formatter, Write as _};

/// A word as it is written on the line.
pub(super) struct AsWord<'a>(pub(super) &'a str);

fn must_be_escaped(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || letter == '#'
}

impl Display for AsWord<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(word) = *self;
        if !word.is_empty() && !word.starts_with('"') && !word.contains(must_be_escaped) {
            return f.write_str(word);
        }
        f.write_char('"')?;
        for letter in word.chars() {
            match letter {
                '"' | '\\' => write!(f, "\\{letter}")?,
                // All blanks and control characters are below U+10000, so four digits are enough.
                letter if must_be_escaped(letter) => write!(f, "\\u{:04x}", u32::from(letter))?,
                letter => f.write_char(letter)?,
            }
        }
        f.write_char('"')
    }
}

/// The word that was written; `None` if it begins with a quote but is not a JSON string.
pub(super) fn meant(word: &str) -> Option<String> {
    if word.starts_with('"') {
        serde_json::from_str(word).ok()
    } else {
        Some(word.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Goal: any word comes back from a line, and the line can be split at blanks.
        #[test]
        fn words_survive(word in prop_oneof![any::<String>(), "[a\\\\\"# \u{3000}\n-]{0,6}"]) {
            let written = AsWord(&word).to_string();
            prop_assert!(!written.is_empty() && !written.contains(must_be_escaped), "{}", written);
            prop_assert_eq!(meant(&written), Some(word));
        }
    }

    /// Goal: a word without blanks and `#` is written unchanged.
    #[test]
    fn plain_words_stand_as_they_are() {
        for word in ["run", "--delays=read,dying", "collections>=10", "it's", "ä"] {
            assert_eq!(AsWord(word).to_string(), word);
        }
        assert_eq!(meant("\"open"), None);
    }
}
