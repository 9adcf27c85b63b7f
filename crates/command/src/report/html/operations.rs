//! Each kind of operation in figures.

use maud::{Markup, html};

use super::page::{Table, series};
use crate::report::Member;
use crate::result::figures::{self, NONE};

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

/// How often each was done, and how long it took.
pub(super) fn table(names: &[&str], members: &[Member<'_>]) -> Markup {
    let mut table = Table::of_series("a second, p99, longest", &series(members));
    for name in names {
        table.row_of(name, members.iter().map(|member| cell(member, name)));
    }
    html! {
        details.numbers { summary { "each operation in figures" } (table) }
    }
}

fn cell(member: &Member<'_>, name: &str) -> Option<String> {
    let op = member.result.ops.get(name)?;
    let latency = op.response.as_ref().or(op.service.as_ref());
    let timed = latency.filter(|latency| latency.count() > 0);
    let p99 = timed.and_then(|latency| latency.quantile(0.99));
    let longest = timed.map(|latency| latency.max());
    let or_none = |nanos: Option<u64>| nanos.map_or(NONE.to_owned(), figures::nanos);
    let [p99, longest] = [p99, longest].map(or_none);
    Some(format!(
        "{}, {p99}, {longest}",
        figures::rate(op.per_second)
    ))
}
