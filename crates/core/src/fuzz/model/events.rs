//! Deaths and finalizers: the heap decides when they happen, and the model checks that they were
//! allowed then.

use super::Wrong;
use super::state::{Model, Register};
use crate::evidence::{Happening, Name, ObjectEvent, Seen};
use crate::heap::Finalizer;
use crate::plan::Op;

/// Splits off the events that happened within the first `after` turns.
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
    /// Notes before a turn's operation whose finalizers run in that turn. A heap may collect
    /// garbage as soon as it is called, so a fetch may find an object that was resurrected in the
    /// same turn, and a publish may replace one.
    pub(super) fn foresee(&mut self, events: &[ObjectEvent]) {
        let finalized = events.iter().filter_map(|event| match event.what {
            Happening::Finalized(name) => self.named(name),
            Happening::Died(_) | Happening::Root(..) => None,
        });
        self.running = finalized.collect();
        (self.published, self.fetched) = (None, None);
    }

    /// Checks and takes over what happened in a turn, after its operation.
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

    /// Checks and takes over whose finalizers ran and what they put into the roots.
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
                let text = format!(
                    "{name} was resurrected in shared root {root}, not in the one that its finalizer \
                     names"
                );
                return Err(Wrong::new("finalizers", text));
            }
        }
        // What the registers and the unchanged roots reach was not garbage when the finalizers ran.
        // A register that fetched a resurrected object in this turn, or upgraded a weak reference to
        // it, was filled only afterwards.
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
                let text = format!("{name} was finalized but not resurrected");
                return Err(Wrong::new("finalizers", text));
            }
        }
        for &object in ran {
            self.objects[object].finalized = true;
        }
        self.roots = roots;
        Ok(())
    }

    /// Fails if an object is still alive after the turn that did `op` though it should have died at
    /// once.
    pub(super) fn late(&self, op: Op) -> Result<(), Wrong> {
        let counts = self.counts();
        // A finalizer that ran in this turn may have dropped the last reference to a cycle that the
        // collector had already examined.
        let is_swept = op == Op::Collect && self.running.is_empty();
        let reached = self.reached(&self.roots);
        let mut objects = self.objects.iter().zip(counts).zip(reached);
        let late = objects.find(|((object, count), reached)| {
            !object.dead && (*count == 0 || is_swept && !reached)
        });
        match late {
            None => Ok(()),
            Some(((object, _), _)) => {
                let text = format!(
                    "{} should have died at once, but is still alive",
                    object.name
                );
                Err(Wrong::new("completeness", text))
            }
        }
    }

    /// The root in which an object's finalizer publishes it.
    pub(super) fn wants(&self, object: usize) -> Option<usize> {
        match self.objects[object].finalizer {
            Some(Finalizer::Resurrect(global)) => Some(Self::root(global)),
            Some(Finalizer::Witness) | None => None,
        }
    }

    /// The roots as they were observed after the events.
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
