//! Rows of cells in aligned columns, as a terminal shows them.

use anstyle::Style;
use console::{measure_text_width, truncate_str};

use super::prose::one_line;
use super::style::paint;

/// Blanks between two columns.
const GAP: usize = 2;
/// Wider cells are shortened. Names of threads and of files may have any length, and one that is
/// wider than a terminal would push all other columns out of sight.
const CELL_MAX: usize = 120;

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(super) fn styled(style: Style, text: impl Into<String>) -> Self {
        let text = one_line(&text.into()).into_owned();
        let text = truncate_str(&text, CELL_MAX, "…").into_owned();
        Self { text, style }
    }

    fn width(&self) -> usize {
        measure_text_width(&self.text)
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(Style::new(), text)
    }
}

/// Rows in the making.
#[derive(Debug)]
pub(super) struct Columns {
    sides: Vec<Side>,
    rows: Vec<Vec<Cell>>,
}

impl Columns {
    pub(super) fn new(sides: impl Into<Vec<Side>>) -> Self {
        Self {
            sides: sides.into(),
            rows: Vec::new(),
        }
    }

    /// A first column to the left and `figures` to the right of it.
    pub(super) fn of_figures(figures: usize) -> Self {
        let mut sides = vec![Side::Right; figures + 1];
        sides[0] = Side::Left;
        Self::new(sides)
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// A row of headings.
    pub(super) fn head(&mut self, names: &[&str]) {
        let cells = names
            .iter()
            .map(|name| Cell::styled(super::style::FAINT, *name));
        self.row(cells);
    }

    /// An empty line.
    pub(super) fn space(&mut self) {
        self.rows.push(Vec::new());
    }

    /// The rows, each ended by a line break, with no blanks before it.
    pub(super) fn draw(&self) -> String {
        let mut widths = vec![0; self.sides.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            let used = row.iter().rposition(|cell| !cell.text.is_empty());
            let used = used.map_or(0, |last| last + 1);
            let mut pending = 0;
            for ((cell, &side), &width) in row[..used].iter().zip(&self.sides).zip(&widths) {
                let blank = width - cell.width();
                let before = if side == Side::Right { blank } else { 0 };
                text.push_str(&" ".repeat(pending + before));
                text.push_str(&paint(cell.style, &cell.text));
                pending = GAP + blank - before;
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: columns line up whatever stands in them, and no line ends in blanks.
    #[test]
    fn lines_up() {
        let mut columns = Columns::of_figures(2);
        columns.head(&["what", "n", "time"]);
        columns.row(["a".into(), "1,000".into(), "1 µs".into()]);
        columns.row(["longer".into(), "1".into(), Cell::default()]);
        let plain = anstream::adapter::strip_str(&columns.draw()).to_string();
        assert_eq!(
            plain,
            "what        n  time\na       1,000  1 µs\nlonger      1\n"
        );
    }

    /// Goal: letters that take two columns line up as well, and a cell of any length is shortened.
    #[test]
    fn any_text_lines_up() {
        let mut columns = Columns::of_figures(1);
        columns.row(["数据".into(), "1".into()]);
        columns.row(["four".into(), "2".into()]);
        columns.row(["a\nb\u{7}".into(), "3".into()]);
        let plain = anstream::adapter::strip_str(&columns.draw()).to_string();
        assert_eq!(plain, "数据      1\nfour      2\na b\\u{7}  3\n");
        let mut columns = Columns::of_figures(1);
        columns.row(["n".repeat(70_000).into(), "1".into()]);
        let line = columns.draw();
        assert!(line.ends_with("n…  1\n"), "{}", line.len());
        assert_eq!(measure_text_width(line.trim_end()), CELL_MAX + 3);
    }
}
