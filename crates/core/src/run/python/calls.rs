//! The calls that a program noted, with their answers, as histories.

use serde::Deserialize;
use std::collections::BTreeMap;

use crate::evidence::history::{
    Before, Call, CallAnswer, Element, Event, History, PlaceHistory, Recorded, TimeUnit,
};
use crate::heap::Shape;
use crate::plan::Plan;

/// What one mutator noted: about what (`o0`: shared object 0, `r0`: shared root 0), and the event.
#[derive(Debug, Deserialize)]
pub(super) struct Noted {
    closed_at: Option<u64>,
    lost: bool,
    events: Vec<(String, Event)>,
}

/// The histories of a run, of which each mutator noted up to `limit` events, unless there is
/// something that it could not note.
pub(super) fn recorded(plan: &Plan, limit: u64, noted: Vec<Noted>, untold: bool) -> Recorded {
    // What returned by then cannot depend on a call that was not noted.
    let until = noted.iter().filter_map(|noted| noted.closed_at).min();
    let is_lost = noted.iter().any(|noted| noted.lost);
    let all = || noted.iter().flat_map(|noted| &noted.events);
    let origin = all().map(|(_, event)| event.start).min().unwrap_or(0);
    let mut topics = BTreeMap::<&str, Vec<Event>>::new();
    for (topic, event) in all() {
        let known = until.map_or(Some(*event), |until| event.known_at(until));
        let timed = known.map(|event| Event {
            start: event.start - origin,
            end: match event.answer {
                CallAnswer::Unknown => event.end,
                _ => event.end - origin,
            },
            ..event
        });
        topics.entry(topic).or_default().extend(timed);
    }
    for events in topics.values_mut() {
        events.sort_by_key(|event| event.start);
    }
    let objects = plan.objects.iter().enumerate();
    let judged = objects.filter(|(_, it)| matches!(it.shape, Shape::List | Shape::Counter));
    let objects = judged.map(|(object, shared)| History {
        object,
        name: shared.name.clone(),
        shape: shared.shape,
        events: topics
            .remove(format!("o{object}").as_str())
            .unwrap_or_default(),
    });
    let objects = objects.collect();
    let places = topics.into_iter().filter_map(|(topic, events)| {
        let root = topic.strip_prefix('r')?.parse().ok()?;
        is_read(&events).then(|| place(plan, root, events))
    });
    Recorded {
        limit,
        unit: TimeUnit::Nanoseconds,
        until: until.map(|until| until.saturating_sub(origin)),
        broken: match (is_lost, untold) {
            (true, _) => {
                Some("a mutator was lost, and with it the record of what it did".to_owned())
            }
            (_, true) => Some("a register may hold a shared object or another one".to_owned()),
            _ => None,
        },
        objects,
        places: places.collect(),
        later: Vec::new(),
    }
}

/// Whether there is a load whose answer is known: else there is nothing to judge.
fn is_read(events: &[Event]) -> bool {
    let mut events = events.iter();
    events.any(|event| event.call == Call::Load && event.answer != CallAnswer::Unknown)
}

fn place(plan: &Plan, root: usize, events: Vec<Event>) -> PlaceHistory {
    let (place, before) = match plan.objects.get(root) {
        // The setup made them, in this order.
        Some(object) => (
            format!("the root of {}", object.name),
            Before::Held(Element {
                producer: u32::try_from(plan.mutators.len()).unwrap_or(u32::MAX),
                sequence: root as u64,
            }),
        ),
        None => (format!("shared root {root}"), Before::Empty),
    };
    PlaceHistory {
        place,
        before,
        events,
    }
}
