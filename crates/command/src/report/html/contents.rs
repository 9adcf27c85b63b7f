//! The frame of every page: what is said first, sections, and the ways through them: headings with
//! places to which links lead, the list of them, and which heaps are shown.

use maud::{Markup, Render, html};

use super::marks::class;
use super::page::word;
use crate::report::Group;
use crate::report::collected::worst;
use crate::result::Outcome;

/// A heading that links lead to.
#[derive(Debug, Clone)]
pub(crate) struct Heading<'a> {
    pub(super) name: &'a str,
    place: String,
}

impl<'a> Heading<'a> {
    /// A heading of every page of this kind.
    pub(super) fn fixed(name: &'a str) -> Self {
        Self {
            name,
            place: slug(name),
        }
    }

    /// The place, as an attribute.
    pub(super) fn id(&self) -> &str {
        &self.place
    }

    pub(super) fn link(&self) -> Markup {
        self.link_of(&html! { (self.name) })
    }

    pub(super) fn link_of(&self, what: &Markup) -> Markup {
        html! { a href={ "#" (self.place) } { (what) } }
    }
}

/// The part of a page about one workload.
#[derive(Debug)]
pub(crate) struct Chapter<'a> {
    pub(super) heading: Heading<'a>,
    pub(super) group: &'a Group<'a>,
}

impl<'a> Chapter<'a> {
    /// One for each group. Names of workloads come from anywhere, and each gets a place that no
    /// other has.
    pub(super) fn of(groups: &'a [Group<'a>]) -> Vec<Self> {
        let mut chapters: Vec<Self> = Vec::new();
        for group in groups {
            let slug = format!("on-{}", slug(&group.name));
            let numbered = (2..).map(|number| format!("{slug}-{number}"));
            let mut places = std::iter::once(slug.clone()).chain(numbered);
            let is_free = |place: &String| chapters.iter().all(|it| it.heading.place != *place);
            let place = places.find(is_free).unwrap_or(slug.clone());
            let name = &group.name;
            let heading = Heading { name, place };
            chapters.push(Self { heading, group });
        }
        chapters
    }

    /// The worst that a run came to.
    pub(super) fn worst(&self) -> Outcome {
        worst(
            self.group
                .members
                .iter()
                .map(|member| member.result.verdict),
        )
    }
}

/// A name as a place: letters, digits and dashes, and not many of them.
fn slug(name: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
        _ => '-',
    };
    name.chars().take(60).map(plain).collect()
}

/// A page: what is said first, and its sections, with the ways through them beside it.
#[derive(Debug)]
pub(crate) struct Book<'a> {
    pub(crate) banner: Markup,
    /// Each under its heading.
    pub(crate) sections: &'a [(&'a str, Markup)],
    /// The workloads that links lead to.
    pub(crate) chapters: &'a [Chapter<'a>],
    /// The heaps in its pictures, by number and name.
    pub(crate) series: &'a [(usize, &'a str)],
    pub(crate) footer: Markup,
}

impl Render for Book<'_> {
    fn render(&self) -> Markup {
        let headings = self.sections.iter().map(|(name, _)| Heading::fixed(name));
        let headings: Vec<Heading<'_>> = headings.collect();
        html! {
            div.book {
                nav aria-label="contents" {
                    ul { @for heading in &headings { li { (heading.link()) } } }
                    (links(self.chapters))
                    @if !self.series.is_empty() { (shown(self.series)) }
                }
                main {
                    (self.banner)
                    @for (heading, (name, section)) in headings.iter().zip(self.sections) {
                        section id=(heading.id()) { h2 { (name) } (section) }
                    }
                    footer { (self.footer) }
                }
            }
        }
    }
}

/// The workloads, each with the worst that a run on it came to.
fn links(chapters: &[Chapter<'_>]) -> Markup {
    html! {
        @if !chapters.is_empty() {
            ul {
                @for chapter in chapters {
                    @let worst = chapter.worst();
                    li {
                        (chapter.heading.link())
                        @if worst != Outcome::Held { " " (word(worst.name())) }
                    }
                }
            }
        }
    }
}

/// The heaps, which a script lets the reader switch off.
fn shown(series: &[(usize, &str)]) -> Markup {
    html! {
        fieldset {
            legend { "shown" }
            @for (number, name) in series {
                label.key.(class(*number)) {
                    input type="checkbox" checked hidden value=(number); (name)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: names that differ only in what a place cannot have lead to different places.
    #[test]
    fn places_differ() {
        let group = |name: &str| Group {
            name: name.to_owned(),
            members: Vec::new(),
        };
        let groups = ["a b", "A_b", "a b", "\"><script>"].map(group);
        let chapters = Chapter::of(&groups);
        let places: Vec<&str> = chapters.iter().map(|it| it.heading.id()).collect();
        assert_eq!(places, ["on-a-b", "on-a-b-2", "on-a-b-3", "on----script-"]);
    }
}
