//! Puts together what the mutators recorded: one history for each thing that they share.

use std::collections::BTreeMap;

use super::record::{Recorder, Topic, Transcript, involved, is_judged};
use super::stamps::Stamps;
use crate::evidence::history::{
    Before, Call, CallAnswer, Element, Event, History, PlaceHistory, Recorded, Window,
};
use crate::heap::ObjectId;
use crate::plan::Plan;

/// Puts the histories together. `objects` are the ids of the shared objects.
pub(super) fn gather(
    plan: &Plan,
    objects: &[ObjectId],
    limit: u64,
    recorders: &[&Recorder],
) -> Recorded {
    let stamps = Stamps::sound();
    let logs = recorders.iter().flat_map(|recorder| &recorder.logs);
    let starts = logs
        .flat_map(|log| &log.events)
        .map(|(_, event)| event.start);
    let binder = Binder {
        plan,
        objects,
        stamps,
        origin: starts.min().unwrap_or(0),
    };
    let windows = recorders.iter().map(|recorder| recorder.logs.len());
    let windows = windows.max().unwrap_or(0);
    // A mutator that was done before a window began did nothing in it.
    let of = |number: usize| recorders.iter().filter_map(move |it| it.logs.get(number));
    let first = binder.bind(of(0), 0);
    let later = (1..windows).map(|number| binder.bind(of(number), number as u64));
    let lost = recorders.len() < involved(plan);
    Recorded {
        limit,
        unit: stamps.unit(),
        until: first.until,
        broken: lost
            .then(|| "a mutator was lost, and with it the record of what it did".to_owned()),
        objects: first.objects,
        places: first.places,
        later: later.collect(),
    }
}

struct Binder<'a> {
    plan: &'a Plan,
    objects: &'a [ObjectId],
    stamps: Stamps,
    /// The time from which times are counted.
    origin: u64,
}

impl Binder<'_> {
    /// What all mutators recorded in one window.
    fn bind<'l>(&self, logs: impl Iterator<Item = &'l Transcript> + Clone, number: u64) -> Window {
        // An operation that returned by then cannot depend on one that was not recorded.
        let until = logs.clone().filter_map(|log| log.closed_at).min();
        let mut by_subject = BTreeMap::<Topic, Vec<Event>>::new();
        for &(subject, event) in logs.flat_map(|log| &log.events) {
            let known = match until {
                None => Some(event),
                Some(until) => event.known_at(until),
            };
            let events = by_subject.entry(subject).or_default();
            events.extend(known.map(|event| self.timed(event)));
        }
        // Stable, so that those of one mutator stay in its order.
        for events in by_subject.values_mut() {
            events.sort_by_key(|event| event.start);
        }
        let objects = self.plan.objects.iter().enumerate();
        let judged = objects.filter(|(_, object)| is_judged(object.shape));
        let objects = judged.map(|(object, shared)| History {
            object,
            name: shared.name.clone(),
            shape: shared.shape,
            events: by_subject
                .remove(&Topic::Object(object))
                .unwrap_or_default(),
        });
        let objects = objects.collect();
        // A place that nobody read has nothing to judge.
        by_subject.retain(|_, events| {
            let is_answered = |event: &Event| event.answer != CallAnswer::Unknown;
            events
                .iter()
                .any(|event| event.call == Call::Load && is_answered(event))
        });
        let places = by_subject
            .into_iter()
            .map(|(subject, events)| PlaceHistory {
                place: self.name(subject),
                before: self.before(subject, number),
                events,
            });
        Window {
            number,
            until: until.map(|until| self.stamps.scaled(self.origin, until)),
            objects,
            places: places.collect(),
        }
    }

    fn timed(&self, event: Event) -> Event {
        let scaled = |time| self.stamps.scaled(self.origin, time);
        Event {
            start: scaled(event.start),
            end: if event.answer == CallAnswer::Unknown {
                event.end
            } else {
                scaled(event.end)
            },
            ..event
        }
    }

    /// What is known of a place before a window.
    fn before(&self, subject: Topic, window: u64) -> Before {
        match subject {
            // Nobody ever takes a shared object out of its root.
            Topic::Root(root) if usize::from(root) < self.objects.len() => {
                match Element::named(self.objects[usize::from(root)]) {
                    Element::LOST => Before::Unknown,
                    element => Before::Held(element),
                }
            }
            _ if window > 0 => Before::Unknown,
            _ => Before::Empty,
        }
    }

    fn name(&self, subject: Topic) -> String {
        match subject {
            Topic::Object(object) => self.plan.objects[object].name.clone(),
            Topic::Root(root) => match self.plan.objects.get(usize::from(root)) {
                Some(object) => format!("the root of {}", object.name),
                None => format!("shared root {root}"),
            },
            Topic::Field(node, field) => {
                let maker = self.plan.mutators.get(node.producer as usize);
                let maker = maker.map_or("the setup", |mutator| &mutator.name);
                format!("field {field} of object {} of {maker}", node.sequence)
            }
        }
    }
}
