//! Property tests: merging is associative, commutative and idempotent.

use proptest::prelude::*;

use super::failure::FailureKind;
use super::samples::{self, how, journal, occurrence};
use super::{Lost, Merged, Occurrence, Part, PartKey};
use crate::evidence::{Latency, Packed, Room};

/// A part with one of a few keys, so that keys coincide. Parts have different lengths, and a
/// shorter one is not always a prefix of a longer one.
fn part() -> impl Strategy<Value = Part> {
    let times = prop::collection::vec(0..100_000_u64, 0..5);
    (0..3_u32, 0..2_u8, 0..4_u64, 0..3_u64, times).prop_map(|(index, began, rounds, ops, times)| {
        let mut part = journal(7, index);
        if let PartKey::Soak { began: own, .. } = &mut part.key {
            *own = began.to_string();
        }
        let lane = &mut part.lanes[0];
        (lane.rounds, lane.held, lane.ops) = (rounds, rounds, ops);
        lane.failed = vec![(how(), ops)];
        let mut latency = Latency::default();
        times.iter().for_each(|time| latency.record(*time));
        let packed = Packed::of(&latency).expect("it is packed");
        lane.service.insert("alloc".to_owned(), packed);
        part
    })
}

fn failure() -> impl Strategy<Value = (FailureKind, Occurrence)> {
    let turns = prop::option::of(0..3_u64);
    (0..2_u8, turns, 0..3_u64, 0..3_u64, any::<bool>()).prop_map(
        |(kind, turns, elapsed_ns, seed, has_case)| {
            let mut failure = samples::kind();
            if kind == 1 {
                failure.how.lost = Lost::Crashed;
            }
            let occurrence = Occurrence {
                turns,
                elapsed_ns,
                case: has_case.then(|| "a case".to_owned()),
                ..occurrence(seed)
            };
            (failure, occurrence)
        },
    )
}

fn merged() -> impl Strategy<Value = Merged> {
    let parts = prop::collection::vec(part(), 0..4);
    let failures = prop::collection::vec(failure(), 0..4);
    (parts, failures).prop_map(|(parts, failures)| {
        let mut merged = Merged::default();
        for part in parts {
            merged.add_part(part);
        }
        for (kind, occurrence) in failures {
            merged.add_occurrence(kind, occurrence);
        }
        merged
    })
}

fn written(merged: &Merged) -> String {
    let totals = merged.totals().expect("they can be added");
    serde_json::to_string(&merged.document(&totals)).expect("it is written")
}

proptest! {
    /// Goal: merging is associative, commutative and idempotent, to the last byte of the file, and
    /// merging with an empty set changes nothing.
    #[test]
    fn order_groups_and_repetition_do_not_matter(a in merged(), b in merged(), c in merged()) {
        let join = |one: &Merged, other: &Merged| one.clone().join(other.clone());
        let all = join(&join(&a, &b), &c);
        prop_assert_eq!(&all, &join(&a, &join(&b, &c)));
        prop_assert_eq!(&join(&a, &b), &join(&b, &a));
        prop_assert_eq!(&join(&a, &a), &a);
        prop_assert_eq!(&join(&all, &b), &all);
        prop_assert_eq!(&join(&a, &Merged::default()), &a);
        prop_assert_eq!(written(&all), written(&join(&c, &join(&b, &a))));
    }

    /// Goal: a merge survives writing and reading.
    #[test]
    fn what_is_written_is_read(merged in merged()) {
        let text = written(&merged);
        let read = Merged::read(text.as_bytes(), &mut Room::default());
        prop_assert_eq!(read.expect("it is read"), merged);
    }

    /// Goal: totals are the sums over the parts that were kept, and the times are one histogram of
    /// all that these parts recorded.
    #[test]
    fn sums_are_of_all_parts(merged in merged()) {
        let totals = merged.totals().expect("they can be added");
        let (mut rounds, mut ops, mut all) = (0, 0, Latency::default());
        for part in merged.parts() {
            rounds += part.rounds();
            ops += part.lanes[0].ops;
            all.add(&part.lanes[0].service["alloc"].unpack().expect("it is one"));
        }
        let sum: u64 = totals.lanes.iter().map(|lane| lane.rounds).sum();
        prop_assert_eq!(sum, rounds);
        if let Some(churn) = totals.lanes.first() {
            prop_assert_eq!((churn.ops, churn.failures), (ops, ops));
            prop_assert_eq!(&churn.service["alloc"], &all);
        }
    }
}

/// Goal: a longer copy of a journal replaces a shorter one and is not added to it, whichever comes
/// first; a failure that only the shorter copy had is kept.
#[test]
fn longer_copies_replace_shorter_ones() {
    let short = journal(7, 0);
    let mut long = short.clone();
    long.lanes[1].rounds = 9;
    let (mut one, mut other) = (Merged::default(), Merged::default());
    one.add_part(short);
    let kind = samples::kind();
    one.add_occurrence(kind.clone(), occurrence(3));
    other.add_part(long);
    for both in [
        one.clone().join(other.clone()),
        other.clone().join(one.clone()),
    ] {
        let totals = both.totals().expect("they can be added");
        assert_eq!((totals.parts, totals.lanes[1].rounds), (1, 9));
        assert_eq!(totals.times(&kind), 1);
        assert_eq!(totals.verdict(), crate::result::Outcome::Violated);
    }
}

/// Goal: seeds come back as they were when a program that rounds numbers has written the file
/// again.
#[test]
fn seeds_are_not_rounded() {
    let seed = u64::MAX - 1;
    let mut merged = Merged::default();
    merged.add_part(journal(seed, 0));
    merged.add_occurrence(samples::kind(), occurrence(seed));
    let text = written(&merged);
    let number = format!("\"seed\":{seed}");
    assert!(text.matches(&number).count() >= 3, "{text}");
    for rounded in ["18446744073709550000", "1.8446744073709552e19"] {
        let text = text.replace(&number, &format!("\"seed\":{rounded}"));
        let read = Merged::read(text.as_bytes(), &mut Room::default());
        assert_eq!(read.expect("it is read"), merged);
    }
}

/// Goal: a file that is not a merge of this version is refused, with the line if it is known.
#[test]
fn what_is_no_merge_is_refused() {
    let mut merged = Merged::default();
    let mut part = journal(7, 0);
    let packed = Packed::of(&Latency::default()).expect("it is packed");
    part.lanes[0].service.insert("alloc".to_owned(), packed);
    merged.add_part(part);
    let text = written(&merged);
    let read = |text: &str| Merged::read(text.as_bytes(), &mut Room::default());
    assert_eq!(read(&text), Ok(merged));
    for (from, to, words) in [
        ("\"schema\":1", "\"schema\":2", "`merged` of version 2"),
        ("\"kind\":\"merged\"", "\"kind\":\"other\"", "`other` of"),
        (
            "HISTFAAA",
            "HISSFAAA",
            "a histogram of shard 0/8 of seed 7: ",
        ),
        ("\"parts\":", "\"parties\":", "missing field `parts`"),
    ] {
        let (_, what) = read(&text.replace(from, to)).expect_err(words);
        assert!(what.contains(words), "{what}");
    }
    let (line, _) = read(&text[..text.len() / 2]).expect_err("it is cut off");
    assert_eq!(line, Some(1));
}
