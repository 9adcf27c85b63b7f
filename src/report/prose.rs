//! Sentences, wrapped to a width that is pleasant to read on any terminal.

/// How wide text is set. Tables may be wider.
const WIDTH: usize = 80;

/// `text` behind `lead`, later lines indented by `indent`; ends with a line break. Breaks in `text` are
/// kept. Styles in `lead` take no room.
pub(crate) fn wrapped(lead: &str, indent: usize, text: &str) -> String {
    let mut column = anstream::adapter::strip_str(lead)
        .to_string()
        .chars()
        .count();
    let mut set = lead.to_owned();
    let mut at_start = true;
    for (number, line) in text.lines().enumerate() {
        let mut is_broken = number > 0;
        for word in line.split_whitespace() {
            let width = word.chars().count();
            if is_broken || (!at_start && column + 1 + width > WIDTH) {
                set.push('\n');
                set.push_str(&" ".repeat(indent));
                column = indent;
                at_start = true;
                is_broken = false;
            }
            if !at_start {
                set.push(' ');
                column += 1;
            }
            set.push_str(word);
            column += width;
            at_start = false;
        }
    }
    set.push('\n');
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: no line is longer than the width, every word stays, and later lines are indented.
    #[test]
    fn wraps() {
        let text = "word ".repeat(50);
        let set = wrapped("note: ", 6, &text);
        assert!(
            set.lines().all(|line| line.chars().count() <= WIDTH),
            "{set}"
        );
        assert!(
            set.lines()
                .skip(1)
                .all(|line| line.starts_with("      word")),
            "{set}"
        );
        assert_eq!(set.matches("word").count(), 50);
    }
}
