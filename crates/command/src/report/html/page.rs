//! What every page is made of: the document itself, and what stands around a picture.
//!
//! Markup comes from [`maud::html!`] and from nowhere else. The macro escapes each value that is
//! put into it, so whatever a result, a journal or a workload says stays text. Only [`document`]
//! puts text in as it is: the style sheet and the script, which are parts of the program.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::marks::{self, class};
use super::table::Table;
use crate::report::{Member, shown};

pub(crate) const STYLE: &str = include_str!("page.css");
pub(crate) const SCRIPT: &str = include_str!("page.js");
/// A page fetches nothing, and a browser refuses to let it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// What a page does by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Activity {
    None,
    /// It runs this script.
    Script(&'static str),
    /// A browser reloads it after this many seconds.
    Reload(u32),
}

/// The text of a page that needs no other file. Control characters, which may have come in with a
/// name or a message, are [`shown`].
pub(crate) fn document(title: &str, style: &str, activity: Activity, body: &Markup) -> String {
    let (script, seconds) = match activity {
        Activity::None => (None, None),
        Activity::Script(script) => (Some(script), None),
        Activity::Reload(seconds) => (None, Some(seconds)),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content={ (POLICY) @if script.is_some() { "; script-src 'unsafe-inline'" } };
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if let Some(seconds) = seconds { meta http-equiv="refresh" content=(seconds); }
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body { (marks::definitions()) (body) @if let Some(script) = script { script { (PreEscaped(script)) } } }
        }
        "\n"
    };
    shown(&page.into_string()).into_owned()
}

/// A heap in the legend of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'a> {
    /// It is drawn, and known by this number on the page.
    Drawn(usize, &'a str),
    /// It does not tell what the picture shows.
    Unknown(&'a str),
}

/// A picture with its title, a line on how to read it, its legend, and the numbers behind it. The
/// legend also names what has nothing to be drawn.
pub(super) fn figure<'a>(
    (title, note): (&str, &str),
    picture: &Markup,
    keys: impl IntoIterator<Item = Key<'a>>,
    numbers: Option<&Table>,
) -> Markup {
    html! {
        figure {
            figcaption { h4 { (title) } @if !note.is_empty() { p { (note) } } }
            div.plot { (picture) }
            ul {
                @for key in keys {
                    @match key {
                        Key::Drawn(number, name) => li.key.(class(number)) data-s=(number) { (name) },
                        Key::Unknown(name) => li { (name) ": not known" },
                    }
                }
            }
            @if let Some(numbers) = numbers { details { summary { "numbers" } (numbers) } }
        }
        "\n"
    }
}

/// Pictures side by side. For each that cannot be drawn, a line below them says why.
pub(crate) fn gallery(pictures: impl IntoIterator<Item = Result<Markup, &'static str>>) -> Markup {
    let (mut drawn, mut absent) = (Vec::new(), Vec::new());
    for picture in pictures {
        match picture {
            Ok(picture) => drawn.push(picture),
            Err(why) => absent.push(why),
        }
    }
    html! {
        @if !drawn.is_empty() { div.figures { @for picture in drawn { (picture) } } }
        @if !absent.is_empty() { (missing(&absent.join(" "))) }
    }
}

/// The numbers and labels of members.
pub(super) fn series<'m>(members: &'m [Member<'_>]) -> Vec<(usize, &'m str)> {
    members.iter().map(Member::series).collect()
}

/// A verdict's word in its colour.
pub(crate) fn word(name: &str) -> Markup {
    html! { b class=(name) { (name) } }
}

/// Text as it is written for a terminal: what stands between two backticks is code.
pub(crate) fn prose(text: &str) -> Markup {
    let quoted = text.split_once('`');
    let quoted = quoted.and_then(|(before, rest)| Some((before, rest.split_once('`')?)));
    html! {
        @match quoted {
            Some((before, (code, after))) => { (before) code { (code) } (prose(after)) },
            None => (text),
        }
    }
}

/// A line on how to read what it stands beside.
pub(crate) fn note(what: &str) -> Markup {
    html! { p.note { (prose(what)) } "\n" }
}

/// A line in place of something that is missing.
pub(crate) fn missing(what: &str) -> Markup {
    html! { p.missing { (prose(what)) } "\n" }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a name, a message or a journal may hold at worst.
    pub(crate) const EVIL: &str = "\u{1b}]0;title\u{7}<img src=x onerror=alert(1)>`|\n## x\u{9b}\r\
                                   <script>alert('1')</script>\" onload=\"x";

    /// Whether [`EVIL`] is nothing but text in a page that has so many scripts of its own.
    pub(crate) fn assert_tame(page: &str, scripts: usize) {
        assert!(
            page.contains("\\u{1b}]0;title\\u{7}&lt;img src=x"),
            "it is not there"
        );
        for live in ["<img", "\" onload", "\" onerror"] {
            assert!(!page.contains(live), "{live} in {page}");
        }
        assert_eq!(page.matches("<script").count(), scripts, "{page}");
        let controls = page.chars().filter(|letter| letter.is_control());
        assert_eq!(controls.filter(|letter| *letter != '\n').count(), 0);
    }

    /// Goal: text can neither become markup nor leave an attribute, and brings no control
    /// characters.
    #[test]
    fn text_stays_text() {
        let body = html! { p title=(EVIL) { (EVIL) } };
        let page = document(EVIL, "", Activity::None, &body);
        assert_tame(&page, 0);
        assert_eq!(page.matches("&quot; onload=&quot;x").count(), 3, "{page}");
    }

    /// Goal: what stands between backticks is code, one that has no other stays as it is, and text in
    /// them stays text.
    #[test]
    fn backticks_make_code() {
        let drawn = prose("`a` is not `<b>`, nor is ` it").into_string();
        assert_eq!(
            drawn,
            "<code>a</code> is not <code>&lt;b&gt;</code>, nor is ` it"
        );
    }

    /// Goal: no other file puts text into a page as it is.
    #[test]
    fn one_place_trusts_text() {
        let mut left = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut trusting = Vec::new();
        while let Some(path) = left.pop() {
            if path.is_dir() {
                let entries = std::fs::read_dir(&path).expect("a directory");
                left.extend(entries.map(|entry| entry.expect("an entry").path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a file");
            if text.contains("PreEscaped") || text.contains("<!doctype") {
                trusting.push(path);
            }
        }
        assert!(
            trusting.len() == 1 && trusting[0].ends_with("html/page.rs"),
            "{trusting:?}"
        );
    }
}
