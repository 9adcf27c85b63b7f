//! The model itself on trial: heaps that do one thing wrong in one operation are told apart from
//! the sound one, and a sound one that collects whenever it is called is not.

use gcstorm::forward_mutator;
use gcstorm::fuzz::{by_steps, programs};
use gcstorm::heap::counted::open_gil;
use gcstorm::heap::{
    Belief, Caps, Census, Defect, Field, Finalizer, Global, Heap, HeapConfig, Mutator, OutOfMemory,
    Peek, Seat, Shape, Slot, Tag,
};
use gcstorm::run::Registry;

/// What a heap does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// Nothing, and looks for garbage before whatever it is asked to do.
    Nothing,
    StoreStoresNothing,
    LoadOtherField,
    LoadFromNothingClears,
    FetchEmptiesRoot,
    PublishKeepsRegister,
    PublishOfNothingKeepsRoot,
    BackIsFront,
    WriteAdds,
    AddTwice,
    DowngradeIsCopy,
    UpgradeClearsWeak,
    UpgradeNever,
    PopFromFront,
    GetOfNothingClears,
    SetOneFurther,
    ClearLeaks,
    CopyMoves,
    RejoinKeeps,
    FinalizerDropped,
    ResurrectsElsewhere,
    AddSaturates,
    CensusOmits,
    CensusRepeats,
}

const ALL: [Wrong; 23] = [
    Wrong::StoreStoresNothing,
    Wrong::LoadOtherField,
    Wrong::LoadFromNothingClears,
    Wrong::FetchEmptiesRoot,
    Wrong::PublishKeepsRegister,
    Wrong::PublishOfNothingKeepsRoot,
    Wrong::BackIsFront,
    Wrong::WriteAdds,
    Wrong::AddTwice,
    Wrong::DowngradeIsCopy,
    Wrong::UpgradeClearsWeak,
    Wrong::UpgradeNever,
    Wrong::PopFromFront,
    Wrong::GetOfNothingClears,
    Wrong::SetOneFurther,
    Wrong::ClearLeaks,
    Wrong::CopyMoves,
    Wrong::RejoinKeeps,
    Wrong::FinalizerDropped,
    Wrong::ResurrectsElsewhere,
    Wrong::AddSaturates,
    Wrong::CensusOmits,
    Wrong::CensusRepeats,
];

struct Bent<H> {
    inner: H,
    wrong: Wrong,
}

struct BentMutator<M: Mutator> {
    inner: M,
    wrong: Wrong,
    /// Two registers of its own, behind those of the seat.
    spare: Slot,
}

impl<H: Heap> Heap for Bent<H> {
    type Mutator<'h>
        = BentMutator<H::Mutator<'h>>
    where
        Self: 'h;

    fn caps(&self) -> Caps {
        self.inner.caps()
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        let (wrong, spare) = (self.wrong, Slot(seat.slots));
        let slots = seat.slots + 2;
        let inner = self.inner.attach(Seat { slots, ..seat })?;
        Ok(BentMutator {
            inner,
            wrong,
            spare,
        })
    }

    fn settle(&self) -> Result<(), Defect> {
        self.inner.settle()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        let mut number = 0;
        self.inner.census(&mut |belief| {
            number += 1;
            // One object in three is enough, and not always the first.
            let times = match self.wrong {
                Wrong::CensusOmits if number % 3 == 0 => 0,
                Wrong::CensusRepeats if number % 3 == 0 => 2,
                _ => 1,
            };
            (0..times).for_each(|_| visit(belief));
        })
    }
}

impl<M: Mutator> BentMutator<M> {
    /// The heap's own mutator, for an operation that is never wrong. Looks for garbage before it if
    /// nothing is wrong at all.
    fn right(&mut self) -> &mut M {
        if self.wrong == Wrong::Nothing {
            self.inner.collect();
        }
        &mut self.inner
    }

    /// Whether this is what is wrong; looks for garbage likewise.
    fn is(&mut self, wrong: Wrong) -> bool {
        self.right();
        self.wrong == wrong
    }
}

impl<M: Mutator> Drop for BentMutator<M> {
    fn drop(&mut self) {
        if self.wrong == Wrong::RejoinKeeps {
            // What it held stays in a root that others can reach.
            self.inner.publish(Global(0), Slot(0));
        }
    }
}

impl<M: Mutator> Mutator for BentMutator<M> {
    forward_mutator!(self => self.inner; peek safepoint rest wake collect);
    forward_mutator!(self => *self.right(); alloc append len truncate_front read);

    fn alloc_with_finalizer(
        &mut self,
        dst: Slot,
        shape: Shape,
        tag: Tag,
        finalizer: Finalizer,
    ) -> Result<(), OutOfMemory> {
        if self.is(Wrong::FinalizerDropped) {
            return self.inner.alloc(dst, shape, tag);
        }
        let finalizer = match finalizer {
            Finalizer::Resurrect(Global(1)) if self.wrong == Wrong::ResurrectsElsewhere => {
                Finalizer::Resurrect(Global(0))
            }
            finalizer => finalizer,
        };
        self.inner.alloc_with_finalizer(dst, shape, tag, finalizer)
    }

    fn copy(&mut self, dst: Slot, src: Slot) {
        let moves = self.is(Wrong::CopyMoves);
        self.inner.copy(dst, src);
        if moves && dst != src {
            self.inner.clear(src);
        }
    }

    fn clear(&mut self, slot: Slot) {
        if self.is(Wrong::ClearLeaks) {
            self.inner.copy(self.spare, slot);
        }
        self.inner.clear(slot);
    }

    fn load(&mut self, dst: Slot, obj: Slot, field: Field) {
        let other = self.is(Wrong::LoadOtherField);
        if self.wrong == Wrong::LoadFromNothingClears && self.inner.peek(obj) == Peek::Empty {
            return self.inner.clear(dst);
        }
        let field = if other { Field(1 - field.0) } else { field };
        self.inner.load(dst, obj, field);
    }

    fn store(&mut self, obj: Slot, field: Field, val: Option<Slot>) {
        let nothing = self.is(Wrong::StoreStoresNothing);
        self.inner.store(obj, field, val);
        if nothing {
            self.inner.store(obj, field, None);
        }
    }

    fn get(&mut self, dst: Slot, list: Slot, index: u64) -> bool {
        let clears = self.is(Wrong::GetOfNothingClears);
        let found = self.inner.get(dst, list, index);
        if clears && !found {
            self.inner.clear(dst);
        }
        found
    }

    fn set(&mut self, list: Slot, index: u64, val: Slot) -> bool {
        let by = u64::from(self.is(Wrong::SetOneFurther));
        self.inner.set(list, index + by, val)
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> bool {
        if self.is(Wrong::PopFromFront) && dst != list {
            let found = self.inner.get(dst, list, 0);
            self.inner.truncate_front(list, 1);
            return found;
        }
        self.inner.pop(dst, list)
    }

    fn truncate_back(&mut self, list: Slot, count: u64) {
        if self.is(Wrong::BackIsFront) {
            return self.inner.truncate_front(list, count);
        }
        self.inner.truncate_back(list, count);
    }

    fn add(&mut self, counter: Slot, by: i64) {
        if self.is(Wrong::AddTwice) {
            self.inner.add(counter, by);
        }
        if self.is(Wrong::AddSaturates) {
            let sum = self.inner.read(counter).saturating_add(by);
            return self.inner.write(counter, sum);
        }
        self.inner.add(counter, by);
    }

    fn write(&mut self, counter: Slot, value: i64) {
        if self.is(Wrong::WriteAdds) {
            return self.inner.add(counter, value);
        }
        self.inner.write(counter, value);
    }

    fn publish(&mut self, global: Global, src: Slot) {
        self.is(Wrong::Nothing);
        let (wrong, spare) = (self.wrong, self.spare);
        if wrong == Wrong::PublishOfNothingKeepsRoot && self.inner.peek(src) == Peek::Empty {
            return;
        }
        if wrong == Wrong::PublishKeepsRegister {
            self.inner.copy(spare, src);
        }
        self.inner.publish(global, src);
        if wrong == Wrong::PublishKeepsRegister {
            self.inner.copy(src, spare);
            self.inner.clear(spare);
        }
    }

    fn fetch(&mut self, dst: Slot, global: Global) -> bool {
        let empties = self.is(Wrong::FetchEmptiesRoot);
        let found = self.inner.fetch(dst, global);
        if empties {
            self.inner.clear(self.spare);
            self.inner.publish(global, self.spare);
        }
        found
    }

    fn downgrade(&mut self, dst: Slot, src: Slot) {
        if self.is(Wrong::DowngradeIsCopy) {
            return self.inner.copy(dst, src);
        }
        self.inner.downgrade(dst, src);
    }

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        if self.is(Wrong::UpgradeNever) {
            return false;
        }
        let found = self.inner.upgrade(dst, weak);
        if self.wrong == Wrong::UpgradeClearsWeak && dst != weak {
            self.inner.clear(weak);
        }
        found
    }
}

/// Steps through programs until one fails; which it is, and what is wrong.
fn first_failure(wrong: Wrong, cases: u64) -> Option<(u64, String)> {
    let open = move |config: &HeapConfig| {
        let inner = open_gil(config);
        Ok(Bent { inner, wrong })
    };
    let registry = Registry::empty().with("bent", "with one thing wrong", open);
    let heap = registry.get("bent").expect("it is there");
    let draw = programs().for_caps(heap.caps());
    (0..cases).find_map(|seed| {
        let case = draw.draw(seed);
        let (_, finding) = by_steps(heap, None, &case).expect("the heap opens");
        finding.map(|finding| (seed, format!("{finding}\n{case}")))
    })
}

/// Goal: the model finds whatever an operation does wrong, with nobody telling it where to look.
#[test]
fn every_wrong_operation_is_found() {
    let missed = ALL.map(|wrong| (wrong, first_failure(wrong, 3000)));
    let missed = missed.iter().filter(|(_, found)| found.is_none());
    let missed: Vec<Wrong> = missed.map(|(wrong, _)| *wrong).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

/// Goal: when a heap looks for garbage, and runs finalizers, is its own business: before what it is
/// asked to do as well as after.
#[test]
fn collecting_before_every_operation_is_sound() {
    if let Some((seed, text)) = first_failure(Wrong::Nothing, 5000) {
        panic!("program {seed}: {text}");
    }
}
