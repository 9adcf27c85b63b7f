//! Each kind of operation in figures.

use maud::{Markup, html};

use super::length::Length;
use super::page::series;
use super::table::Table;
use crate::report::{Member, headline};

/// The kinds of operations, the most frequent first.
pub(super) fn by_count<'a>(members: &[Member<'a>]) -> Vec<&'a str> {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for (name, op) in members.iter().flat_map(|member| &member.result.ops) {
        match counts.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += op.count,
            None => counts.push((name, op.count)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().map(|(name, _)| name).collect()
}

/// How often each was done, and how long it took; at once where there are no pictures of it.
pub(super) fn table(names: &[&str], members: &[Member<'_>], length: Length) -> Markup {
    let about = headline::of_operations(members.iter().map(|member| member.result));
    let mut table = Table::of_series(about, &series(members));
    for name in names {
        table.row_of(
            name,
            members
                .iter()
                .map(|member| headline::operation(member.result, name)),
        );
    }
    html! {
        details.numbers open[length == Length::Brief] { summary { "each operation in figures" } (table) }
    }
}
