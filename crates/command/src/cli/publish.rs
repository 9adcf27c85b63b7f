//! Writes reports into a directory: each format to a file of its own, completely or not at all.

use std::io;
use std::path::{Path, PathBuf};

use super::args::Format;
use super::store::{self, write_whole};
use crate::report::{self, Collected, Detail, Look};

/// The name of the page for browsers.
pub(super) const PAGE: &str = "report.html";
/// The name of the report in Markdown.
const MARKDOWN: &str = "report.md";
/// The name of the report as tests.
const JUNIT: &str = "junit.xml";

/// The formats that are written by default, and the names of their files. The table is for
/// terminals, and `run` writes the results themselves.
const FILES: [(Format, &str); 3] = [
    (Format::Markdown, MARKDOWN),
    (Format::Junit, JUNIT),
    (Format::Html, PAGE),
];

/// Writes the report in every format; returns the path of the page.
pub(super) fn all(directory: &Path, collected: &Collected) -> io::Result<PathBuf> {
    for (format, name) in FILES {
        let text = draw(format, collected, Detail::Page.into())?;
        write_whole(&directory.join(name), text.as_bytes())?;
    }
    Ok(directory.join(PAGE))
}

/// Writes the report in one format, under its usual name; returns its path.
pub(super) fn one(
    directory: &Path,
    format: Format,
    collected: &Collected,
    look: Look,
) -> io::Result<PathBuf> {
    let name = match format {
        Format::Table => "report.txt",
        Format::Json => "results.json",
        Format::Markdown => MARKDOWN,
        Format::Junit => JUNIT,
        Format::Html => PAGE,
    };
    // A file is as wide as any terminal that shows it.
    let text = draw(format, collected, look.detail.into())?;
    let plain = match format {
        Format::Table => anstream::adapter::strip_str(&text).to_string(),
        _ => text,
    };
    let path = directory.join(name);
    write_whole(&path, plain.as_bytes())?;
    Ok(path)
}

/// The report in one format.
pub(super) fn draw(format: Format, collected: &Collected, look: Look) -> io::Result<String> {
    Ok(match format {
        Format::Table => table(collected, look),
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
fn table(collected: &Collected, look: Look) -> String {
    let results = &collected.results;
    let gap = if results.len() > 1 && look.detail != Detail::Verdict {
        "\n"
    } else {
        ""
    };
    let mut text = String::new();
    for result in results {
        text += &report::table(result, look);
        text += gap;
    }
    if !gap.is_empty() {
        text += &report::summary(collected, look.width);
    }
    text
}
