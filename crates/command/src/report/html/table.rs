//! Tables whose first column names their rows.

use maud::{Markup, Render, html};

use super::marks::class;
use crate::result::figures::NONE;

/// A table whose first column names its rows.
#[derive(Debug)]
pub(crate) struct Table {
    /// Classes of the style sheet.
    pub(crate) class: Option<&'static str>,
    head: Vec<Markup>,
    /// What each cell repeats of the head, for screens on which rows are folded.
    names: Vec<String>,
    is_folding: bool,
    rows: Vec<Markup>,
}

/// Tables with more columns than this have their rows folded on small screens, so that nobody needs
/// to scroll sideways.
const COLUMNS_NARROW: usize = 4;
/// The same for tables with a column for each heap, whose cells hold more.
const SERIES_NARROW: usize = 3;

impl Table {
    pub(crate) fn new<H: Into<String>>(head: impl IntoIterator<Item = H>) -> Self {
        let names: Vec<String> = head.into_iter().map(Into::into).collect();
        Self {
            class: None,
            head: names.iter().map(|name| html! { (name) }).collect(),
            is_folding: names.len() > COLUMNS_NARROW,
            names,
            rows: Vec::new(),
        }
    }

    /// A first column called `what`, and one for each of these numbers and names.
    pub(crate) fn of_series(what: &str, series: &[(usize, &str)]) -> Self {
        let names = series.iter().map(|(_, name)| *name);
        let table = Self::new(std::iter::once(what).chain(names));
        let is_folding = table.names.len() > SERIES_NARROW;
        Self {
            is_folding,
            ..table
        }
    }

    /// The same, with the shapes of their marks.
    pub(crate) fn with_marks(what: &str, series: &[(usize, &str)]) -> Self {
        let mut table = Self::of_series(what, series);
        for (head, (number, name)) in table.head.iter_mut().skip(1).zip(series) {
            *head = html! { span.key.(class(*number)) { (name) } };
        }
        table
    }

    pub(crate) fn row<C: Render>(&mut self, name: &str, cells: impl IntoIterator<Item = C>) {
        self.row_under(&html! { (name) }, cells);
    }

    /// A row under a name that is more than text.
    pub(crate) fn row_under<C: Render>(
        &mut self,
        name: &Markup,
        cells: impl IntoIterator<Item = C>,
    ) {
        let names = self
            .names
            .iter()
            .skip(1)
            .map(Some)
            .chain(std::iter::repeat(None));
        // A cell that heads nothing but figures is the head of its row, also without saying so.
        let row = html! {
            tr {
                th { (name) }
                @for (cell, name) in cells.into_iter().zip(names) {
                    td data-h=[name.filter(|_| self.is_folding)] { (cell) }
                }
            }
        };
        self.rows.push(row);
    }

    /// A row of figures, with a dash for each that is missing.
    pub(crate) fn row_of(&mut self, name: &str, cells: impl IntoIterator<Item = Option<String>>) {
        let cells = cells.into_iter();
        self.row(name, cells.map(|cell| cell.unwrap_or(NONE.to_owned())));
    }
}

impl Render for Table {
    fn render(&self) -> Markup {
        let class = [self.class, self.is_folding.then_some("many")];
        let class = class.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let class = Some(class).filter(|class| !class.is_empty());
        html! {
            table class=[class] {
                thead { tr { @for name in &self.head { th { (name) } } } }
                tbody { @for row in &self.rows { (row) } }
            }
            "\n"
        }
    }
}
