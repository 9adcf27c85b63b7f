//! Two builds of one library have two paths, since both must be there. They are one heap all the same, if
//! each set has one library: then it is clear which is meant.

use crate::result::RunResult;
use crate::run::{is_path, is_python};

/// What differs between the names of the library of the base and of that of the new set.
#[derive(Debug)]
pub(super) struct TwoBuilds<'r> {
    base: &'r str,
    new: &'r str,
}

impl<'r> TwoBuilds<'r> {
    /// Present if each set has runs on one library, and these have different names. If there is but one
    /// name in each set, the text behind the path may differ as well.
    pub(super) fn of(
        base: &'r [(String, RunResult)],
        new: &'r [(String, RunResult)],
    ) -> Option<Self> {
        let pair = |part: fn(&'r str) -> &'r str| Some((only(base, part)?, only(new, part)?));
        let (base, new) = pair(|name| name).or_else(|| pair(path))?;
        (base != new).then_some(Self { base, new })
    }

    /// The heap's name as it is in the base.
    pub(super) fn as_in_base(&self, heap: &str) -> String {
        match heap.strip_prefix(self.new) {
            Some(text) if text.is_empty() || text.starts_with(':') => {
                format!("{}{text}", self.base)
            }
            _ => heap.to_owned(),
        }
    }

    pub(super) fn note(&self) -> String {
        let Self { base, new } = self;
        format!("{base} in the base and {new} in the new are compared as two builds of one heap")
    }
}

/// This part of the names of the libraries on which runs are, if it is the same in all.
fn only<'r>(results: &'r [(String, RunResult)], part: fn(&'r str) -> &'r str) -> Option<&'r str> {
    let names = results.iter().map(|(_, result)| result.heap.as_str());
    let mut parts = names
        .filter(|name| is_path(name) && !is_python(name))
        .map(part);
    let first = parts.next()?;
    parts.all(|part| part == first).then_some(first)
}

/// The path of a library. The file may be gone, so the first colon counts: where a path has one itself,
/// the rest of it counts as text, and that has to be the same.
fn path(name: &str) -> &str {
    name.split_once(':').map_or(name, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn on(heaps: &[&str]) -> Vec<(String, RunResult)> {
        let result = |heap: &&str| ("r".to_owned(), sample::result(heap));
        heaps.iter().map(result).collect()
    }

    /// Goal: one library on each side is one heap, by whatever text it was opened; two are not, nor are
    /// interpreters or heaps that have no path.
    #[test]
    fn one_library_a_side_is_one_heap() {
        let base = on(&["gil", "a/l.so", "a/l.so:x/y"]);
        let new = on(&["gil", "b/l.so:x/y", "b/l.so"]);
        let two = TwoBuilds::of(&base, &new).expect("two builds");
        assert_eq!(two.as_in_base("b/l.so:x/y"), "a/l.so:x/y");
        assert_eq!(two.as_in_base("b/l.so"), "a/l.so");
        assert_eq!(two.as_in_base("gil"), "gil");
        let (base, new) = (on(&["a/l.so"]), on(&["a/l.so:x", "a/l.so:x"]));
        let two = TwoBuilds::of(&base, &new).expect("two builds");
        assert_eq!(two.as_in_base("a/l.so:x"), "a/l.so");
        for (base, new) in [
            (&["a/l.so", "a/l.so:x"][..], &["a/l.so:y", "a/l.so:z"][..]),
            (&["a/l.so", "a/m.so"], &["b/l.so"]),
            (&["gil"], &["b/l.so"]),
            (&["python:/a/python3"], &["python:/b/python3"]),
        ] {
            assert!(
                TwoBuilds::of(&on(base), &on(new)).is_none(),
                "{base:?} {new:?}"
            );
        }
    }
}
