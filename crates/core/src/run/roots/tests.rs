//! Histories by hand, and histories that have an order.

use proptest::prelude::*;

use super::*;
use crate::heap::Slot;

/// What these lines say of root 0, compared.
fn compared(lines: &[&str]) -> Vec<Recurrence> {
    let event = |line: &&str| {
        line.parse::<Event>()
            .unwrap_or_else(|error| panic!("{error}"))
    };
    let seen = lines.iter().map(|line| (Global(0), event(line)));
    recurrences(blocks(seen.collect()))
}

/// Goal: what has an order is not accused, however odd it looks.
#[test]
fn odd_histories_hold() {
    let histories: [&[&str]; 9] = [
        &[],
        // What was there before anyone looked, and what was stored unseen.
        &["0 1 0 load = 7:1", "2 3 0 load = 7:2", "4 5 1 load = 7:3"],
        // The root is empty again and again.
        &[
            "0 1 0 load = nothing",
            "2 3 0 load = 1:0",
            "4 5 0 load = nothing",
            "6 7 0 load = 1:1",
            "8 9 0 load = nothing",
        ],
        // While one is stored, one reader sees it and a later one does not see it yet.
        &[
            "0 1 0 store 0:0 = done",
            "2 9 0 store 0:1 = done",
            "3 8 1 load = 0:1",
            "4 5 2 load = 0:0",
        ],
        // It was replaced before its own store returned.
        &[
            "0 9 0 store 0:0 = done",
            "1 2 1 store 1:0 = done",
            "3 4 1 load = 1:0",
        ],
        // Times are too coarse to order what one mutator did.
        &["5 5 0 load = 0:0", "5 5 0 load = 0:1", "5 5 0 load = 0:2"],
        // One returns at the very time at which the next begins.
        &["0 2 0 load = 0:0", "2 4 0 load = 0:1", "4 6 0 load = 0:0"],
        // A reader was held up for as long as it takes to store many.
        &[
            "0 1 0 store 0:0 = done",
            "1 90 1 load = 0:1",
            "2 3 0 store 0:1 = done",
            "4 5 0 store 0:2 = done",
            "6 7 0 load = 0:2",
        ],
        // Two stores at once, whose order nobody saw.
        &[
            "0 9 0 store 0:0 = done",
            "0 9 1 store 1:0 = done",
            "10 11 2 load = 0:0",
            "10 11 3 load = 0:0",
        ],
    ];
    for lines in histories {
        assert_eq!(compared(lines), [], "{lines:?}");
    }
}

/// Goal: what was replaced and is there again is accused, with the operations that show it.
#[test]
fn wrong_histories_are_accused() {
    let histories: [(&[&str], usize); 6] = [
        // The previous object, for a moment.
        (
            &["0 1 0 load = 7:1", "2 3 0 load = 7:2", "4 5 1 load = 7:1"],
            1,
        ),
        (
            &[
                "0 1 0 store 0:0 = done",
                "2 3 0 store 0:1 = done",
                "4 5 1 load = 0:0",
            ],
            1,
        ),
        // Nothing, where something was and still is.
        (
            &[
                "0 1 0 load = 7:1",
                "2 3 1 load = nothing",
                "4 5 0 load = 7:1",
            ],
            1,
        ),
        // Two readers disagree on the order of two stores.
        (
            &[
                "0 1 2 load = 0:0",
                "0 1 3 load = 1:0",
                "5 6 2 load = 1:0",
                "5 6 3 load = 0:0",
            ],
            1,
        ),
        // Neither the first nor the last look at the second object shows it alone.
        (
            &[
                "0 1 0 load = 7:1",
                "2 9 1 load = 7:2",
                "0 5 2 load = 7:2",
                "6 7 0 load = 7:1",
            ],
            1,
        ),
        // Each of two that were there in between.
        (
            &[
                "0 1 0 load = 7:1",
                "2 3 0 load = 7:2",
                "4 5 0 load = 7:3",
                "6 7 0 load = 7:1",
            ],
            2,
        ),
    ];
    for (lines, wrong) in histories {
        let found = compared(lines);
        assert_eq!(found.len(), wrong, "{lines:?}: {found:?}");
        for contradiction in found {
            let lines: Vec<String> = contradiction.events.iter().map(Event::to_string).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(compared(&lines), [contradiction], "it suffices");
        }
    }
}

/// Goal: roots are compared each by itself.
#[test]
fn roots_are_apart() {
    let line = |root, line: &str| (Global(root), line.parse::<Event>().expect(line));
    let seen = vec![
        line(0, "0 1 0 load = 7:1"),
        line(1, "2 3 0 load = 7:2"),
        line(0, "4 5 0 load = 7:1"),
    ];
    assert_eq!(recurrences(blocks(seen)), []);
}

const FETCH: Op = Op::Fetch {
    dst: Slot(0),
    global: Global(1),
};

fn object(sequence: u64) -> Option<Element> {
    let producer = 3;
    Some(Element { producer, sequence })
}

/// Goal: whatever was kept is compared once, also where the room was used up in between; what was
/// forgotten accuses nobody.
#[test]
fn room_runs_out() {
    let mut roots = Roots::new(0, &[false, true]);
    let mut fetch = |sequence| {
        roots.begin(&FETCH, || None);
        let end = roots.returned();
        roots.end(end, Some(object(sequence)));
    };
    // The last one is what the root held at first, and no such operation is left.
    for sequence in (0..KEPT_MAX as u64).chain([1, 0]) {
        fetch(sequence);
    }
    let samples = gather(std::iter::once(&mut roots));
    assert_eq!((samples.judged, samples.wrong), (KEPT_MAX as u64 + 2, 0));
    let mut fetch = |sequence| {
        roots.begin(&FETCH, || None);
        let end = roots.returned();
        roots.end(end, Some(object(sequence)));
    };
    for sequence in [0, 1, 0]
        .into_iter()
        .chain(2..KEPT_MAX as u64)
        .chain([0, 1, 0])
    {
        fetch(sequence);
    }
    let samples = gather(std::iter::once(&mut roots));
    assert_eq!((samples.judged, samples.wrong), (KEPT_MAX as u64 + 4, 2));
    let shown = samples.first.iter().map(|history| history.events.len());
    assert_eq!(shown.collect::<Vec<_>>(), [3, 3]);
}

/// Goal: nothing is noted of roots in which objects may be stored twice, of objects that nobody
/// knows, and of answers that are not to be judged.
#[test]
fn what_is_not_noted() {
    let mut roots = Roots::new(0, &[true, false]);
    let publish = Op::Publish {
        global: Global(0),
        src: Slot(0),
    };
    let other = Op::Fetch {
        dst: Slot(0),
        global: Global(7),
    };
    for (op, stored, found) in [
        (FETCH, None, Some(object(1))),
        (other, None, Some(object(1))),
        (publish, None, Some(None)),
        (publish, Some(Element::LOST), Some(None)),
        (Op::Safepoint, None, Some(None)),
    ] {
        roots.begin(&op, || stored);
        roots.end(roots.returned(), found);
    }
    let mut roots = [roots, Roots::new(1, &[])];
    assert_eq!(
        gather(roots.iter_mut()),
        RootSamples {
            unit: Stamps::sound().unit(),
            ..RootSamples::default()
        }
    );
}

/// One operation: who does it, whether it stores, how long before its effect it begins and how long
/// after it ends, and whether anyone noted it.
type Deed = (u32, bool, u64, u64, bool);

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = (
        0..4_u32,
        any::<bool>(),
        0..60_u64,
        0..60_u64,
        prop::bool::weighted(0.7),
    );
    prop::collection::vec(deed, 1..60)
}

/// What was noted of operations that take effect one after another; the root holds at first what
/// nobody made here.
fn noted(deeds: &[Deed]) -> Vec<Sighting> {
    let mut held = object(1000);
    let mut events: Vec<Event> = Vec::new();
    for (turn, &(mutator, stores, before, after, _)) in (1..).zip(deeds) {
        let time = 10 * turn;
        let (call, answer) = if stores {
            held = object(turn).filter(|_| turn % 7 > 0);
            (Call::Store(held), CallAnswer::Done)
        } else {
            (Call::Load, CallAnswer::Found(held))
        };
        let mut start = u64::saturating_sub(time, before);
        if let Some(earlier) = events.iter_mut().rfind(|it| it.mutator == mutator) {
            earlier.end = earlier.end.min(time - 1);
            start = start.max(earlier.end);
        }
        events.push(Event {
            mutator,
            call,
            answer,
            start,
            end: time + after,
        });
    }
    let noted = events.into_iter().zip(deeds).filter(|(_, deed)| deed.4);
    noted.map(|(event, _)| (Global(0), event)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Goal: whatever is missing from a history that has an order, nobody is accused.
    #[test]
    fn what_has_an_order_holds(deeds in deeds()) {
        prop_assert_eq!(recurrences(blocks(noted(&deeds))), []);
    }

    /// Goal: comparing with the longest stretch finds a contradiction wherever comparing all with
    /// all does.
    #[test]
    fn one_pass_is_enough(deeds in deeds(), lag in 1..20_usize) {
        let mut seen = noted(&deeds);
        let answers: Vec<_> = seen.iter().map(|(_, event)| element(event)).collect();
        for (at, (_, event)) in seen.iter_mut().enumerate().skip(lag) {
            if event.call == Call::Load && at.is_multiple_of(5) {
                event.answer = CallAnswer::Found(answers[at - lag]);
            }
        }
        let blocks = blocks(seen);
        let is_wrong = blocks.iter().enumerate().any(|(at, one)| {
            blocks[at + 1..].iter().any(|other| one.contradicts(other))
        });
        prop_assert_eq!(!recurrences(blocks.clone()).is_empty(), is_wrong);
    }
}
