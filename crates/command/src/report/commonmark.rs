//! What every format that writes Markdown needs: text that stays text, lines of code, tables, and
//! pages that a job's summary accepts.
//!
//! Names, messages and details come from workloads, heaps and journals, and may hold anything. What
//! GitHub and others make of Markdown and of the HTML in it must not depend on them.

use super::prose::one_line;
use crate::result::figures;

/// GitHub drops a job's summary as a whole if it is larger than 1 MiB.
pub(super) const PAGE_BYTES_MAX: usize = 1_000_000;
/// Kept free for the sentence about what was left out.
const NOTICE_BYTES: usize = 1000;
/// Longer text is shortened: a page has room for some hundred of them, and nobody reads more.
const TEXT_CHARS_MAX: usize = 4000;
/// Punctuation that can begin markup within a line.
const SPECIAL: &str = "\\`*_{}[]|>~#$";

/// `text` so that neither Markdown nor HTML finds markup in it, in one line.
pub(super) fn escaped(text: &str) -> String {
    let line = one_line(text);
    let line = line.trim();
    let mut escaped = String::with_capacity(line.len());
    let mut before = None;
    let mut letters = line.chars();
    for letter in letters.by_ref().take(TEXT_CHARS_MAX) {
        match letter {
            '<' => escaped += "&lt;",
            '&' => escaped += "&amp;",
            // Behind the mark of a list's item these would begin another list.
            '-' | '+' if before.is_none() => escaped.extend(['\\', letter]),
            // GitHub makes links of addresses: of `https://…` and of `www.…`.
            '/' if before == Some(':') => escaped += "\\/",
            '.' if before == Some('w') => escaped += "\\.",
            _ if SPECIAL.contains(letter) => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
        before = Some(letter);
    }
    match letters.count() {
        0 => escaped,
        left => {
            let left = figures::several(left as u64, "character", "characters");
            format!("{escaped}… ({left} more)")
        }
    }
}

/// `text` as a block of code, indented by `indent`: as far as the text of the list item that it
/// belongs to. The fence is longer than any run of backticks in it, so nothing in it ends it.
pub(super) fn fenced(indent: &str, text: &str) -> String {
    fenced_lines(indent, std::iter::once(text))
}

/// Several lines as one such block.
pub(super) fn fenced_lines<'a>(indent: &str, lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<_> = lines.map(one_line).collect();
    let ticks = lines
        .iter()
        .flat_map(|line| line.split(|letter| letter != '`'));
    let fence = "`".repeat(ticks.map(str::len).max().unwrap_or(0).max(2) + 1);
    let body: String = (lines.iter())
        .map(|line| format!("{indent}{line}\n"))
        .collect();
    format!("{indent}{fence}\n{body}{indent}{fence}\n")
}

/// A row of a table; its cells are Markdown.
pub(super) fn row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let mut row = String::from("|");
    for cell in cells {
        row += " ";
        row += cell.as_ref();
        row += " |";
    }
    row + "\n"
}

/// The head of a table whose first column stands to the left and the others to the right.
pub(super) fn head<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<T> = names.into_iter().collect();
    let sides = (0..names.len()).map(|column| if column == 0 { "---" } else { "--:" });
    row(&names) + &row(sides)
}

/// Markdown in the making. What there is no room for is left out, and everything after it, so that
/// no row stands without its table.
#[derive(Debug)]
pub(super) struct BoundedPage {
    text: String,
    left_out: Vec<(Piece, u64)>,
}

/// What a page is made of: one of it, and several.
type Piece = (&'static str, &'static str);

pub(super) const FAILURE: Piece = ("failure", "failures");
pub(super) const NOTE: Piece = ("note", "notes");
pub(super) const TABLE: Piece = ("table", "tables");
pub(super) const ROW: Piece = ("row of a table", "rows of tables");

impl BoundedPage {
    /// A page that begins with this.
    pub(super) fn new(head: String) -> Self {
        Self {
            text: head,
            left_out: Vec::new(),
        }
    }

    /// Adds a piece if there is room for it.
    pub(super) fn add(&mut self, what: Piece, piece: &str) {
        let size = self.text.len() + piece.len();
        if self.left_out.is_empty() && size <= PAGE_BYTES_MAX - NOTICE_BYTES {
            self.text += piece;
            return;
        }
        match self.left_out.iter_mut().find(|(known, _)| *known == what) {
            Some((_, count)) => *count += 1,
            None => self.left_out.push((what, 1)),
        }
    }

    /// The page, and at its end what was left out.
    pub(super) fn finish(self) -> String {
        if self.left_out.is_empty() {
            return self.text;
        }
        let parts = self.left_out.iter();
        let parts: Vec<String> = parts
            .map(|((one, many), count)| figures::several(*count, one, many))
            .collect();
        format!(
            "{}\n**Left out**, since a job's summary holds little more than {} bytes: {}.\n",
            self.text,
            figures::count(PAGE_BYTES_MAX as u64),
            parts.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: nothing that means something to Markdown or HTML passes, in any place of a line.
    #[test]
    fn text_stays_text() {
        let cases = [
            ("a|b\nc", "a\\|b c"),
            ("<img src=x> &amp;", "&lt;img src=x\\> &amp;amp;"),
            ("[x](y) ![z]", "\\[x\\](y) !\\[z\\]"),
            ("- item", "\\- item"),
            (
                "see https://a.b or www.c.d",
                "see https:\\//a.b or www\\.c.d",
            ),
            (
                "`code` *em* _em_ ~~no~~",
                "\\`code\\` \\*em\\* \\_em\\_ \\~\\~no\\~\\~",
            ),
            ("\u{1b}]0;t\u{7}", "\\\\u\\{1b\\}\\]0;t\\\\u\\{7\\}"),
        ];
        for (text, expected) in cases {
            assert_eq!(escaped(text), expected);
        }
        let long = escaped(&"x".repeat(70_000));
        assert!(
            long.ends_with("x… (66,000 characters more)"),
            "{}",
            long.len()
        );
    }

    /// Goal: a fence is longer than what is in it, and keeps what it holds in one line.
    #[test]
    fn fences_hold() {
        assert_eq!(fenced("", "run a"), "```\nrun a\n```\n");
        assert_eq!(
            fenced("  ", "a ````\n# b"),
            "  `````\n  a ```` # b\n  `````\n"
        );
    }

    /// Goal: a page stays below the limit, and says what is not in it.
    #[test]
    fn pages_are_bounded() {
        let mut page = BoundedPage::new("# head\n".to_owned());
        let piece = "x".repeat(300_000);
        for what in [FAILURE, FAILURE, FAILURE, FAILURE, TABLE] {
            page.add(what, &piece);
        }
        page.add(NOTE, "short");
        let text = page.finish();
        assert!(text.len() < PAGE_BYTES_MAX, "{}", text.len());
        assert!(text.ends_with(": 1 failure, 1 table, 1 note.\n"));
    }
}
