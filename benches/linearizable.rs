//! The cost of deciding whether a history is linearizable: `cargo bench --bench linearizable`. The
//! budget is one second for three threads with two hundred operations each, whether the history is
//! linearizable or not. For the longest history, if it is not linearizable, the search may give up.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use gcstorm::check::linearizable::{Ruling, rule_list};
use gcstorm::evidence::history::{Call, CallAnswer, Element, Event};

/// A sequential list, and the history of the operations on it.
#[derive(Default)]
struct Trace {
    list: VecDeque<Element>,
    events: Vec<Event>,
    turn: u64,
}

/// The time from an operation's call to its effect, and from its effect to its return; effects are
/// 10 apart, so operations of different mutators overlap.
const SPAN: u64 = 100;

impl Trace {
    /// Adds an operation of this mutator, which takes effect after all earlier ones.
    fn push(&mut self, mutator: u32, call: Call) {
        self.turn += 1;
        let time = 10 * self.turn;
        let mut start = time.saturating_sub(SPAN);
        let earlier = self
            .events
            .iter_mut()
            .rfind(|event| event.mutator == mutator);
        if let Some(earlier) = earlier {
            earlier.end = earlier.end.min(time - 1);
            start = start.max(earlier.end);
        }
        let answer = self.answer(call);
        self.events.push(Event {
            mutator,
            call,
            answer,
            start,
            end: time + SPAN,
        });
    }

    fn answer(&mut self, call: Call) -> CallAnswer {
        let within = |count: u64, len: usize| usize::try_from(count).map_or(len, |n| n.min(len));
        match call {
            Call::Append(element) => self.list.push_back(element),
            Call::Len => return CallAnswer::Length(self.list.len() as u64),
            Call::Get(at) => {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                return CallAnswer::Found(self.list.get(at).copied());
            }
            Call::Pop => return CallAnswer::Found(self.list.pop_back()),
            Call::TruncateFront(count) => {
                self.list.drain(..within(count, self.list.len()));
            }
            Call::TruncateBack(count) => {
                let left = self.list.len() - within(count, self.list.len());
                self.list.truncate(left);
            }
            _ => unreachable!("no trace has other calls"),
        }
        CallAnswer::Done
    }

    fn history(mut self) -> (Vec<Event>, Vec<Option<Element>>) {
        self.events.sort_by_key(|event| event.start);
        (self.events, self.list.into_iter().map(Some).collect())
    }
}

fn element(producer: u32, sequence: u64) -> Element {
    Element { producer, sequence }
}

/// A history of three mutators, which take turns; each does `operations` operations, chosen by
/// pseudo-random numbers.
fn trace(operations: u64, choose: impl Fn(u64, Element) -> Call) -> Trace {
    let mut trace = Trace::default();
    let mut state = 1_u64;
    for turn in 0..operations {
        for mutator in 0..3 {
            // The linear congruential generator of Knuth's MMIX; only its high bits are random
            // enough.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            trace.push(mutator, choose(state >> 33, element(mutator, turn)));
        }
    }
    trace
}

fn mixed(random: u64, new: Element) -> Call {
    match random % 16 {
        0..8 => Call::Append(new),
        8..10 => Call::Len,
        10..13 => Call::Get(random / 16 % 40),
        13..15 => Call::Pop,
        _ => Call::TruncateFront(random / 16 % 4),
    }
}

fn both_ends(random: u64, new: Element) -> Call {
    match random % 8 {
        0..5 => Call::Append(new),
        5 => Call::TruncateFront(random / 8 % 5),
        6 => Call::TruncateBack(random / 8 % 5),
        _ => Call::Get(random / 8 % 20),
    }
}

fn rulings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("linearizable");
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(2));
    group.sample_size(20);
    let mut stalled = trace(200, mixed);
    stalled.events.push(Event {
        mutator: 3,
        call: Call::Append(element(3, 0)),
        answer: CallAnswer::Done,
        start: 0,
        end: 1_000_000,
    });
    stalled.list.push_back(element(3, 0));
    let histories = [
        ("3 x 200, mixed", trace(200, mixed)),
        (
            "3 x 200, appends only",
            trace(200, |_, new| Call::Append(new)),
        ),
        ("3 x 200, truncated at both ends", trace(200, both_ends)),
        ("3 x 200, one stalled append", stalled),
        ("3 x 2000, mixed", trace(2000, mixed)),
    ];
    for (name, trace) in histories {
        let (events, last) = trace.history();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let ruling = rule_list(black_box(&events), Some(&last));
                assert_eq!(ruling, Ruling::Linearizable);
            });
        });
        // The same history with a final list that no order explains: one element never existed.
        let mut wrong = last.clone();
        let middle = wrong.len() / 2;
        wrong[middle] = Some(Element::LOST);
        group.bench_function(format!("{name}, with a wrong final list"), |bencher| {
            bencher.iter(|| {
                let ruling = rule_list(black_box(&events), Some(&wrong));
                assert_ne!(ruling, Ruling::Linearizable);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rulings);
criterion_main!(benches);
