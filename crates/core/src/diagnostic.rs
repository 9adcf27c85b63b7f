//! Errors in a text that people wrote (a workload or a case), with the place where they are.
//!
//! A parser reports a [`Complaint`]: a range of bytes and a message, without a file. On its way out
//! it becomes a [`Diagnostic`], which owns the text and can show the line. An error in a value from
//! the command line (`-D threads=1`) is shown in the same form, with the option as its text.

pub mod suggest;
pub mod text;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

/// The maximum number of bytes of a message: a page. The longest intended one lists all operations.
const MESSAGE_MAX: usize = 2000;
/// The maximum number of bytes of the text that are shown, from the beginning of the first marked
/// line to the end of the last. Of longer lines only the place is given.
const SHOWN_MAX: usize = 4000;

/// Something wrong in a range of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub span: Range<usize>,
    message: String,
    label: Option<String>,
    hint: Option<String>,
}

impl Complaint {
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: clipped(message.into()),
            label: None,
            hint: None,
        }
    }

    /// An unknown name; the hint lists the known names, the most similar one first.
    pub fn unknown<'a>(
        span: Range<usize>,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::new(span, format!("unknown {what} `{name}`")).hint(suggest::hint(name, known))
    }

    /// Whether it says that nothing has this name.
    pub fn is_of_unknown(&self, name: &str) -> bool {
        self.message.starts_with("unknown ") && self.message.ends_with(&format!(" `{name}`"))
    }

    /// Adds a label at the marked place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(clipped(label.into()));
        self
    }

    /// Adds a hint on what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(clipped(hint.into()));
        self
    }

    /// Names the text that the range belongs to.
    pub fn at(self, path: &str, text: &Arc<str>) -> Diagnostic {
        let start = floor_boundary(text, self.span.start);
        let end = floor_boundary(text, self.span.end.max(start));
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Diagnostic(Box::new(Inner {
            path: path.to_owned(),
            text: Arc::clone(text),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            complaint: Self {
                span: start..end,
                ..self
            },
        }))
    }
}

/// Shortens a message to what people will read: a name in it may be of any length.
pub fn clipped(mut text: String) -> String {
    if text.len() > MESSAGE_MAX {
        text.truncate(floor_boundary(&text, MESSAGE_MAX));
        text.push('…');
    }
    text
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A user's error in a text or in the value of a parameter, with its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Diagnostic(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    path: String,
    text: Arc<str>,
    line: usize,
    column: usize,
    complaint: Complaint,
}

/// Whether to colour a rendered diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// ANSI colours.
    Ansi,
    /// None.
    Plain,
}

impl Diagnostic {
    /// The file, or `command line`.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The text that it is about.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The same about an option that was typed in another form: what its text begins with was typed
    /// as `typed`.
    #[must_use]
    pub fn typed_as(self, begins_with: &str, typed: &str) -> Self {
        let Some(rest) = self.0.text.strip_prefix(begins_with) else {
            return self;
        };
        let text: Arc<str> = format!("{typed}{rest}").into();
        let moved = |at: usize| (at + typed.len()).saturating_sub(begins_with.len());
        let Complaint { span, .. } = self.0.complaint;
        let complaint = Complaint {
            span: moved(span.start)..moved(span.end),
            ..self.0.complaint
        };
        complaint.at(&self.0.path, &text)
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.0.column
    }

    /// What is wrong, without its place.
    pub fn message(&self) -> &str {
        &self.0.complaint.message
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.complaint.hint.as_deref()
    }

    /// The message, the line with the place marked, and the hint; no line break at the end.
    pub fn render(&self, color: Color) -> String {
        let Inner {
            path,
            text,
            line,
            column,
            complaint,
        } = &*self.0;
        // Only the marked lines: the renderer scans all that it is given.
        let Range { start, end } = complaint.span;
        let from = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let to = text[end..].find('\n').map_or(text.len(), |len| end + len);
        let title = Level::ERROR.primary_title(complaint.message.as_str());
        let mut group = if to - from > SHOWN_MAX {
            let place = Origin::path(path.as_str()).line(*line);
            title.element(place.char_column(*column))
        } else {
            let mut marked = AnnotationKind::Primary.span(start - from..end - from);
            if let Some(label) = &complaint.label {
                marked = marked.label(label.as_str());
            }
            let snippet = Snippet::source(&text[from..to]).line_start(*line);
            title.element(snippet.path(path.as_str()).annotation(marked))
        };
        if let Some(hint) = &complaint.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        let renderer = match color {
            Color::Ansi => Renderer::styled(),
            Color::Plain => Renderer::plain(),
        };
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(Color::Plain))
    }
}

/// As in [`Display`](fmt::Display), so that a failed `unwrap` in a test can be read.
impl fmt::Debug for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Diagnostic {}
