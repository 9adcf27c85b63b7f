//! Rows of cells in aligned columns: the first column to the left, figures to the right.

use std::fmt::Write as _;

use anstyle::Style;

use super::style::paint;

/// What lies between two columns.
const GAP: usize = 2;

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn styled(style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { text, style }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(Style::new(), text)
    }
}

/// Rows in the making.
#[derive(Debug)]
pub(crate) struct Columns {
    sides: Vec<Side>,
    rows: Vec<Vec<Cell>>,
}

impl Columns {
    pub(crate) fn new(sides: impl Into<Vec<Side>>) -> Self {
        Self {
            sides: sides.into(),
            rows: Vec::new(),
        }
    }

    /// A first column to the left and `figures` to the right of it.
    pub(crate) fn of_figures(figures: usize) -> Self {
        let mut sides = vec![Side::Right; figures + 1];
        sides[0] = Side::Left;
        Self::new(sides)
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// A row of headings.
    pub(crate) fn head(&mut self, names: &[&str]) {
        let cells = names
            .iter()
            .map(|name| Cell::styled(super::style::FAINT, *name));
        self.row(cells);
    }

    /// An empty line.
    pub(crate) fn space(&mut self) {
        self.rows.push(Vec::new());
    }

    /// The rows, each ended by a line break, with no blanks before it.
    pub(crate) fn draw(&self) -> String {
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
                let _ = write!(text, "{:1$}", "", pending + before);
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
}
