//! Text for a terminal: what it may hold, and how it is wrapped.

use std::borrow::Cow;

use textwrap::{Options, WordSeparator, WordSplitter};

use super::Width;

/// What stands between a figure and its unit while text is wrapped.
const GLUE: char = '\u{a0}';
/// Units of figures, behind a blank.
const UNITS: [&str; 14] = [
    "ns", "µs", "ms", "s", "min", "h", "k", "M", "G", "%", "B", "KiB", "MiB", "GiB",
];

/// `text` behind `lead`, later lines indented by `indent`; ends with a line break. Breaks in `text`
/// are kept, and a figure stays with its unit. `lead` may have styles, which take no room; `text` is
/// [`shown`].
pub(crate) fn wrapped(width: Width, lead: &str, indent: usize, text: &str) -> String {
    let text = shown(text);
    let lines = text.lines().map(glued);
    let lines: Vec<String> = lines.collect();
    let indent = " ".repeat(indent);
    let options = Options::new(width.sentence())
        .initial_indent(lead)
        .subsequent_indent(&indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(&lines.join("\n"), options).replace(GLUE, " ") + "\n"
}

/// The words of a line, each figure glued to its unit.
fn glued(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for word in line.split_whitespace() {
        let unit = word.split([',', '.', ';', ':', ')', '/']).next();
        let is_glued = text.ends_with(|last: char| last.is_ascii_digit())
            && unit.is_some_and(|unit| UNITS.contains(&unit));
        if !text.is_empty() {
            text.push(if is_glued { GLUE } else { ' ' });
        }
        text += word;
    }
    text
}

/// Text that came from a file or a heap, made harmless: control characters are written out, as in
/// `\u{1b}`, so that a terminal shows them and does not obey them. Line breaks stay.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    filtered(text, |letter| letter == '\n')
}

/// [`shown`], in one line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r', '\t']) {
        let line = text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ");
        return Cow::Owned(shown(&line).into_owned());
    }
    shown(text)
}

/// Text in which the styles of [`super::paint`] are commands, and nothing else is.
pub(crate) fn only_styled(text: &str) -> Cow<'_, str> {
    let mut parts = text.split('\u{1b}');
    let Some(first) = parts.next().filter(|first| first.len() < text.len()) else {
        return filtered(text, |letter| matches!(letter, '\n' | '\t'));
    };
    let plain = |text| filtered(text, |letter| matches!(letter, '\n' | '\t'));
    let mut safe = plain(first).into_owned();
    for part in parts {
        let is_style = part.strip_prefix('[').is_some_and(|rest| {
            let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ';');
            end.is_some_and(|end| rest[end..].starts_with('m'))
        });
        safe += if is_style { "\u{1b}" } else { "\\u{1b}" };
        safe += &plain(part);
    }
    Cow::Owned(safe)
}

/// Writes commands as their numbers, but for those that `stays` says.
fn filtered(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_command = |letter: char| {
        // What turns the direction of writing makes text read as something else than it is.
        let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (letter.is_control() || turns) && !stays(letter)
    };
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if is_command(letter) {
            safe.extend(letter.escape_unicode());
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: no line is longer than the width, every word stays, and later lines are indented; wide
    /// letters take two columns and styles none.
    #[test]
    fn wraps() {
        for word in ["word", "数据"] {
            let text = format!("{word} ").repeat(50);
            let lead = super::super::paint(super::super::WARNING, "note") + ": ";
            let set = wrapped(Width::Unknown, &lead, 6, &text);
            let is_narrow = |line| console::measure_text_width(line) <= 80;
            assert!(set.lines().all(is_narrow), "{set}");
            let start = format!("      {word}");
            assert!(
                set.lines().skip(1).all(|line| line.starts_with(&start)),
                "{set}"
            );
            assert_eq!(set.matches(word).count(), 50);
        }
        let broken = wrapped(Width::Unknown, "a: ", 2, "one\n  two   three");
        assert_eq!(broken, "a: one\n  two three\n");
    }

    /// Goal: text is as wide as the terminal, and no line break comes between a figure and its unit.
    #[test]
    fn figures_keep_their_units() {
        let text = "7.36 M operations in 1.00 s (7.36 M/s), 99.5 % of it";
        for columns in 24..60 {
            let set = wrapped(Width::Columns(columns), "", 2, text);
            assert!(
                set.lines().all(|line| line.chars().count() <= columns),
                "{set}"
            );
            assert!(
                ["7.36 M ", "1.00 s ", "7.36 M/s", "99.5 %"]
                    .iter()
                    .all(|it| {
                        set.replace('\n', " ").contains(it) && set.contains(it.trim_end())
                    }),
                "{set}"
            );
        }
        assert_eq!(
            wrapped(Width::Columns(200), "", 2, text),
            format!("{text}\n")
        );
    }

    /// Goal: commands to a terminal are shown, whoever sent them; styles stay where they belong.
    #[test]
    fn commands_are_shown() {
        let sent = "a\u{1b}]0;title\u{7}b\u{1b}[2J\u{9b}1mc\u{202e}d\te";
        assert_eq!(
            shown(sent),
            "a\\u{1b}]0;title\\u{7}b\\u{1b}[2J\\u{9b}1mc\\u{202e}d\\u{9}e"
        );
        assert_eq!(one_line("a\r\nb\nc\td"), "a b c d");
        let styled = format!("{} {sent}", super::super::paint(super::super::ERROR, "x"));
        let safe = only_styled(&styled);
        assert!(
            safe.starts_with("\u{1b}[1m\u{1b}[31mx\u{1b}[0m "),
            "{safe:?}"
        );
        assert!(
            safe.ends_with("a\\u{1b}]0;title\\u{7}b\\u{1b}[2J\\u{9b}1mc\\u{202e}d\te"),
            "{safe:?}"
        );
    }
}
