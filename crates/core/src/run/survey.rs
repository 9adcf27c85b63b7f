//! A survey in progress: each mutator walks from its own registers in turn, then the ledger and the
//! heap's census are compared with what the walks found.

use crate::clock::{Clock, Stamp};
use crate::evidence::history::Element;
use crate::evidence::ledger::Producer;
use crate::evidence::{
    Anomalies, CounterFacts, CounterTally, ListFacts, ListTally, Moment, Name, Picture, Place,
    ProducerFacts, Survey,
};
use crate::heap::tag::{Origin, Segment, Sightings};
use crate::heap::{Belief, Fault, Mutator, ObjectId, Shape, Slot};
use crate::plan::Plan;

use super::any::AnyHeap;
use super::attest::{Attestor, Lost};
use super::painter::Painter;
use super::walk::{self, Marks, Walk};

/// What one mutator brings to a survey besides its registers.
pub(super) struct Witness<'a> {
    pub(super) number: usize,
    pub(super) lists: &'a [ListTally],
    pub(super) counters: &'a [CounterTally],
    pub(super) ops: u64,
    /// The first slot that is free for the walk, and how many there are from there on.
    pub(super) scratch: u32,
    pub(super) depth_max: u32,
}

/// A survey in progress.
#[derive(Debug)]
pub(super) struct Surveyor<'p> {
    plan: &'p Plan,
    /// The shared objects' ids, by number in the plan.
    objects: Vec<ObjectId>,
    survey: Survey,
    started: Stamp,
    marks: Marks,
    lists: SharedLists,
    counters: Vec<CounterFacts>,
    /// Weak references whose upgrade failed although their targets live.
    lost: Vec<Lost>,
    segments: Vec<(usize, &'static Segment)>,
    recycled: u64,
    /// Present if a picture is wanted.
    sketch: Option<Sketch>,
    /// A fault planted in the survey itself.
    fault: Option<Fault>,
}

impl<'p> Surveyor<'p> {
    /// `objects` are the shared objects' ids, by number in the plan.
    pub(super) fn new(
        plan: &'p Plan,
        moment: Moment,
        objects: &[ObjectId],
        fault: Option<Fault>,
    ) -> Self {
        let numbered = |shape| {
            objects
                .iter()
                .copied()
                .enumerate()
                .filter(move |(_, id): &(_, ObjectId)| id.shape() == shape)
        };
        Self {
            plan,
            objects: objects.to_vec(),
            survey: Survey::new(moment, 0),
            started: Clock::get().now(),
            marks: Marks::default(),
            lists: SharedLists {
                lists: numbered(Shape::List)
                    .map(|(number, id)| {
                        let once = plan.objects[number].usage.once;
                        SharedList::new(number, id, once)
                    })
                    .collect(),
                contents_max: None,
            },
            counters: numbered(Shape::Counter)
                .map(|(object, _)| CounterFacts {
                    object,
                    value: 0,
                    additions: 0,
                    sum: 0,
                })
                .collect(),
            lost: Vec::new(),
            segments: Vec::new(),
            recycled: 0,
            sketch: None,
            fault,
        }
    }

    /// Keeps the contents of shared lists with at most `most` elements.
    pub(super) fn keep_contents(&mut self, most: u64) {
        self.lists.contents_max = Some(most);
    }

    /// A window of the history begins with it.
    pub(super) fn opens(&mut self, window: Option<u64>) {
        self.survey.opens = window;
    }

    /// Records how many objects are alive before the heap is settled.
    pub(super) fn count_unsettled(&mut self, alive: u64) {
        self.survey.unsettled = Some(alive);
    }

    /// Records how long the heap took to settle.
    pub(super) fn has_settled(&mut self, took_ns: u64) {
        self.survey.settling_ns = Some(took_ns);
    }

    /// Records that settling the heap failed.
    pub(super) fn settle_failed(&mut self, why: String) {
        self.survey.settle_defect = Some(why);
    }

    /// Records that not everything can be looked at.
    pub(super) fn give_up(&mut self, why: &str) {
        self.survey.incomplete = Some(why.to_owned());
    }

    /// Adds operations that were done until now.
    pub(super) fn count_ops(&mut self, ops: u64) {
        self.survey.ops += ops;
    }

    /// The walk from the registers of one mutator, on its own thread.
    pub(super) fn visit(&mut self, mutator: &mut dyn Mutator, witness: &Witness<'_>) {
        self.survey.ops += witness.ops;
        let plan = &self.plan.mutators[witness.number];
        for (slot, object) in &plan.held {
            self.lists.tally(
                *object,
                &witness.lists[slot.0 as usize],
                self.plan,
                witness.number,
            );
            let tally = &witness.counters[slot.0 as usize];
            if let Some(facts) = self
                .counters
                .iter_mut()
                .find(|facts| facts.object == *object)
            {
                facts.additions += tally.additions;
                facts.sum = facts.sum.wrapping_add(tally.sum);
                facts.value = mutator.read(*slot);
            }
        }
        let mut walk = self.walk(mutator, witness);
        for register in 0..plan.registers {
            walk.visit_root(Slot(register), &|| {
                format!("register {register} of {}", plan.name)
            });
        }
        let number = u32::try_from(witness.number).unwrap_or(u32::MAX);
        for register in 0..plan.registers {
            let place = Place::Register(number, register);
            self.paint(mutator, witness, Slot(register), place);
        }
    }

    /// The walk from the shared roots, by any one mutator.
    pub(super) fn visit_globals(&mut self, mutator: &mut dyn Mutator, witness: &Witness<'_>) {
        // One register holds the root itself; the stack of the walk begins above it.
        let root = Slot(witness.scratch);
        let above = Witness {
            scratch: witness.scratch + 1,
            depth_max: witness.depth_max - 1,
            ..*witness
        };
        let passed_over = u16::from(self.fault == Some(Fault::WalkSkipsRoot));
        for global in 0..self.plan.globals.saturating_sub(passed_over) {
            if mutator.fetch(root, crate::heap::Global(global)) {
                let mut walk = self.walk(mutator, &above);
                walk.visit_root(root, &|| format!("shared root {global}"));
                self.paint(mutator, &above, root, Place::Root(global));
            }
            mutator.clear(root);
        }
        self.miss_shared_objects();
    }

    /// Reports shared objects that were not found in their roots: no program takes them out.
    fn miss_shared_objects(&mut self) {
        for (object, &id) in self.plan.objects.iter().zip(&self.objects) {
            if self.marks.references(id).is_none() {
                self.survey
                    .premature
                    .add(|| format!("{} is gone from its shared root", object.name));
            }
        }
    }

    /// Tries one mutator's weak references.
    pub(super) fn probe(
        &mut self,
        mutator: &mut dyn Mutator,
        witness: &Witness<'_>,
        attestor: &Attestor,
    ) {
        let spare = Slot(witness.scratch);
        let (tried, lost) = attestor.probe(mutator, spare, &mut self.survey.miscleared);
        self.survey.weak_tried += tried;
        self.lost.extend(lost);
    }

    /// Also draws a picture.
    pub(super) fn begin_picture(&mut self) {
        self.sketch = Some(Sketch {
            painter: Painter::default(),
            marks: Marks::default(),
            survey: Survey::new(self.survey.moment, 0),
        });
    }

    /// Draws what one of the mutator's registers leads to; the picture calls the register `place`.
    pub(super) fn paint(
        &mut self,
        mutator: &mut dyn Mutator,
        witness: &Witness<'_>,
        register: Slot,
        place: Place,
    ) {
        let Some(sketch) = &mut self.sketch else {
            return;
        };
        let mut walk = Walk {
            mutator,
            marks: &mut sketch.marks,
            survey: &mut sketch.survey,
            witness: &mut sketch.painter,
            scratch: witness.scratch,
            depth_max: witness.depth_max,
            len_max: len_max(self.plan),
            fault: self.fault,
        };
        let seen = walk.visit_root(register, &|| place.to_string());
        let name = seen.and_then(Name::of);
        let places = &mut sketch.painter.picture.places;
        places.extend(name.map(|name| (place, name)));
    }

    /// The picture, if one was wanted and all of it could be drawn.
    pub(super) fn take_picture(&mut self) -> Option<Picture> {
        let sketch = self.sketch.take()?;
        let is_whole = sketch.survey.incomplete.is_none();
        is_whole.then_some(sketch.painter.picture)
    }

    fn walk<'a>(
        &'a mut self,
        mutator: &'a mut dyn Mutator,
        witness: &Witness<'_>,
    ) -> Walk<'a, SharedLists> {
        Walk {
            mutator,
            marks: &mut self.marks,
            survey: &mut self.survey,
            witness: &mut self.lists,
            scratch: witness.scratch,
            depth_max: witness.depth_max,
            len_max: len_max(self.plan),
            fault: self.fault,
        }
    }

    /// Adds the births of one mutator, which may have left.
    pub(super) fn count_births(&mut self, number: u32, producer: &mut Producer) {
        self.survey.born += producer.born();
        self.recycled += producer.recycled();
        self.segments.extend(producer.segments());
        self.lists.born(number, producer.born());
        let notes = producer.notes().clone();
        let survey = &mut self.survey;
        survey.finalized += notes.finalized;
        for (sightings, finding, what) in [
            (notes.double_deaths, &mut survey.double_deaths, "died again"),
            (
                notes.stray_finalizations,
                &mut survey.stray_finalizations,
                "was finalized again, or after its death, or has no finalizer",
            ),
            (
                notes.unfinalized_deaths,
                &mut survey.unfinalized_deaths,
                "died although its finalizer had not run",
            ),
        ] {
            let Sightings { count, first } = sightings;
            let names = first.into_iter().map(|id| name(self.plan, id));
            finding.count += count;
            finding
                .first
                .extend(names.map(|name| format!("{name} {what}")));
        }
    }

    /// Compares the ledger and the census with the walks.
    pub(super) fn conclude(mut self, heap: &dyn AnyHeap) -> Survey {
        self.survey.dead = self.recycled;
        for (number, segment) in std::mem::take(&mut self.segments) {
            if self.fault != Some(Fault::DeathsForgotten) {
                self.survey.dead += segment.dead() as u64;
            }
            if self.survey.incomplete.is_some() {
                continue;
            }
            for entry in segment
                .alive()
                .filter(|&entry| !self.marks.reached(number, entry))
            {
                let plan = self.plan;
                self.survey.unreachable.add(|| {
                    format!(
                        "{} is unreachable, and kept",
                        origin_name(plan, segment.origin(entry))
                    )
                });
            }
        }
        for Lost(target) in std::mem::take(&mut self.lost) {
            if self.marks.reached(target.segment(), target.entry()) {
                let plan = self.plan;
                self.survey.miscleared.add(|| {
                    let target = name(plan, target);
                    format!("a weak reference to {target} was cleared, but it is reachable")
                });
            }
        }
        self.survey.census = heap.census(&mut |belief| self.compare(belief));
        self.survey.lists = self
            .lists
            .lists
            .into_iter()
            .map(|list| list.facts)
            .collect();
        self.survey.counters = self.counters;
        self.survey.elapsed_ns = Clock::get().nanos(self.started, Clock::get().now());
        self.survey
    }

    fn compare(&mut self, belief: Belief) {
        if self.survey.incomplete.is_some() {
            return;
        }
        // Objects that were not reached are not judged here: references to them from other garbage
        // were not counted.
        let Some(found) = self.marks.references(belief.id) else {
            return;
        };
        self.survey.counts_compared += 1;
        let (plan, Belief { id, count }) = (self.plan, belief);
        let describe = || {
            format!(
                "{} has count {count}; references to it: {found}",
                name(plan, id)
            )
        };
        if found != count {
            self.survey.miscounted.add(describe);
        }
        if found > count {
            self.survey.undercounted.add(describe);
        }
    }
}

/// The length above which a list is not believed. Elements may repeat an object, so a list can have
/// more elements than the heap has objects; no shipped workload comes near 64 times as many.
fn len_max(plan: &Plan) -> u64 {
    u64::from(plan.live_limit) * 64 + 1024
}

/// A picture in progress. It is drawn by a walk of its own, whose findings are not judged.
#[derive(Debug)]
struct Sketch {
    painter: Painter,
    marks: Marks,
    survey: Survey,
}

fn name(plan: &Plan, id: ObjectId) -> String {
    match id.origin() {
        Some(origin) => origin_name(plan, origin),
        None => "an object that is no longer recorded".to_owned(),
    }
}

fn origin_name(plan: &Plan, Origin { producer, sequence }: Origin) -> String {
    let maker = plan
        .mutators
        .get(producer as usize)
        .map_or("the setup", |mutator| &mutator.name);
    format!("object {sequence} of {maker}")
}

/// What the walk found in the shared lists.
#[derive(Debug)]
struct SharedLists {
    lists: Vec<SharedList>,
    /// Contents are kept of lists up to this length.
    contents_max: Option<u64>,
}

#[derive(Debug)]
struct SharedList {
    id: ObjectId,
    /// Nothing gets into it more than once.
    once: bool,
    facts: ListFacts,
}

impl SharedList {
    fn new(object: usize, id: ObjectId, once: bool) -> Self {
        let facts = ListFacts {
            object,
            len: 0,
            elements: 0,
            missing: 0,
            appended: 0,
            refused: 0,
            popped: 0,
            popped_again: Anomalies::default(),
            truncation_asked: 0,
            left_behind: Anomalies::default(),
            model_len: None,
            producers: Vec::new(),
            contents: None,
        };
        Self { id, once, facts }
    }

    fn element(&mut self, element: ObjectId) {
        self.facts.elements += 1;
        if self.once && element.was_popped() {
            let left_behind = &mut self.facts.left_behind;
            left_behind.add(|| {
                let name = Name::in_words(element);
                format!("{name} was popped, and is in the list")
            });
        }
        if let Some(origin) = element.origin() {
            self.stands(origin);
        }
    }

    /// Whose element comes next.
    fn stands(&mut self, origin: Origin) {
        let producers = &mut self.facts.producers;
        let Some(facts) = producers
            .iter_mut()
            .find(|facts| facts.producer == origin.producer)
        else {
            producers.push(ProducerFacts {
                producer: origin.producer,
                found: 1,
                last: origin.sequence,
                inversions: Anomalies::default(),
                gaps: Anomalies::default(),
                born: 0,
            });
            return;
        };
        facts.found += 1;
        let (last, next) = (facts.last, origin.sequence);
        if next <= last {
            facts
                .inversions
                .add(|| format!("object {next} stands behind object {last}"));
        } else if next > last + 1 {
            facts
                .gaps
                .add(|| format!("no object between object {last} and object {next}"));
        }
        facts.last = next;
    }
}

impl SharedLists {
    fn tally(&mut self, object: usize, tally: &ListTally, plan: &Plan, mutator: usize) {
        let Some(list) = self
            .lists
            .iter_mut()
            .find(|list| list.facts.object == object)
        else {
            return;
        };
        let facts = &mut list.facts;
        facts.appended += tally.appended;
        facts.refused += tally.refused;
        facts.popped += tally.popped;
        facts.popped_again.extend(&tally.popped_again);
        facts.truncation_asked = facts
            .truncation_asked
            .saturating_add(tally.truncation_asked);
        let writers = &plan.objects[object].usage.writers;
        if writers.iter().map(|&writer| writer as usize).eq([mutator]) {
            facts.model_len = Some(tally.model_len());
        }
    }

    fn born(&mut self, producer: u32, born: u64) {
        let all = self
            .lists
            .iter_mut()
            .flat_map(|list| &mut list.facts.producers);
        for facts in all.filter(|facts| facts.producer == producer) {
            facts.born = born;
        }
    }
}

impl walk::Witness for SharedLists {
    fn list(&mut self, list: ObjectId, len: u64) {
        let is_kept = self.contents_max.is_some_and(|most| len <= most);
        if let Some(shared) = self.lists.iter_mut().find(|shared| shared.id == list) {
            shared.facts.len = len;
            shared.facts.contents = is_kept.then(Vec::new);
        }
    }

    #[inline]
    fn element(&mut self, list: ObjectId, element: Option<ObjectId>) {
        let Some(shared) = self.lists.iter_mut().find(|shared| shared.id == list) else {
            return;
        };
        if let Some(contents) = &mut shared.facts.contents {
            contents.push(element.map(Element::named));
        }
        match element {
            None => shared.facts.missing += 1,
            Some(element) => shared.element(element),
        }
    }
}
