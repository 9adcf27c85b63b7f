//! Steps 1 to 3 of a round: a snapshot of what the candidates reach, and who in it is suspected.
//!
//! Everything runs under one pin. A cell whose count was above 0 under this pin is not reused before
//! the pin ends, nor is a list's storage freed, so references that were read once stay good. What
//! has died meanwhile shows in its word.

#![expect(
    unsafe_code,
    reason = "a list's storage hangs off its cell by raw pointer"
)]

use crate::heap::Shape;
use crate::heap::fault::{Fault, Faults};
use crate::heap::lock_free::cell::{self, Cell, Ref};
use crate::heap::lock_free::core::Core;
use crate::heap::lock_free::list::{self, Walk};
use crate::heap::lock_free::word;
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::Ordering::SeqCst;

/// Whether a snapshot holds all that the candidates reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It does.
    All,
    /// The budget cut it short.
    Cut,
}

/// What is known of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing but other suspects seems to refer to it.
    Suspect,
    /// Somebody outside refers to it, or may.
    Live,
    /// It was suspected, but something it can be reached from changed.
    Rescued,
    /// It is garbage.
    Garbage,
    /// It was garbage, but a finalizer published it or something that leads to it.
    Resurrected,
}

/// An object of the snapshot.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) reference: Ref,
    /// Its word when it was first met.
    pub(super) word: u64,
    /// Edges from other members.
    internal: u64,
    /// Where its edges end; they begin where the previous member's end.
    edges_end: usize,
    pub(super) fate: Fate,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Graph {
    /// For each cell, the number of its member plus one; 0 for all others.
    marks: Vec<u32>,
    pub(super) members: Vec<Member>,
    /// The members that edges lead to, the edges of one member side by side.
    edges: Vec<u32>,
}

impl Graph {
    pub(super) fn new(cells: u32) -> Self {
        Self {
            // Zeroed by the allocator, so cells that no round looks at cost nothing.
            marks: vec![0; cells as usize],
            members: Vec::new(),
            edges: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn has_suspects(&self) -> bool {
        self.members
            .iter()
            .any(|member| member.fate == Fate::Suspect)
    }

    /// Steps 1 to 3.
    pub(super) fn snapshot(
        &mut self,
        worker: &Worker<'_, impl Faults>,
        candidates: &[Ref],
        budget: usize,
    ) -> Reach {
        let mut early = Vec::new();
        let reach = self.close(worker, candidates, budget, &mut early);
        if worker.core.has(Fault::CountWhileReading) {
            self.count_early(&early);
        } else {
            self.count(worker.core, budget);
        }
        self.split(worker.core);
        reach
    }

    /// Step 1: records the word of each object that the candidates reach, when it is first met. One
    /// candidate's reach after the other's, and not all candidates first: what was made together is
    /// looked at, freed and used again together, while it is still in the processor's cache. All
    /// candidates become members even if the budget ends before: they must not get lost.
    fn close(
        &mut self,
        worker: &Worker<'_, impl Faults>,
        candidates: &[Ref],
        mut budget: usize,
        early: &mut Vec<(usize, Ref)>,
    ) -> Reach {
        let mut next = 0;
        for &candidate in candidates {
            self.admit(worker, candidate);
            while budget > 0
                && let Some(member) = self.members.get(next)
            {
                let reference = member.reference;
                let cell = worker.core.slab.cell(reference.index());
                each_child(cell, reference, &mut budget, |child| {
                    if worker.core.has(Fault::CountWhileReading) {
                        early.push((next, child));
                    }
                    self.admit(worker, child);
                });
                next += 1;
            }
        }
        if budget == 0 { Reach::Cut } else { Reach::All }
    }

    fn admit(&mut self, worker: &Worker<'_, impl Faults>, reference: Ref) {
        let mark = &mut self.marks[reference.index() as usize];
        if *mark != 0 {
            return;
        }
        let cell = worker.core.slab.cell(reference.index());
        // SeqCst: after BUFFERED was cleared, before any edge is counted.
        let word = cell.word.load(SeqCst);
        if worker.core.has(Fault::ClearOneByOne) {
            cell.meta.fetch_and(!cell::BUFFERED, SeqCst);
        }
        let is_dead = word::count(word) == 0 && !worker.core.has(Fault::AdmitDead);
        if is_dead || !reference.fits(cell.meta.load(SeqCst)) {
            return;
        }
        self.members.push(Member {
            reference,
            word,
            internal: 0,
            edges_end: 0,
            fate: Fate::Suspect,
        });
        *mark = u32::try_from(self.members.len()).expect("fewer members than cells");
    }

    /// Step 2 once more, with the slots of now.
    pub(super) fn recount(&mut self, core: &Core<impl Faults>) {
        self.edges.clear();
        self.count(core, usize::MAX);
    }

    /// Step 2: records the edges between members. All words were read before.
    fn count(&mut self, core: &Core<impl Faults>, mut budget: usize) {
        for number in 0..self.members.len() {
            let reference = self.members[number].reference;
            let cell = core.slab.cell(reference.index());
            let (marks, members, edges) = (&self.marks, &mut self.members, &mut self.edges);
            let begin = edges.len();
            each_child(cell, reference, &mut budget, |child| {
                if let Some(target) = member_of(marks, members, child) {
                    if core.has(Fault::EdgesCountedOnce) && edges[begin..].contains(&target) {
                        return;
                    }
                    members[target as usize].internal += 1;
                    edges.push(target);
                }
            });
            self.members[number].edges_end = self.edges.len();
        }
    }

    /// Step 2, with edges that were read before all words were.
    fn count_early(&mut self, early: &[(usize, Ref)]) {
        let mut early = early.iter().peekable();
        for number in 0..self.members.len() {
            while let Some((_, child)) = early.next_if(|(from, _)| *from == number) {
                if let Some(target) = member_of(&self.marks, &self.members, *child) {
                    self.members[target as usize].internal += 1;
                    self.edges.push(target);
                }
            }
            self.members[number].edges_end = self.edges.len();
        }
    }

    /// Step 3: whatever somebody outside refers to is live, with all that it reaches.
    fn split(&mut self, core: &Core<impl Faults>) {
        let mut live = Vec::new();
        if core.has(Fault::RootSkipped) {
            self.skip_root(core);
        }
        for (number, member) in (0..).zip(&mut self.members) {
            if word::is_immortal(member.word) || word::count(member.word) != member.internal {
                member.fate = Fate::Live;
                live.push(number);
            }
        }
        if core.has(Fault::LivenessOneLevel) {
            self.spread_one_level(&live);
        } else {
            self.spread(live, Fate::Suspect, Fate::Live);
        }
    }

    /// What a fault does: takes the last shared root for an edge between members.
    #[cold]
    fn skip_root(&mut self, core: &Core<impl Faults>) {
        let root = core.globals.last().map(|root| root.load(SeqCst));
        let member = root
            .and_then(Ref::from_bits)
            .and_then(|root| member_of(&self.marks, &self.members, root));
        if let Some(number) = member {
            self.members[number as usize].internal += 1;
        }
    }

    /// What a fault makes of [`spread`](Self::spread).
    #[cold]
    fn spread_one_level(&mut self, from: &[u32]) {
        for &number in from {
            for edge in self.edges_of(number as usize) {
                self.members[self.edges[edge] as usize].fate = Fate::Live;
            }
        }
    }

    /// Gives a fate to all members of another fate that these reach along recorded edges.
    pub(super) fn spread(&mut self, mut from: Vec<u32>, was: Fate, fate: Fate) {
        while let Some(number) = from.pop() {
            for target in self.edges_of(number as usize) {
                let target = self.edges[target];
                let member = &mut self.members[target as usize];
                if member.fate == was {
                    member.fate = fate;
                    from.push(target);
                }
            }
        }
    }

    fn edges_of(&self, number: usize) -> std::ops::Range<usize> {
        let start = number
            .checked_sub(1)
            .map_or(0, |before| self.members[before].edges_end);
        start..self.members[number].edges_end
    }

    /// Whether a reference leads to a garbage member.
    pub(super) fn is_garbage(&self, reference: Ref) -> bool {
        reference.is_cyclic()
            && member_of(&self.marks, &self.members, reference)
                .is_some_and(|number| self.members[number as usize].fate == Fate::Garbage)
    }

    /// Shows those of the candidates that turned out alive.
    pub(super) fn each_live(&self, candidates: &[Ref], mut show: impl FnMut(Ref, u64)) {
        for &candidate in candidates {
            if let Some(number) = member_of(&self.marks, &self.members, candidate) {
                let member = &self.members[number as usize];
                if matches!(member.fate, Fate::Live | Fate::Rescued) {
                    show(candidate, member.word);
                }
            }
        }
    }

    /// Forgets the snapshot.
    pub(super) fn clear(&mut self) {
        for member in &self.members {
            self.marks[member.reference.index() as usize] = 0;
        }
        self.members.clear();
        self.edges.clear();
    }
}

/// The number of the member that a reference leads to.
fn member_of(marks: &[u32], members: &[Member], reference: Ref) -> Option<u32> {
    let number = marks[reference.index() as usize].checked_sub(1)?;
    (members[number as usize].reference == reference).then_some(number)
}

/// Shows the possibly cyclic children of an object, as they are now, within a budget of slots.
fn each_child(cell: &Cell, reference: Ref, budget: &mut usize, mut show: impl FnMut(Ref)) {
    // The object's own shape never changes while it lives.
    match cell::shape_of(cell.meta.load(SeqCst)) {
        Shape::Leaf | Shape::Counter => {}
        Shape::Node => {
            for slot in &cell.slots {
                // SeqCst: after the words, in step 2.
                let child = Ref::from_bits(slot.load(SeqCst));
                if let Some(child) = child.filter(|child| child.is_cyclic()) {
                    show(child);
                }
            }
            *budget = budget.saturating_sub(cell.slots.len());
        }
        Shape::List if reference.fits(cell.meta.load(SeqCst)) => {
            // SAFETY: the list was alive under this pin, when it became a member.
            let Some(storage) = (unsafe { list::storage(cell) }) else {
                return;
            };
            storage.each(|element| {
                if element.is_cyclic() {
                    show(element);
                }
                *budget = budget.saturating_sub(1);
                if *budget == 0 { Walk::Stop } else { Walk::On }
            });
        }
        Shape::List => {}
    }
}
