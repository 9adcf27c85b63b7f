//! Samples of what shared roots answer, taken in every run.
//!
//! The check [`linearizable`](crate::check) searches for an order of all that was done to a root.
//! It needs a history from which nothing is missing, and such a history begins with a meeting of
//! all mutators. That is too expensive for every run. But if no object is stored in a root more
//! than once, any few operations on the root can be compared, whatever is missing between them.
//!
//! *Lemma.* Consider an order of all operations on such a root that explains their answers. In this
//! order the operations on one object (its store, and the loads that answer it) stand together:
//! something else between two of them would mean that the root held something else in between, so
//! the object would have been stored a second time.
//!
//! *Rule.* It follows that for two objects v and w, all operations on one of them come before all
//! operations on the other. If an operation on v returned before one on w began, and an operation
//! on w returned before one on v began, no such order exists. Only two times matter for each
//! object: when the first of its operations returned, and when the last of them began. A load that
//! finds nothing is treated like an object that was seen once.
//!
//! A missing operation can hide a contradiction, but cannot cause one. So it does not matter when a
//! mutator began to look, what the root held before, who left or came back, or what was forgotten
//! for lack of room. Mutators share nothing while they run. They note what they do to roots in the
//! windows of their [`shadow`](super::shadow), and all that they noted is compared at the end. A
//! mutator that has no room left compares what it has by itself, forgets it, and goes on. So memory
//! is bounded, and a long run is looked at to its end.
//!
//! A root is looked at if the plan shows that no object gets into it twice ([`Flow::once`]). A
//! refused allocation may leave an older object in its register, and the program then publishes
//! that again. So no root is looked at in a run in which one allocation is to be refused.
//!
//! The search is still needed for `--history`: it works for objects that are stored again, it knows
//! what the root held at first, and it uses every operation. Fields are left to it. In all shipped
//! workloads in which threads overwrite fields that others read, some objects are stored twice, so
//! the rule does not apply to them.

use crate::evidence::RootSamples;
use crate::evidence::history::{Before, Call, CallAnswer, Element, Event, PlaceHistory};
use crate::heap::Global;
use crate::plan::{Flow, Op};

use super::Options;
use super::stamps::Stamps;

/// How many operations of one mutator are kept until they are compared: those of some dozens of
/// windows, in 200 KiB.
const KEPT_MAX: usize = 2048;
/// How many recurrences are kept with their operations.
const TOLD_MAX: usize = 3;

/// An operation on a shared root.
type Sighting = (Global, Event);

/// By shared root: whether no object gets into it more than once in such a run. `flow` is that of
/// the plan.
pub(super) fn looked_at(flow: Flow, options: &Options) -> Vec<bool> {
    match options.fail_alloc {
        Some(_) => Vec::new(),
        None => flow.once,
    }
}

/// What one mutator notes of shared roots.
#[derive(Debug)]
pub(super) struct Roots {
    mutator: u32,
    looked_at: Box<[bool]>,
    stamps: Stamps,
    /// The operation that is under way: the root, what is stored in it, and when it began.
    begun: Option<(Global, Option<Element>, u64)>,
    kept: Vec<Sighting>,
    found: Compared,
}

/// How much was compared, and what came of it.
#[derive(Debug, Default)]
struct Compared {
    judged: u64,
    wrong: u64,
    first: Vec<Recurrence>,
}

/// An object that is there again after it was replaced: operations that no order explains.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Recurrence {
    root: Global,
    /// By start.
    events: Vec<Event>,
}

impl Roots {
    pub(super) fn new(mutator: u32, looked_at: &[bool]) -> Self {
        Self {
            mutator,
            looked_at: looked_at.into(),
            stamps: Stamps::sound(),
            begun: None,
            kept: Vec::new(),
            found: Compared::default(),
        }
    }

    /// An operation is about to be done. If it stores something, `stored` says what.
    pub(super) fn begin(&mut self, op: &Op, stored: impl FnOnce() -> Option<Element>) {
        self.begun = None;
        let (root, stored) = match *op {
            Op::Publish { global, .. } if self.looks_at(global) => match stored() {
                None | Some(Element::LOST) => return,
                stored => (global, stored),
            },
            Op::Fetch { global, .. } if self.looks_at(global) => (global, None),
            _ => return,
        };
        self.begun = Some((root, stored, self.stamps.before()));
    }

    /// The operation has just returned. Returns when, for [`end`](Self::end).
    pub(super) fn returned(&self) -> u64 {
        match self.begun {
            Some(_) => self.stamps.after(),
            None => 0,
        }
    }

    /// Notes the operation, which returned at `end`, with its answer: an object, nothing, or
    /// something else that is not to be judged here (`None`).
    pub(super) fn end(&mut self, end: u64, found: Option<Option<Element>>) {
        let Some((root, stored, start)) = self.begun.take() else {
            return;
        };
        let (call, answer) = match (stored, found) {
            (Some(_), _) => (Call::Store(stored), CallAnswer::Done),
            (None, None | Some(Some(Element::LOST))) => return,
            (None, Some(found)) => (Call::Load, CallAnswer::Found(found)),
        };
        let event = Event {
            mutator: self.mutator,
            call,
            answer,
            start,
            end,
        };
        self.kept.push((root, event));
        if self.kept.len() >= KEPT_MAX {
            self.found.compare(std::mem::take(&mut self.kept));
        }
    }

    fn looks_at(&self, root: Global) -> bool {
        self.looked_at.get(usize::from(root.0)) == Some(&true)
    }
}

/// What all mutators noted together.
pub(super) fn gather<'a>(all: impl Iterator<Item = &'a mut Roots>) -> RootSamples {
    let stamps = Stamps::sound();
    let (mut found, mut kept) = (Compared::default(), Vec::new());
    for roots in all {
        found.add(std::mem::take(&mut roots.found));
        kept.append(&mut roots.kept);
    }
    found.compare(kept);
    let first = found.first.into_iter().map(|it| it.told(stamps));
    RootSamples {
        unit: stamps.unit(),
        judged: found.judged,
        wrong: found.wrong,
        first: first.collect(),
    }
}

impl Compared {
    fn add(&mut self, other: Self) {
        self.judged += other.judged;
        self.wrong += other.wrong;
        self.first.extend(other.first);
        self.first.truncate(TOLD_MAX);
    }

    fn compare(&mut self, seen: Vec<Sighting>) {
        let judged = seen.len() as u64;
        let first = recurrences(blocks(seen));
        self.add(Self {
            judged,
            wrong: first.len() as u64,
            first,
        });
    }
}

/// The operations on one object in one root, or a load that found nothing: the first that returned,
/// and the last that began.
#[derive(Debug, Clone, Copy)]
struct Block {
    root: Global,
    first: Event,
    last: Event,
}

impl Block {
    /// Where the stretch of time in which the object was there begins; if it may have been there
    /// for a moment only, the earliest such moment that the rule allows.
    fn from(&self) -> u64 {
        self.first.end.min(self.last.start)
    }

    /// Whether neither object can have been there before the other.
    fn contradicts(&self, other: &Self) -> bool {
        self.root == other.root
            && self.first.end < other.last.start
            && other.first.end < self.last.start
    }
}

/// What the operation stored or answered.
fn element(event: &Event) -> Option<Element> {
    match (event.call, event.answer) {
        (Call::Store(element), _) | (Call::Load, CallAnswer::Found(element)) => element,
        _ => None,
    }
}

fn blocks(mut seen: Vec<Sighting>) -> Vec<Block> {
    seen.sort_by_key(|(root, event)| (*root, element(event)));
    let mut blocks: Vec<Block> = Vec::new();
    for (root, event) in seen {
        let of = element(&event);
        let same = blocks
            .last_mut()
            .filter(|block| of.is_some() && block.root == root && element(&block.first) == of);
        match same {
            None => blocks.push(Block {
                root,
                first: event,
                last: event,
            }),
            Some(block) => {
                block.first = std::cmp::min_by_key(block.first, event, |event| event.end);
                block.last = std::cmp::max_by_key(block.last, event, |event| event.start);
            }
        }
    }
    blocks
}

/// Every block that contradicts an earlier one. Of two that contradict each other, one at least is
/// a stretch of time at whose beginning and end its object was there; so it is enough to compare
/// with the stretch that lasts longest of those that began before.
fn recurrences(mut blocks: Vec<Block>) -> Vec<Recurrence> {
    blocks.sort_by_key(|block| (block.root, block.from()));
    let mut longest: Option<Block> = None;
    let mut found = Vec::new();
    for block in blocks {
        let earlier = longest.filter(|earlier| earlier.root == block.root);
        if let Some(earlier) = earlier.filter(|earlier| earlier.contradicts(&block)) {
            found.push(Recurrence::between(&earlier, &block));
        }
        let is_stretch = block.first.end < block.last.start;
        if is_stretch && earlier.is_none_or(|it| it.last.start < block.last.start) {
            longest = Some(block);
        }
    }
    found
}

impl Recurrence {
    fn between(one: &Block, other: &Block) -> Self {
        let mut events = vec![one.first, one.last, other.first, other.last];
        events.sort_by_key(|event| (event.start, event.end));
        events.dedup();
        Self {
            root: one.root,
            events,
        }
    }

    fn told(self, stamps: Stamps) -> PlaceHistory {
        let origin = self.events.first().map_or(0, |event| event.start);
        let timed = self.events.into_iter().map(|event| Event {
            start: stamps.scaled(origin, event.start),
            end: stamps.scaled(origin, event.end),
            ..event
        });
        PlaceHistory {
            place: format!("shared root {}", self.root.0),
            before: Before::Unknown,
            events: timed.collect(),
        }
    }
}

#[cfg(test)]
mod tests;
