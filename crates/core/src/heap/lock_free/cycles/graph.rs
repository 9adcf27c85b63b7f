//! Steps 1 to 3 of a round: a snapshot of what the candidates reach, and which of it is suspected.
//!
//! All three run under one pin. If an object was alive under this pin, its cell is not reused
//! before the pin ends, and its storage, if it is a list, is not freed. So a reference that was
//! read once can be followed until then. If its object has died meanwhile, its word shows it. For
//! as long as that takes (some 10 ns a slot), the pin keeps memory from being reused, as any pin
//! does.

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

/// What a round has found out about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing but other suspects seems to refer to it.
    Suspect,
    /// It is reached from outside, or may be.
    Live,
    /// It was suspected, but its own word has changed, or that of a suspect from which it is
    /// reached.
    Rescued,
    /// It is garbage.
    Garbage,
    /// It was garbage, but a finalizer published it, or a member from which it is reached.
    Resurrected,
}

/// An object of the snapshot.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) reference: Ref,
    /// Its word when it was first met.
    pub(super) word: u64,
    /// Edges from other members. (There are 2^32 of them only if the object is immortal.)
    internal: u32,
    /// Where its edges end; they begin where the previous member's end.
    edges_end: usize,
    pub(super) fate: Fate,
}

impl Member {
    fn count_edge(&mut self) {
        self.internal = self.internal.wrapping_add(1);
    }

    /// Whether all references to it are recorded edges.
    fn is_internal(&self) -> bool {
        let count = word::count(self.word);
        count == u64::from(self.internal) && !word::is_immortal(self.word)
    }

    /// Whether a weak reference may lead to it. If not when its word was recorded, then not for as
    /// long as the word is the same.
    #[inline]
    pub(super) fn is_weak(&self) -> bool {
        self.word & word::WEAK != 0
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Graph {
    /// For each cell, the number of the member in it plus one, or 0 if it holds none.
    marks: Vec<u32>,
    pub(super) members: Vec<Member>,
    /// The numbers of the members that edges lead to. The edges of one member are side by side.
    edges: Vec<u32>,
    /// For each candidate whose reach was recorded to the end: how many members there were then.
    ends: Vec<usize>,
    /// Whether a member may be the target of weak references.
    pub(super) has_weak: bool,
    /// Whether a member was made with a finalizer.
    pub(super) has_finalizers: bool,
}

impl Graph {
    pub(super) fn new(cells: u32) -> Self {
        Self {
            // Zeroed by the allocator, so cells that no round looks at cost nothing.
            marks: vec![0; cells as usize],
            members: Vec::new(),
            edges: Vec::new(),
            ends: Vec::new(),
            has_weak: false,
            has_finalizers: false,
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

    /// Steps 1 to 3. The first two have a budget of slots each. Returns how many candidates,
    /// counted from the first, are decided: all objects that they reach were recorded, and all
    /// their edges.
    pub(super) fn snapshot(
        &mut self,
        worker: &Worker<'_, impl Faults>,
        candidates: &[Ref],
        budget: usize,
    ) -> usize {
        let mut early = Vec::new();
        self.close(worker, candidates, budget, &mut early);
        let counted = if worker.core.has(Fault::CountWhileReading) {
            self.count_early(&early);
            self.members.len()
        } else {
            self.count(worker.core, budget)
        };
        self.split(worker.core);
        self.ends.partition_point(|&end| end <= counted)
    }

    /// Step 1: records the word of each object that the candidates reach, when it is first met. It
    /// walks all that one candidate reaches before it turns to the next candidate. So objects that
    /// were made together are looked at, freed and reused together, while they are in the
    /// processor's cache.
    fn close(
        &mut self,
        worker: &Worker<'_, impl Faults>,
        candidates: &[Ref],
        mut budget: usize,
        early: &mut Vec<(usize, Ref)>,
    ) {
        let mut next = 0;
        for &candidate in candidates {
            self.admit(worker, candidate);
            while let Some(member) = self.members.get(next) {
                let reference = member.reference;
                let cell = worker.core.slab.cell(reference.index());
                each_child(cell, reference, &mut budget, |child| {
                    if worker.core.has(Fault::CountWhileReading) {
                        early.push((next, child));
                    }
                    self.admit(worker, child);
                });
                // Perhaps in the middle of this member's slots.
                if budget == 0 {
                    return;
                }
                next += 1;
            }
            self.ends.push(next);
        }
    }

    fn admit(&mut self, worker: &Worker<'_, impl Faults>, reference: Ref) {
        let mark = &mut self.marks[reference.index() as usize];
        if *mark != 0 {
            return;
        }
        let cell = worker.core.slab.cell(reference.index());
        // SeqCst: before any edge is counted, and before BUFFERED is cleared.
        let word = cell.word.load(SeqCst);
        if worker.core.has(Fault::ClearOneByOne) {
            cell.meta.fetch_and(!cell::BUFFERED, SeqCst);
        }
        let is_dead = word::count(word) == 0 && !worker.core.has(Fault::AdmitDead);
        let meta = cell.meta.load(SeqCst);
        if is_dead || !reference.fits(meta) {
            return;
        }
        self.has_weak |= word & word::WEAK != 0;
        self.has_finalizers |= cell::has_finalizer(meta);
        self.members.push(Member {
            reference,
            word,
            internal: 0,
            edges_end: 0,
            fate: Fate::Suspect,
        });
        *mark = u32::try_from(self.members.len()).expect("fewer members than cells");
    }

    /// Step 2 once more, with the present contents of the slots. Only a fault does this.
    pub(super) fn recount(&mut self, core: &Core<impl Faults>) {
        self.edges.clear();
        self.count(core, usize::MAX);
    }

    /// Step 2: records the edges between members. All words were read before. Returns for how many
    /// members, counted from the first, all edges were recorded. These can be fewer than step 1
    /// walked: a list in use may have grown since.
    fn count(&mut self, core: &Core<impl Faults>, mut budget: usize) -> usize {
        let mut counted = 0;
        for number in 0..self.members.len() {
            if budget > 0 {
                self.count_edges(core, number, &mut budget);
            }
            if budget > 0 {
                counted = number + 1;
            }
            self.members[number].edges_end = self.edges.len();
        }
        counted
    }

    /// Records the edges that lead from one member to others, within a budget of slots.
    fn count_edges(&mut self, core: &Core<impl Faults>, number: usize, budget: &mut usize) {
        let reference = self.members[number].reference;
        let cell = core.slab.cell(reference.index());
        let (marks, members, edges) = (&self.marks, &mut self.members, &mut self.edges);
        let begin = edges.len();
        each_child(cell, reference, budget, |child| {
            if let Some(target) = member_of(marks, members, child) {
                if core.has(Fault::EdgesCountedOnce) && edges[begin..].contains(&target) {
                    return;
                }
                members[target as usize].count_edge();
                edges.push(target);
            }
        });
    }

    /// Step 2, with edges that were read before all words had been read. Only a fault does this.
    fn count_early(&mut self, early: &[(usize, Ref)]) {
        let mut early = early.iter().peekable();
        for number in 0..self.members.len() {
            while let Some((_, child)) = early.next_if(|(from, _)| *from == number) {
                if let Some(target) = member_of(&self.marks, &self.members, *child) {
                    self.members[target as usize].count_edge();
                    self.edges.push(target);
                }
            }
            self.members[number].edges_end = self.edges.len();
        }
    }

    /// Step 3: a member that is referred to from outside is live, and so is everything that it
    /// reaches.
    fn split(&mut self, core: &Core<impl Faults>) {
        let mut live = Vec::new();
        if core.has(Fault::RootSkipped) {
            self.skip_root(core);
        }
        for (number, member) in (0..).zip(&mut self.members) {
            if !member.is_internal() {
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

    /// What a fault does: it counts the reference in the last shared root as an edge between
    /// members.
    #[cold]
    fn skip_root(&mut self, core: &Core<impl Faults>) {
        let root = core.globals.last().map(|root| root.load(SeqCst));
        let member = root
            .and_then(Ref::from_bits)
            .and_then(|root| member_of(&self.marks, &self.members, root));
        if let Some(number) = member {
            self.members[number as usize].count_edge();
        }
    }

    /// What a fault does in place of [`spread`](Self::spread).
    #[cold]
    fn spread_one_level(&mut self, from: &[u32]) {
        for &number in from {
            for edge in self.edges_of(number as usize) {
                self.members[self.edges[edge] as usize].fate = Fate::Live;
            }
        }
    }

    /// Changes one fate to another in all members that these members reach along recorded edges.
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
            && self
                .member(reference)
                .is_some_and(|member| member.fate == Fate::Garbage)
    }

    /// The member that a reference leads to, if it leads to one.
    pub(super) fn member(&self, reference: Ref) -> Option<&Member> {
        let number = member_of(&self.marks, &self.members, reference)?;
        Some(&self.members[number as usize])
    }

    /// Calls `show` for each of the candidates that turned out to be alive, with its recorded word.
    pub(super) fn each_live(&self, candidates: &[Ref], mut show: impl FnMut(Ref, u64)) {
        for &candidate in candidates {
            if let Some(member) = self.member(candidate)
                && matches!(member.fate, Fate::Live | Fate::Rescued)
            {
                show(candidate, member.word);
            }
        }
    }

    /// Discards the snapshot.
    pub(super) fn clear(&mut self) {
        for member in &self.members {
            self.marks[member.reference.index() as usize] = 0;
        }
        self.members.clear();
        self.edges.clear();
        self.ends.clear();
        self.has_weak = false;
        self.has_finalizers = false;
    }
}

/// The number of the member that a reference leads to, if it leads to one.
fn member_of(marks: &[u32], members: &[Member], reference: Ref) -> Option<u32> {
    let number = marks[reference.index() as usize].checked_sub(1)?;
    (members[number as usize].reference == reference).then_some(number)
}

/// Calls `show` for each possibly cyclic child of an object, as the slots are now, within a budget
/// of slots.
fn each_child(cell: &Cell, reference: Ref, budget: &mut usize, mut show: impl FnMut(Ref)) {
    // The shape of an object never changes while it lives.
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
