//! The walk: everything reachable from a register, through the mutator interface alone.
//!
//! An object is identified by the tag that the harness gave it, and visited objects are marked in a
//! table of the harness, so the walk does not depend on the heap's own bookkeeping.
//!
//! The walk is depth first. Its stack is a run of registers above those of the program: entry *i*
//! of the stack lives in slot `scratch + i`. Where an object has one child left to visit, the child
//! takes its parent's place, so a chain of any length needs two registers and a list needs one.

use crate::evidence::{Anomalies, Survey};
use crate::heap::{Fault, Field, Mutator, ObjectId, Peek, Shape, Slot};

/// The maximum number of registers that a walk may need; deeper graphs are reported as not walked.
/// A random graph of two edges a node is about 0.6 times as deep as it is large, so this covers 1.7
/// million nodes.
pub(super) const SCRATCH_MAX: u32 = 1 << 20;
/// Registers that a walk needs beyond the depth of the graph.
pub(super) const SCRATCH_MIN: u32 = 8;

const VISITED: u32 = 1 << 31;

/// Which objects were visited, and how many references to each were found: one word for each entry
/// of a segment, up to the last one that was met.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<Vec<u32>>);

impl Marks {
    #[inline]
    fn entry(&mut self, id: ObjectId) -> &mut u32 {
        if id.segment() >= self.0.len() || id.entry() >= self.0[id.segment()].len() {
            self.make_room(id);
        }
        &mut self.0[id.segment()][id.entry()]
    }

    #[cold]
    fn make_room(&mut self, id: ObjectId) {
        if id.segment() >= self.0.len() {
            self.0.resize(id.segment() + 1, Vec::new());
        }
        let room = (id.entry() + 1).next_power_of_two().max(64);
        self.0[id.segment()].resize(room, 0);
    }

    fn mark(&self, segment: usize, entry: usize) -> u32 {
        let marks = self.0.get(segment).and_then(|marks| marks.get(entry));
        marks.copied().unwrap_or(0)
    }

    /// How many references to it were found; `None` if it was not reached.
    pub(super) fn references(&self, id: ObjectId) -> Option<u64> {
        let mark = self.mark(id.segment(), id.entry());
        (mark & VISITED != 0).then_some(u64::from(mark & !VISITED))
    }

    /// Whether the walk reached this entry.
    pub(super) fn reached(&self, segment: usize, entry: usize) -> bool {
        self.mark(segment, entry) & VISITED != 0
    }
}

/// Told about each object as the walk meets it.
pub(super) trait Witness {
    /// Whether the values of counters are to be read.
    const READS_COUNTERS: bool = false;
    /// The walk met an object for the first time.
    fn object(&mut self, object: ObjectId) {
        let _ = object;
    }
    /// The walk followed a field of a node.
    fn field(&mut self, node: ObjectId, field: Field, found: Option<ObjectId>) {
        let _ = (node, field, found);
    }
    /// The walk begins with a list.
    fn list(&mut self, list: ObjectId, len: u64) {
        let _ = (list, len);
    }
    /// The walk met an element, in order, or found nothing at an index below the length.
    fn element(&mut self, list: ObjectId, element: Option<ObjectId>) {
        let _ = (list, element);
    }
    /// A counter's value, if such are read.
    fn counter(&mut self, counter: ObjectId, value: i64) {
        let _ = (counter, value);
    }
}

/// One walk in progress.
pub(super) struct Walk<'a, W> {
    pub(super) mutator: &'a mut dyn Mutator,
    pub(super) marks: &'a mut Marks,
    pub(super) survey: &'a mut Survey,
    pub(super) witness: &'a mut W,
    /// The first register of the stack, and how many there are.
    pub(super) scratch: u32,
    pub(super) depth_max: u32,
    /// A list that claims more elements than this is reported as impossible.
    pub(super) len_max: u64,
    /// A fault planted in the walk.
    pub(super) fault: Option<Fault>,
}

enum Entry {
    Node(ObjectId),
    List { id: ObjectId, next: u64, len: u64 },
}

impl<W: Witness> Walk<'_, W> {
    /// Walks from the object in register `root`, and returns that object. `describe` names the root
    /// in findings.
    pub(super) fn visit_root(
        &mut self,
        root: Slot,
        describe: &dyn Fn() -> String,
    ) -> Option<ObjectId> {
        let seen = self.peek(root, describe);
        if let Some(id) = seen.filter(|&id| self.arrive(root, id)) {
            self.visit(root, id);
        }
        seen
    }

    /// Walks from an object that was met for the first time, in `root`.
    fn visit(&mut self, root: Slot, id: ObjectId) {
        self.mutator.copy(self.slot(0), root);
        let mut stack = vec![self.entry(id, 0)];
        while let Some(top) = stack.len().checked_sub(1) {
            if top as u64 + 3 > u64::from(self.depth_max) {
                self.survey.incomplete = Some(format!(
                    "the graph is deeper than {} objects",
                    self.depth_max
                ));
                break;
            }
            match &mut stack[top] {
                Entry::Node(id) => {
                    let id = *id;
                    self.node(&mut stack, top, id);
                }
                Entry::List { .. } => self.list(&mut stack, top),
            }
        }
        // The register above the top may be in use, too. If the walk was broken off, it is the last
        // one of the walk.
        for depth in 0..=stack.len() {
            self.mutator.clear(self.slot(depth));
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded by depth_max, a u32"
    )]
    fn slot(&self, depth: usize) -> Slot {
        Slot(self.scratch + depth as u32)
    }

    fn entry(&mut self, id: ObjectId, depth: usize) -> Entry {
        if id.shape() != Shape::List {
            return Entry::Node(id);
        }
        let claimed = self.mutator.len(self.slot(depth));
        self.witness.list(id, claimed);
        let len = claimed.min(self.len_max);
        if len < claimed {
            self.survey.incomplete = Some(format!(
                "a list claims {claimed} elements, more than the heap can hold"
            ));
        }
        Entry::List { id, next: 0, len }
    }

    /// Visits the children of the node on top; at most one more entry remains than before.
    fn node(&mut self, stack: &mut Vec<Entry>, top: usize, node: ObjectId) {
        let (parent, above) = (self.slot(top), self.slot(top + 1));
        self.mutator.load(above, parent, Field(0));
        let first = self.follow(node, Field(0), above);
        // The last child takes the parent's place.
        self.mutator.load(parent, parent, Field(1));
        let second = match self.fault {
            Some(Fault::WalkSkipsEdge) => None,
            _ => self.follow(node, Field(1), parent),
        };
        stack.pop();
        match (first, second) {
            (Some(first), Some(second)) => {
                let second = self.entry(second, top);
                stack.push(second);
                let first = self.entry(first, top + 1);
                stack.push(first);
            }
            (Some(first), None) => {
                self.mutator.copy(parent, above);
                self.mutator.clear(above);
                let first = self.entry(first, top);
                stack.push(first);
            }
            (None, second) => {
                self.mutator.clear(above);
                if let Some(second) = second {
                    let second = self.entry(second, top);
                    stack.push(second);
                } else {
                    self.mutator.clear(parent);
                }
            }
        }
    }

    /// Visits elements of the list on top until one has children of its own, or all are done.
    fn list(&mut self, stack: &mut Vec<Entry>, top: usize) {
        let Entry::List { id, next, len } = &mut stack[top] else {
            return;
        };
        let (list, element) = (self.slot(top), self.slot(top + 1));
        while *next < *len {
            let index = *next;
            *next += 1;
            if !self.mutator.get(element, list, index) {
                self.witness.element(*id, None);
                continue;
            }
            let place = || format!("element {index} of a list");
            let seen = self.peek(element, &place);
            self.witness.element(*id, seen);
            if let Some(child) = seen.filter(|&seen| self.arrive(element, seen)) {
                let child = self.entry(child, top + 1);
                stack.push(child);
                return;
            }
        }
        self.mutator.clear(element);
        self.mutator.clear(list);
        stack.pop();
    }

    /// Looks at what was loaded from a field. Returns its id if it has children that were not
    /// visited yet.
    fn follow(&mut self, node: ObjectId, field: Field, slot: Slot) -> Option<ObjectId> {
        let seen = self.peek(slot, &|| format!("field {} of a node", field.0));
        self.witness.field(node, field, seen);
        seen.filter(|&id| self.arrive(slot, id))
    }

    /// Counts the reference, and returns the id of the living object that it leads to.
    #[inline]
    fn peek(&mut self, slot: Slot, describe: &dyn Fn() -> String) -> Option<ObjectId> {
        match self.mutator.peek(slot) {
            Peek::Empty => None,
            Peek::Stale => {
                self.survey.references += 1;
                note(&mut self.survey.dangling, describe, "leads to a freed cell");
                None
            }
            Peek::Object(id) => {
                self.survey.references += 1;
                if id.state().is_alive() {
                    *self.marks.entry(id) += 1;
                    return Some(id);
                }
                let finding = &mut self.survey.premature;
                note(
                    finding,
                    describe,
                    "is still referred to, but its tag was dropped",
                );
                None
            }
        }
    }

    /// Marks the object in a register as visited. Returns whether it is new and may have children.
    #[inline]
    fn arrive(&mut self, slot: Slot, id: ObjectId) -> bool {
        let mark = self.marks.entry(id);
        if *mark & VISITED != 0 {
            return false;
        }
        *mark |= VISITED;
        self.survey.reachable += 1;
        self.witness.object(id);
        if W::READS_COUNTERS && id.shape() == Shape::Counter {
            self.witness.counter(id, self.mutator.read(slot));
        }
        matches!(id.shape(), Shape::Node | Shape::List)
    }
}

#[cold]
fn note(finding: &mut Anomalies, describe: &dyn Fn() -> String, what: &str) {
    finding.add(|| format!("{} {what}", describe()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Moment;
    use crate::evidence::ledger::Producer;
    use crate::heap::counted::open_gil;
    use crate::heap::{Heap, HeapConfig, Seat};

    struct Unheard;

    impl Witness for Unheard {}

    /// Goal: a walk that runs out of registers says so, uses none beyond its own, and leaves those
    /// empty.
    #[test]
    fn a_graph_too_deep_is_incomplete() {
        const DEPTH_MAX: u32 = 8;
        let heap = open_gil(&HeapConfig::with_capacity(1000));
        let (root, spine, leaf, scratch) = (Slot(0), Slot(1), Slot(2), 3);
        let seat = Seat {
            number: 0,
            slots: scratch + DEPTH_MAX,
        };
        let mut mutator = heap.attach(seat).expect("there is room");
        let mut producer = Producer::new(0);
        let mut alloc = |mutator: &mut _, dst| {
            let tag = producer.birth(Shape::Node).expect("a segment is free");
            Mutator::alloc(mutator, dst, Shape::Node, tag).expect("there is room");
        };
        // A comb: at each node of the spine the walk has to remember another child.
        alloc(&mut mutator, root);
        for _ in 0..2 * DEPTH_MAX {
            alloc(&mut mutator, spine);
            alloc(&mut mutator, leaf);
            mutator.store(spine, Field(0), Some(root));
            mutator.store(spine, Field(1), Some(leaf));
            mutator.copy(root, spine);
            mutator.clear(spine);
        }
        let mut survey = Survey::new(Moment::End, 0);
        Walk {
            mutator: &mut mutator,
            marks: &mut Marks::default(),
            survey: &mut survey,
            witness: &mut Unheard,
            scratch,
            depth_max: DEPTH_MAX,
            len_max: 10,
            fault: None,
        }
        .visit_root(root, &|| "the root".to_owned());
        assert!(survey.incomplete.is_some(), "{survey:?}");
        for slot in scratch..scratch + DEPTH_MAX {
            assert_eq!(mutator.peek(Slot(slot)), Peek::Empty, "slot {slot}");
        }
    }
}
