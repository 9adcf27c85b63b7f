//! Writes reports into a directory: each format to a file of its own, completely or not at all.

use std::io;
use std::path::Path;

use super::args::Format;
use super::store::{self, write_whole};
use crate::report::{self, Collected, Detail};

/// The name of a page.
pub(super) const PAGE: &str = "report.html";
/// The formats that are written by default, and the names of their files. The table is for
/// terminals, and `run` writes the results themselves.
const FILES: [(Format, &str); 3] = [
    (Format::Markdown, "report.md"),
    (Format::Junit, "junit.xml"),
    (Format::Html, PAGE),
];

/// Writes the report in every format.
pub(super) fn all(directory: &Path, collected: &Collected) -> io::Result<()> {
    for (format, name) in FILES {
        let text = draw(format, collected, Detail::Page)?;
        write_whole(&directory.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// Writes the report in one format, under its usual name.
pub(super) fn one(
    directory: &Path,
    format: Format,
    collected: &Collected,
    detail: Detail,
) -> io::Result<()> {
    let files = FILES.into_iter().chain([
        (Format::Table, "report.txt"),
        (Format::Json, "results.json"),
    ]);
    for (_, name) in files.filter(|(known, _)| *known == format) {
        let text = draw(format, collected, detail)?;
        let plain = match format {
            Format::Table => anstream::adapter::strip_str(&text).to_string(),
            _ => text,
        };
        write_whole(&directory.join(name), plain.as_bytes())?;
    }
    Ok(())
}

/// The report in one format.
pub(super) fn draw(format: Format, collected: &Collected, detail: Detail) -> io::Result<String> {
    Ok(match format {
        Format::Table => table(collected, detail),
        Format::Markdown => report::markdown(collected),
        Format::Junit => report::junit(collected),
        Format::Html => report::html(collected),
        Format::Json => {
            let json = match collected.results.as_slice() {
                [result] => store::json(result)?,
                results => store::json(&results)?,
            };
            String::from_utf8_lossy(&json).into_owned()
        }
    })
}

/// What `run` shows of the same results.
fn table(collected: &Collected, detail: Detail) -> String {
    let results = &collected.results;
    let gap = if results.len() > 1 && detail != Detail::Verdict {
        "\n"
    } else {
        ""
    };
    let mut text = String::new();
    for result in results {
        text += &report::table(result, detail);
        text += gap;
    }
    if !gap.is_empty() {
        text += &report::summary(collected);
    }
    text
}
