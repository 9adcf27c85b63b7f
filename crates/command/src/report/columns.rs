//! Rows of cells in aligned columns, as a terminal shows them.

use anstyle::Style;
use console::{measure_text_width, truncate_str};

use super::Width;
use super::prose::one_line;
use super::style::paint;

/// Blanks between two columns.
const GAP: usize = 2;
/// Wider cells are shortened. Names of threads and of files may have any length, and one that is
/// wider than a terminal would push all other columns out of sight.
const CELL_MAX: usize = 120;
/// The least room for text in the last column: less than a few words a line cannot be read.
const TEXT_MIN: usize = 20;

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

    /// The same, at most this wide.
    fn shortened(&self, width: usize) -> Self {
        let text = truncate_str(&self.text, width, "…").into_owned();
        Self { text, ..*self }
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
    /// How many columns at the left name a row.
    names: usize,
    rows: Vec<Vec<Cell>>,
}

impl Columns {
    pub(super) fn new(sides: impl Into<Vec<Side>>) -> Self {
        Self {
            sides: sides.into(),
            names: 1,
            rows: Vec::new(),
        }
    }

    /// The first two columns together name a row.
    pub(super) fn with_two_names(self) -> Self {
        Self { names: 2, ..self }
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

    /// The rows, each ended by a line break, with no blanks before it. Where there is no room for
    /// them, the columns move together, then text in the last column is wrapped, then the columns
    /// stand in several blocks, each behind what names the rows.
    pub(super) fn draw(&self, width: Width) -> String {
        let widths = self.widths();
        let Some(room) = width.table() else {
            return self.block(&widths, GAP);
        };
        let needed = |gap: usize| widths.iter().sum::<usize>() + gap * (widths.len() - 1);
        if let Some(gap) = [GAP, 1].into_iter().find(|&gap| needed(gap) <= room) {
            return self.block(&widths, gap);
        }
        let last = widths.last().copied().unwrap_or(0);
        let left = (room + last).saturating_sub(needed(1));
        if self.sides[1..].last() == Some(&Side::Left) && left >= TEXT_MIN {
            return self.with_wrapped_text(left).block(&widths, 1);
        }
        self.folded(&widths, room)
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.sides.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        widths
    }

    /// The same, with text in the last column in several rows where it is wider than `room`.
    fn with_wrapped_text(&self, room: usize) -> Self {
        let last = self.sides.len() - 1;
        let mut rows = Vec::new();
        for row in &self.rows {
            let Some(cell) = row.get(last).filter(|cell| cell.width() > room) else {
                rows.push(row.clone());
                continue;
            };
            let parts = textwrap::wrap(&cell.text, room);
            for (number, part) in parts.iter().enumerate() {
                let mut next = match number {
                    0 => row[..last].to_vec(),
                    _ => vec![Cell::default(); last],
                };
                next.push(Cell::styled(cell.style, part.as_ref()));
                rows.push(next);
            }
        }
        let sides = self.sides.clone();
        Self {
            sides,
            rows,
            names: self.names,
        }
    }

    /// As many blocks as it takes, with an empty line between two.
    fn folded(&self, widths: &[usize], room: usize) -> String {
        // Two names need more room than one, and no figure is wider than the rest.
        let (half, most) = (room / 2, room * 3 / 5);
        let needed = |names: usize| widths[..names].iter().sum::<usize>() + names - 1;
        let names = match needed(self.names) <= most {
            true => self.names,
            false => 1,
        };
        let half = if names > 1 { most } else { half };
        let rest = room - needed(names).min(half) - 1;
        let (mut blocks, mut begin) = (Vec::new(), names);
        while begin < widths.len() {
            let mut used = 0;
            let fits = widths[begin..].iter().take_while(|&&width| {
                used += width + 1;
                used <= rest + 1
            });
            let end = begin + fits.count().max(1);
            let of_block = |row: &Vec<Cell>| {
                let names = row.iter().take(names).map(|cell| cell.shortened(half));
                let others = row.get(begin..end.min(row.len())).unwrap_or_default();
                let others = others.iter().zip(&self.sides[begin..]);
                let others = others.map(|(cell, side)| match side {
                    Side::Left => cell.clone(),
                    Side::Right => cell.shortened(rest),
                });
                names.chain(others).collect()
            };
            // A row that has nothing to say here was in an earlier block.
            let says = |row: &&Vec<Cell>| {
                let mut others = row.iter().skip(begin).take(end - begin);
                row.len() <= names || others.any(|cell| !cell.text.is_empty())
            };
            let block = Self {
                sides: [&self.sides[..names], &self.sides[begin..end]].concat(),
                rows: self.rows.iter().filter(says).map(of_block).collect(),
                names,
            };
            let block = block.with_wrapped_text(rest);
            blocks.push(block.block(&block.widths(), 1));
            begin = end;
        }
        blocks.join("\n")
    }

    /// The rows, `gap` blanks between two columns.
    fn block(&self, widths: &[usize], gap: usize) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let used = row.iter().rposition(|cell| !cell.text.is_empty());
            let used = used.map_or(0, |last| last + 1);
            let mut pending = 0;
            for ((cell, &side), &width) in row[..used].iter().zip(&self.sides).zip(widths) {
                // Text that was wrapped is narrower, and nothing stands behind it.
                let blank = width.saturating_sub(cell.width());
                let before = if side == Side::Right { blank } else { 0 };
                text.push_str(&" ".repeat(pending + before));
                text.push_str(&paint(cell.style, &cell.text));
                pending = gap + blank - before;
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
        let plain = anstream::adapter::strip_str(&columns.draw(Width::Unknown)).to_string();
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
        let plain = anstream::adapter::strip_str(&columns.draw(Width::Unknown)).to_string();
        assert_eq!(plain, "数据      1\nfour      2\na b\\u{7}  3\n");
        let mut columns = Columns::of_figures(1);
        columns.row(["n".repeat(70_000).into(), "1".into()]);
        let line = columns.draw(Width::Unknown);
        assert!(line.ends_with("n…  1\n"), "{}", line.len());
        assert_eq!(measure_text_width(line.trim_end()), CELL_MAX + 3);
    }

    /// Goal: at any width no line is wider than the terminal, and every figure is there.
    #[test]
    fn tables_fold() {
        let mut columns = Columns::of_figures(4);
        columns.head(&["operation", "count", "ops/s", "mean", "max"]);
        columns.row(
            [
                "truncate-front",
                "61,300,000",
                "12.3 M",
                "81.6 ns",
                "49.6 ms",
            ]
            .map(Cell::from),
        );
        columns.space();
        columns.row([Cell::from("clear")]);
        let natural = columns.draw(Width::Unknown);
        for width in 1..=120 {
            let text = columns.draw(Width::Columns(width));
            let text = anstream::adapter::strip_str(&text).to_string();
            let widest = text.lines().map(measure_text_width).max();
            assert!(widest <= Some(width.max(24)), "{width}:\n{text}");
            for figure in ["61,300,000", "12.3 M", "81.6 ns", "49.6 ms"] {
                assert!(text.contains(figure), "{width}:\n{text}");
            }
        }
        assert_eq!(columns.draw(Width::Columns(80)), natural);
        let folded = columns.draw(Width::Columns(36));
        let folded = anstream::adapter::strip_str(&folded).to_string();
        let expected = "operation           count  ops/s\ntruncate-front 61,300,000 12.3 M\n\nclear\n\n\
                        operation         mean     max\ntruncate-front 81.6 ns 49.6 ms\n\nclear\n";
        assert_eq!(folded, expected);
    }

    /// Goal: text in the last column is wrapped there as long as there is room for words.
    #[test]
    fn text_is_wrapped_in_its_column() {
        let mut columns = Columns::new([Side::Left, Side::Right, Side::Left]);
        columns.row(["order", "1", "the workload has no shared list at all"].map(Cell::from));
        let text = columns.draw(Width::Columns(30));
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(
            text,
            "order 1 the workload has no\n        shared list at all\n"
        );
    }
}
