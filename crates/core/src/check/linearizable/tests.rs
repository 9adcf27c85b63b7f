//! Compares the check with a brute-force one that is simple enough to be obviously right, and tests
//! speed and explanations.

use proptest::prelude::*;

use super::*;
use crate::evidence::history::{Call, CallAnswer};

/// Whether there is an order, found by trying all of them. `del l[-n:]` counts as n pops.
fn has_order(events: &[Event], last: Option<&Vec<Option<Element>>>) -> bool {
    let mut steps = Vec::new();
    for event in events {
        match event.call {
            Call::TruncateBack(count) => {
                let call = Call::TruncateBack(1);
                steps.extend((0..count).map(|_| Event { call, ..*event }));
            }
            _ => steps.push(*event),
        }
    }
    extends(&[], &steps, last, 0)
}

/// Wing and Gong's search without a memory, on copies of the list. A pending operation may take
/// effect or not.
fn extends(
    list: &[Element],
    events: &[Event],
    last: Option<&Vec<Option<Element>>>,
    done: u64,
) -> bool {
    let is_open = |index: usize| done & (1u64 << index) == 0;
    let open = (0..events.len()).filter(|&index| is_open(index));
    if open.clone().all(|index| events[index].end == NEVER) {
        let found = |last: &Vec<Option<Element>>| {
            last.len() == list.len() && last.iter().zip(list).all(|(a, b)| *a == Some(*b))
        };
        if last.is_none_or(found) {
            return true;
        }
    }
    open.clone().any(|index| {
        let event = &events[index];
        let is_next = open.clone().all(|other| {
            let is_earlier = events[other].mutator == event.mutator && other < index;
            events[other].end >= event.start && !is_earlier
        });
        let was_empty = list.is_empty();
        let mut list = list.to_vec();
        let right = answer(&mut list, event.call);
        let is_right = event.answer == right || event.answer == CallAnswer::Unknown;
        // A truncation ends with the first pop that finds the list empty.
        let is_last = event.call == Call::TruncateBack(1) && was_empty;
        let same = |other: &usize| is_last && events[*other] == *event;
        let with = (0..events.len())
            .filter(same)
            .fold(1 << index, |with, other| with | 1 << other);
        is_next && is_right && extends(&list, events, last, done | with)
    })
}

/// Performs the call on the list, and returns the answer.
fn answer(list: &mut Vec<Element>, call: Call) -> CallAnswer {
    let at = |index: u64| usize::try_from(index).expect("a small index");
    match call {
        Call::Append(element) => list.push(element),
        Call::Len => return CallAnswer::Length(list.len() as u64),
        Call::Get(index) => return CallAnswer::Found(list.get(at(index)).copied()),
        Call::Set(index, element) => match list.get_mut(at(index)) {
            Some(place) => *place = element,
            None => return CallAnswer::Refused,
        },
        Call::Pop => return CallAnswer::Found(list.pop()),
        Call::TruncateFront(count) => drop(list.drain(..at(count).min(list.len()))),
        Call::TruncateBack(count) => list.truncate(list.len().saturating_sub(at(count))),
        _ => unreachable!("no list has that"),
    }
    CallAnswer::Done
}

/// One operation of a history that has an order: who does what, how long before its effect it is
/// called, and how long after its effect it returns.
#[derive(Debug, Clone, Copy)]
struct Deed {
    mutator: u32,
    kind: u8,
    number: u64,
    before: u64,
    after: u64,
}

fn deeds(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    let deed = (0..3_u32, 0..12_u8, 0..4_u64, 0..40_u64, 0..40_u64);
    let deed = deed.prop_map(|(mutator, kind, number, before, after)| Deed {
        mutator,
        kind,
        number,
        before,
        after,
    });
    prop::collection::vec(deed, 1..most)
}

/// The history of these operations, which take effect one after another, and the list at the end.
fn history(deeds: &[Deed]) -> (Vec<Event>, Vec<Option<Element>>) {
    let mut list = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    for (turn, deed) in (0..).zip(deeds) {
        let new = Element {
            producer: deed.mutator,
            sequence: turn,
        };
        let call = match deed.kind {
            0..=3 => Call::Append(new),
            4 => Call::Len,
            5..=6 => Call::Get(deed.number),
            7 => Call::Set(deed.number, new),
            8..=9 => Call::Pop,
            10 => Call::TruncateFront(deed.number),
            _ => Call::TruncateBack(deed.number),
        };
        let time = 10 * (turn + 1);
        let mut start = time.saturating_sub(deed.before);
        let earlier = events
            .iter_mut()
            .rfind(|event| event.mutator == deed.mutator);
        if let Some(earlier) = earlier {
            earlier.end = earlier.end.min(time - 1);
            start = start.max(earlier.end);
        }
        events.push(Event {
            mutator: deed.mutator,
            call,
            answer: answer(&mut list, call),
            start,
            end: time + deed.after,
        });
    }
    events.sort_by_key(|event| event.start);
    (events, list.into_iter().map(Some).collect())
}

fn is_linearizable(events: &[Event], last: Option<&Vec<Option<Element>>>) -> bool {
    match rule_list(events, last) {
        Ruling::Linearizable => true,
        Ruling::Contradictory(contradiction) => {
            assert!(!contradiction.events.is_empty() || contradiction.with_last);
            false
        }
        Ruling::Undecided => panic!("{} operations are not many", events.len()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Goal: a history that has an order is not accused, nor is any prefix of it.
    #[test]
    fn what_has_an_order_holds((deeds, until) in (deeds(60), 0..700_u64)) {
        let (events, last) = history(&deeds);
        prop_assert!(is_linearizable(&events, Some(&last)));
        let known: Vec<Event> = events.iter().filter_map(|event| event.known_at(until)).collect();
        prop_assert!(is_linearizable(&known, None));
    }

    /// Goal: with any two answers exchanged, and some of them unknown, the check agrees with a
    /// search that tries every order.
    #[test]
    fn agrees_with_every_order(
        (deeds, one, other, until) in (deeds(9), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..150_u64)
    ) {
        let (mut events, mut last) = history(&deeds);
        let (one, other) = (one.index(events.len()), other.index(events.len()));
        let answers = (events[one].answer, events[other].answer);
        // Only answers of one kind: an answer that its operation can never give needs no search.
        let found = |answer| matches!(answer, CallAnswer::Found(_));
        let length = |answer| matches!(answer, CallAnswer::Length(_));
        if found(answers.0) == found(answers.1) && length(answers.0) == length(answers.1) {
            (events[one].answer, events[other].answer) = (answers.1, answers.0);
        }
        let refusable = |event: &Event| matches!(event.call, Call::Set(..)) || event.answer != CallAnswer::Refused;
        prop_assume!(events.iter().all(refusable));
        prop_assert_eq!(is_linearizable(&events, None), has_order(&events, None));
        prop_assert_eq!(
            is_linearizable(&events, Some(&last)),
            has_order(&events, Some(&last))
        );
        last.reverse();
        prop_assert_eq!(
            is_linearizable(&events, Some(&last)),
            has_order(&events, Some(&last))
        );
        let known: Vec<Event> = events.iter().filter_map(|event| event.known_at(until)).collect();
        prop_assert_eq!(is_linearizable(&known, None), has_order(&known, None));
    }

    /// Goal: a shortened contradiction ends at the first return at which there is one, and
    /// unrelated reads are left out.
    #[test]
    fn a_contradiction_is_the_shortest((deeds, victim) in (deeds(40), any::<prop::sample::Index>())) {
        let (mut events, _) = history(&deeds);
        let victim = victim.index(events.len());
        events[victim].answer = match events[victim].answer {
            CallAnswer::Length(len) => CallAnswer::Length(len + 1),
            CallAnswer::Found(_) => CallAnswer::Found(Some(Element::LOST)),
            other => other,
        };
        if let Ruling::Contradictory(contradiction) = rule_list(&events, None) {
            let ends = contradiction.events.iter().map(|event| event.end);
            let end = ends.filter(|&end| end != NEVER).max().expect("something returned");
            let known_at = |time| -> Vec<Event> {
                events.iter().filter_map(|event| event.known_at(time)).collect()
            };
            prop_assert!(!is_linearizable(&known_at(end), None));
            prop_assert!(is_linearizable(&known_at(end - 1), None));
            if events[victim].answer == CallAnswer::Found(Some(Element::LOST)) {
                // Nobody ever appended it, so no other operation is needed for the contradiction.
                prop_assert_eq!(end, events[victim].end);
                prop_assert!(contradiction.events.contains(&events[victim]));
                let looks = contradiction.events.iter().filter(|event| event.call.is_look());
                prop_assert!(looks.count() <= 1);
            }
        }
    }
}

/// The events that these lines describe.
fn events(lines: &[&str]) -> Vec<Event> {
    let read = |line: &&str| line.parse().unwrap_or_else(|error| panic!("{error}"));
    lines.iter().map(read).collect()
}

/// Goal: small histories are judged rightly; a reader can verify each by hand.
#[test]
fn small_histories() {
    let cases: [(&[&str], bool); 7] = [
        (&["0 9 0 append 0:0 = done", "1 8 1 len = 0"], true),
        (&["0 3 0 append 0:0 = done", "4 8 1 len = 0"], false),
        (
            &["0 ? 0 append 0:0 = ?", "1 2 1 len = 1", "3 4 1 len = 1"],
            true,
        ),
        (
            &["0 ? 0 append 0:0 = ?", "1 2 1 len = 1", "3 4 1 len = 0"],
            false,
        ),
        // Two readers disagree on the order of two appends.
        (
            &[
                "0 9 0 append 0:0 = done",
                "0 9 1 append 1:0 = done",
                "1 2 2 get 0 = 0:0",
                "3 4 3 get 0 = 1:0",
            ],
            false,
        ),
        // The clock is too coarse to order the operations of one mutator.
        (
            &[
                "5 5 0 append 0:0 = done",
                "5 5 0 pop = 0:0",
                "5 5 0 len = 0",
            ],
            true,
        ),
        (&["5 5 0 append 0:0 = done", "5 5 0 len = 0"], false),
    ];
    for (lines, right) in cases {
        assert_eq!(is_linearizable(&events(lines), None), right, "{lines:?}");
    }
}

/// Goal: a counter's history is judged by its reads and by what is found at the end.
#[test]
fn counters() {
    let cases: [(&[&str], Option<i64>, bool); 5] = [
        (
            &["0 9 0 add 1 = done", "0 9 1 add 2 = done", "1 8 2 read = 2"],
            Some(3),
            true,
        ),
        (
            &["0 9 0 add 1 = done", "0 9 1 add 2 = done"],
            Some(2),
            false,
        ),
        (&["0 9 0 add 1 = done", "10 19 1 read = 0"], None, false),
        (
            &[
                "0 9 0 write 7 = done",
                "0 9 1 write 8 = done",
                "10 11 0 read = 7",
            ],
            Some(7),
            true,
        ),
        (
            &[
                "0 9 0 write 7 = done",
                "10 19 1 write 8 = done",
                "20 21 0 read = 7",
            ],
            None,
            false,
        ),
    ];
    for (lines, last, right) in cases {
        let ruling = rule_counter(&events(lines), last);
        assert_eq!(
            ruling == Ruling::Linearizable,
            right,
            "{lines:?}: {ruling:?}"
        );
    }
}

/// Goal: a place answers what was stored last, and what was there before only as long as nothing
/// was.
#[test]
fn places() {
    use crate::evidence::history::Before;

    let old = Before::Held(Element {
        producer: 7,
        sequence: 1,
    });
    let cases: [(Before, &[&str], bool); 8] = [
        (Before::Empty, &["0 1 0 load = nothing"], true),
        (Before::Empty, &["0 1 0 load = 7:1"], false),
        (old, &["0 5 0 store 0:1 = done", "1 2 1 load = 7:1"], true),
        // The previous value, a moment after the store has returned.
        (old, &["0 5 0 store 0:1 = done", "6 7 1 load = 7:1"], false),
        (
            Before::Unknown,
            &["0 5 0 store 0:1 = done", "6 7 1 load = 7:1"],
            false,
        ),
        (
            Before::Unknown,
            &["0 1 1 load = 7:1", "2 3 0 load = nothing"],
            false,
        ),
        // It goes back to what it was, which nobody stored again.
        (
            Before::Unknown,
            &[
                "0 9 0 store 0:1 = done",
                "1 2 1 load = 7:1",
                "3 4 1 load = 0:1",
                "5 6 1 load = 7:1",
            ],
            false,
        ),
        (
            Before::Unknown,
            &[
                "0 9 0 store 0:1 = done",
                "0 9 1 store nothing = done",
                "10 11 2 load = 0:1",
                "12 13 2 load = 0:1",
            ],
            true,
        ),
    ];
    for (before, lines, right) in cases {
        let ruling = rule_place(before, &events(lines));
        let is_right = ruling == Ruling::Linearizable;
        assert_eq!(is_right, right, "{before:?} {lines:?}: {ruling:?}");
    }
}

/// Goal: a contradiction is shown with the state before it, and without unrelated operations.
#[test]
fn a_contradiction_is_cut_down() {
    let lines = [
        "0 10 0 append 0:0 = done",
        "5 15 1 append 1:0 = done",
        "20 25 0 get 0 = 1:0",
        "30 40 0 append 0:1 = done",
        "35 45 1 len = 2",
        "50 60 1 pop = 1:0",
        "70 80 0 append 0:2 = done",
    ];
    let Ruling::Contradictory(contradiction) = rule_list(&events(&lines), None) else {
        panic!("the last element was another one");
    };
    assert_eq!(contradiction.events, events(&lines[5..6]));
    assert_eq!(contradiction.earlier, 5);
    let before = contradiction.before.expect("something came before");
    assert!(
        before.contains("3 elements: [0] 1:0, [1] 0:0, [2] 0:1"),
        "{before}"
    );
}

/// Many appends in overlapping groups of three, and the list at the end, in which each group is in
/// reverse order of its calls.
fn seen_late(pairs: u64) -> (Vec<Event>, Vec<Option<Element>>) {
    let mut events = Vec::new();
    let mut last = Vec::new();
    for pair in 0..pairs {
        for mutator in [0, 1, 2] {
            let element = Element {
                producer: mutator,
                sequence: pair,
            };
            events.push(Event {
                mutator,
                call: Call::Append(element),
                answer: CallAnswer::Done,
                start: 100 * pair + u64::from(mutator),
                end: 100 * pair + 50 + u64::from(mutator),
            });
            last.push(Some(element));
        }
        let len = last.len();
        last[len - 3..].reverse();
    }
    (events, last)
}

/// Goal: the search does not try all combinations of choices that are decided late. Six hundred
/// appends overlap in two hundred groups of three, only the state at the end tells their order, and
/// one thread is stalled all the time.
#[test]
fn late_looks_do_not_multiply() {
    let (mut events, last) = seen_late(200);
    assert!(is_linearizable(&events, Some(&last)));
    events.insert(0, events_of_stalled());
    assert!(is_linearizable(&events, Some(&last)));
    let mut wrong = last;
    wrong.swap(2, 3);
    assert!(!is_linearizable(&events, Some(&wrong)));
}

/// A truncation by 0 that is running all the time.
fn events_of_stalled() -> Event {
    "0 1000000 3 truncate-front 0 = done"
        .parse()
        .expect("an event")
}
