//! The parts of a page that are not pictures: text that is safe to show, tables, and the frame of a
//! figure.

use std::fmt::Write as _;

use super::marks;
use crate::report::Member;
use crate::report::figures::NONE;

/// `text` as HTML shows it, in elements and in attributes. Control characters and the styles of a
/// terminal have no place in a page.
pub(in crate::report) fn escaped(text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string();
    let mut escaped = String::with_capacity(plain.len());
    for letter in plain.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            '\n' => escaped.push('\n'),
            _ if letter.is_control() => escaped.push(' '),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// A table whose first column names its rows, and whose others are figures. Nothing in it is HTML yet.
#[derive(Debug)]
pub(in crate::report) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(in crate::report) fn new(head: impl IntoIterator<Item = String>) -> Self {
        Self {
            head: head.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// A first column called `what`, and one for each member.
    pub(in crate::report) fn of_members(what: &str, members: &[Member<'_>]) -> Self {
        let labels = members.iter().map(|member| member.label.clone());
        Self::new(std::iter::once(what.to_owned()).chain(labels))
    }

    pub(in crate::report) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// A row of what there is of each member.
    pub(in crate::report) fn row_of(
        &mut self,
        name: &str,
        cells: impl IntoIterator<Item = Option<String>>,
    ) {
        let cells = cells.into_iter();
        let cells = cells.map(|cell| cell.unwrap_or_else(|| NONE.to_owned()));
        self.row(std::iter::once(name.to_owned()).chain(cells));
    }

    pub(in crate::report) fn draw(&self) -> String {
        let mut text = String::from("<div class=\"wide\"><table><thead><tr>");
        for cell in &self.head {
            let _ = write!(text, "<th scope=\"col\">{}</th>", escaped(cell));
        }
        text += "</tr></thead><tbody>\n";
        for row in &self.rows {
            let _ = write!(text, "<tr><th scope=\"row\">{}</th>", escaped(&row[0]));
            for cell in &row[1..] {
                let _ = write!(text, "<td>{}</td>", escaped(cell));
            }
            text += "</tr>\n";
        }
        text + "</tbody></table></div>"
    }
}

/// A picture with its title, a line on how to read it, which mark is whose, and the numbers behind it.
pub(in crate::report) fn figure(
    title: &str,
    note: &str,
    picture: &str,
    members: &[Member<'_>],
    numbers: &Table,
) -> String {
    let labels = members.iter().map(|member| member.label.as_str());
    let numbers = numbers.draw();
    let details = format!("<details><summary>numbers</summary>{numbers}</details>");
    framed(title, note, picture, labels, &details)
}

/// A picture with its title, a line on how to read it, which mark is whose, and what comes after it.
pub(in crate::report) fn framed<'a>(
    title: &str,
    note: &str,
    picture: &str,
    labels: impl Iterator<Item = &'a str>,
    after: &str,
) -> String {
    let mut keys = String::new();
    for (number, label) in labels.enumerate() {
        let _ = write!(
            keys,
            "<li class=\"s{}\">{}{}</li>",
            number % marks::STYLES,
            marks::key(number),
            escaped(label)
        );
    }
    format!(
        "<figure><figcaption><h4>{}</h4><p>{}</p></figcaption>\n\
         <div class=\"plot\">{picture}<div class=\"tip\" hidden></div></div>\n\
         <ul class=\"key\">{keys}</ul>{after}</figure>\n",
        escaped(title),
        escaped(note),
    )
}

/// One line in place of a picture for which there is nothing to draw.
pub(in crate::report) fn missing(what: &str) -> String {
    format!("<p class=\"missing\">{}</p>\n", escaped(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: nothing that a heap or a file says can become markup, or leave an attribute.
    #[test]
    fn escapes() {
        let text = "<script>\"'&\u{1b}[31mred\u{1b}[0m\u{7}\r";
        assert_eq!(escaped(text), "&lt;script&gt;&quot;&#39;&amp;red ");
    }
}
