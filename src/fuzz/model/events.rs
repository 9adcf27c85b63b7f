//! Deaths and finalizers: they happen when the heap decides, and the model checks that they were
//! allowed.

use super::Wrong;
use super::state::{Model, Register};
use crate::evidence::{Happening, Name, ObjectEvent, Seen};
use crate::heap::Finalizer;
use crate::plan::Op;

/// Takes the events up to and with those after so many turns off the front.
pub(super) fn until<'e>(events: &mut &'e [ObjectEvent], after: u32) -> &'e [ObjectEvent] {
    let len = events
        .iter()
        .take_while(|event| event.after <= after)
        .count();
    let (taken, rest) = events.split_at(len);
    *events = rest;
    taken
}

impl Model<'_> {
    /// Notes what happens in a turn before its operation is done: a heap may collect garbage as
    /// soon as it is called, so a fetch may find an object that was resurrected just then, and a
    /// publish may replace one.
    pub(super) fn foresee(&mut self, events: &[ObjectEvent]) {
        let finalized = events.iter().filter_map(|event| match event.what {
            Happening::Finalized(name) => self.named(name),
            Happening::Died(_) | Happening::Root(..) => None,
        });
        self.running = finalized.collect();
        (self.published, self.fetched) = (None, None);
    }

    /// Goes along with what happened after an operation.
    pub(super) fn follow(&mut self, events: &[ObjectEvent]) -> Result<(), Wrong> {
        if events.is_empty() {
            return Ok(());
        }
        let select = |of: fn(&Happening) -> Option<Name>| {
            let names = events.iter().filter_map(move |event| of(&event.what));
            names
                .filter_map(|name| self.named(name))
                .collect::<Vec<_>>()
        };
        let ran = select(|what| match what {
            Happening::Finalized(name) => Some(*name),
            Happening::Died(_) | Happening::Root(..) => None,
        });
        let died = select(|what| match what {
            Happening::Died(name) => Some(*name),
            Happening::Finalized(_) | Happening::Root(..) => None,
        });
        if !ran.is_empty() {
            self.follow_finalizers(&ran, events)?;
        }
        let reached = self.reached(&self.roots);
        for object in died {
            if reached[object] {
                let name = self.objects[object].name;
                return Err(Wrong::new(
                    "premature",
                    format!("{name} died, but it is reachable"),
                ));
            }
            self.objects[object].dead = true;
        }
        Ok(())
    }

    /// Takes over whose finalizers ran and what they put into the roots.
    fn follow_finalizers(&mut self, ran: &[usize], events: &[ObjectEvent]) -> Result<(), Wrong> {
        let roots = self.roots_seen(events)?;
        let mut unchanged = roots.clone();
        for (root, now) in roots.iter().enumerate() {
            let is_risen = now.is_some_and(|object| ran.contains(&object));
            if is_risen {
                unchanged[root] = None;
            } else if *now != self.roots[root] {
                let text = format!("shared root {root} was changed by no operation or finalizer");
                return Err(Wrong::new("conservation", text));
            }
            if let Some(object) = now.filter(|_| is_risen)
                && self.wants(object) != Some(root)
            {
                let name = self.objects[object].name;
                let text = format!("{name} rose in shared root {root}, where it does not want to");
                return Err(Wrong::new("finalizers", text));
            }
        }
        // What is still held by what was there before was never garbage.
        let needed = match self.fetched {
            None => self.reached(&unchanged),
            Some((mutator, slot)) => {
                let risen = self.register(mutator, slot);
                self.put(mutator, slot, Register::Empty);
                let needed = self.reached(&unchanged);
                self.put(mutator, slot, risen);
                needed
            }
        };
        for &object in ran {
            let name = self.objects[object].name;
            if needed[object] {
                let text = format!("{name} was finalized, but it is reachable");
                return Err(Wrong::new("premature", text));
            }
            let wanted = self.wants(object);
            let is_there = |root: usize| {
                self.published == Some(root) || roots[root].is_some_and(|now| ran.contains(&now))
            };
            if wanted.is_some_and(|root| !is_there(root)) {
                let text = format!("{name} was finalized, and not resurrected");
                return Err(Wrong::new("finalizers", text));
            }
        }
        for &object in ran {
            self.objects[object].finalized = true;
        }
        self.roots = roots;
        Ok(())
    }

    /// Whether something is still alive, after the turn that did `op`, that should have died at
    /// once.
    pub(super) fn late(&self, op: Op) -> Result<(), Wrong> {
        let counts = self.counts();
        // A finalizer may have dropped the last reference to a cycle after the collector had passed
        // it.
        let is_swept = op == Op::Collect && self.running.is_empty();
        let reached = self.reached(&self.roots);
        let mut objects = self.objects.iter().zip(counts).zip(reached);
        let late = objects.find(|((object, count), reached)| {
            !object.dead && (*count == 0 || is_swept && !reached)
        });
        match late {
            None => Ok(()),
            Some(((object, _), _)) => {
                let text = format!("{} should have died at once, and is kept", object.name);
                Err(Wrong::new("completeness", text))
            }
        }
    }

    /// The root that an object wants to be resurrected in.
    pub(super) fn wants(&self, object: usize) -> Option<usize> {
        match self.objects[object].finalizer {
            Some(Finalizer::Resurrect(global)) => Some(Self::root(global)),
            Some(Finalizer::Witness) | None => None,
        }
    }

    /// What the roots were found to lead to.
    fn roots_seen(&self, events: &[ObjectEvent]) -> Result<Vec<Option<usize>>, Wrong> {
        let mut roots = self.roots.clone();
        for event in events {
            let Happening::Root(root, seen) = event.what else {
                continue;
            };
            roots[usize::from(root)] = match seen {
                Seen::Object(name) => self.named(name),
                Seen::Empty | Seen::Unseen => None,
                Seen::Stale | Seen::Stranger => {
                    let text = format!("shared root {root} leads to a freed cell");
                    return Err(Wrong::new("dangling", text));
                }
            };
        }
        Ok(roots)
    }
}
