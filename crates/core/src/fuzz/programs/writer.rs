//! Writes a random program, keeping track of what registers may hold.
//!
//! This knowledge is only a guess: an element that is read may be of any shape, and a list may be
//! empty. One operand in eight is chosen at random instead, so that operations on empty or
//! unsuitable registers occur as well.

use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};

use super::Programs;
use crate::heap::{Caps, Field, Finalizer, Global, Shape, Slot};
use crate::plan::case::Shared;
use crate::plan::{Case, Needs, Op, OpKind, Turn};

/// The least and the greatest number of registers of a mutator: few, so that they are reused.
const REGISTERS: (u32, u32) = (3, 8);
/// The least and the greatest number of shared roots.
const ROOTS: (u32, u32) = (1, 3);
/// Room beyond the objects that a program can make, since some heaps hand out cells in chunks.
const SPARE_ROOM: u32 = 8;
/// One kind of operation in this many is left out of a case.
const LEFT_OUT: u32 = 4;
/// The least and the greatest number of elements that fill a list, if the program is long enough.
const FILLING: (u32, u32) = (8, 40);
/// One in this many programs with several mutators begins with an object that all of them hold. An
/// object that is handed over through a root is rarely used much by two mutators.
const MEET_ONE_IN: u32 = 4;
/// How often the mutator of a turn stays the same, in eighths. In the other cases one of all
/// mutators is drawn.
const SAME_MUTATOR: u32 = 5;

/// One program in this many may be longer, by the factor [`LONG`], to find what shows only rarely
/// or late. A fifth of all turns belong to such programs.
const LONG_ONE_IN: u32 = 64;
/// How many times as long as others such a program may be.
const LONG: u32 = 16;

/// Programs that endure make so many large lists, one after the other, of so many elements …
const LARGE_LISTS: u32 = 3;
const LARGE: (u32, u32) = (1030, 2200);
/// … and take so many steps after each.
const STEPS: u32 = 600;
/// More turns than that makes. Two make an element, and a step is seldom more than one.
pub(super) const LONG_TURNS_MAX: usize = 16_384;

/// The steps of programs, with their weights before swarm testing changes them.
const KINDS: [(Pick, u32); 28] = [
    (Pick::Op(OpKind::Alloc), 12),
    (Pick::Op(OpKind::AllocFinalized), 4),
    (Pick::Op(OpKind::Copy), 8),
    (Pick::Op(OpKind::Clear), 5),
    (Pick::Op(OpKind::Load), 4),
    (Pick::Op(OpKind::Store), 10),
    (Pick::Erase, 2),
    (Pick::Op(OpKind::Peek), 2),
    (Pick::Op(OpKind::Collect), 2),
    (Pick::Op(OpKind::Append), 10),
    (Pick::Op(OpKind::Len), 3),
    (Pick::Op(OpKind::Get), 5),
    (Pick::Op(OpKind::Set), 4),
    (Pick::Op(OpKind::Pop), 4),
    (Pick::Op(OpKind::TruncateFront), 3),
    (Pick::FrontTo, 1),
    (Pick::Op(OpKind::TruncateBack), 2),
    (Pick::BackTo, 1),
    (Pick::Op(OpKind::Add), 2),
    (Pick::Op(OpKind::Read), 1),
    (Pick::Op(OpKind::Write), 1),
    (Pick::Op(OpKind::Publish), 4),
    (Pick::Op(OpKind::Fetch), 6),
    (Pick::Op(OpKind::Downgrade), 4),
    (Pick::Op(OpKind::Upgrade), 5),
    (Pick::Op(OpKind::Rejoin), 1),
    (Pick::Ring, 2),
    (Pick::Fill, 1),
];

/// A step of a program; most are one operation of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    Op(OpKind),
    Erase,
    FrontTo,
    BackTo,
    /// Makes a cycle of nodes that is held by registers. By chance alone, cycles would be rare.
    Ring,
    /// Appends enough elements to one list to fill a page, so that others can truncate it by a
    /// page. By chance alone, no list of a short program would be that long.
    Fill,
}

/// What a register may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guess {
    Empty,
    Of(Shape),
    /// An object of unknown shape, which was read from somewhere.
    Any,
    Weak,
}

impl Guess {
    fn may_be(self, shape: Shape) -> bool {
        self == Self::Of(shape) || self == Self::Any
    }

    fn is_strong(self) -> bool {
        matches!(self, Self::Of(_) | Self::Any)
    }
}

/// Whether a heap with these abilities can do this step.
fn is_able(caps: Caps, kind: Pick) -> bool {
    match kind {
        Pick::FrontTo | Pick::BackTo | Pick::Fill => caps.lists,
        Pick::Ring => caps.cycles,
        Pick::Erase => true,
        Pick::Op(kind) => Needs::of([kind]).missing_from(&caps).is_empty(),
    }
}

/// A program in the making.
pub(super) struct Writer {
    rng: ChaCha8Rng,
    case: Case,
    /// How many operations it will have.
    len: usize,
    guesses: Vec<Vec<Guess>>,
    roots: Vec<Guess>,
    kinds: Vec<(Pick, u32)>,
    kinds_total: u32,
    shapes: [u32; 4],
    /// Of sixteen indexes and counts, so many may be large, and how large.
    large: (u32, u32),
}

impl Writer {
    pub(super) fn new(programs: &Programs, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let caps = programs.caps;
        let mutators_max = if caps.threads {
            programs.mutators_max
        } else {
            1
        };
        let least = if programs.meet {
            mutators_max.min(2)
        } else {
            1
        };
        let mutators = between(&mut rng, least, mutators_max);
        let registers = between(&mut rng, REGISTERS.0, REGISTERS.1);
        let roots = if caps.globals {
            between(&mut rng, ROOTS.0, ROOTS.1)
        } else {
            0
        };
        let mut most = u32::try_from(programs.ops_max).unwrap_or(u32::MAX);
        if below(&mut rng, LONG_ONE_IN) == 0 {
            most = most.saturating_mul(LONG);
        }
        // Long programs find more, and short ones take less time, so all lengths are equally
        // likely.
        let len = between(&mut rng, 1, most);
        let room = most.saturating_add(SPARE_ROOM);
        let roots = u16::try_from(roots).unwrap_or(0);
        let mut case = Case::of_mutators(mutators, registers, roots, room);
        case.seed = seed;
        let mut kinds = Vec::with_capacity(KINDS.len());
        let mut kinds_total = 0;
        for (kind, weight) in KINDS.into_iter().filter(|(kind, _)| is_able(caps, *kind)) {
            let is_kept = kind == Pick::Op(OpKind::Alloc) || below(&mut rng, LEFT_OUT) > 0;
            if is_kept {
                kinds_total += weight << below(&mut rng, 4);
                kinds.push((kind, kinds_total));
            }
        }
        let mut shape = |is_there: bool| if is_there { 1 + below(&mut rng, 4) } else { 0 };
        let shapes = [
            shape(true),
            shape(true),
            shape(caps.lists),
            shape(caps.counters),
        ];
        let mut writer = Self {
            guesses: vec![vec![Guess::Empty; registers as usize]; mutators as usize],
            roots: vec![Guess::Empty; usize::from(roots)],
            rng,
            case,
            len: len as usize,
            kinds,
            kinds_total,
            shapes,
            large: (1, 1000),
        };
        let meets = programs.meet || (mutators > 1 && writer.below(MEET_ONE_IN) == 0);
        if meets && caps.globals {
            writer.meet(caps);
        }
        writer
    }

    /// Lets all mutators begin with one object, mostly a list with a few elements. It is in
    /// register 0 and root 0.
    fn meet(&mut self, caps: Caps) {
        let shape = match self.below(8) {
            0..6 if caps.lists => Shape::List,
            6 if caps.counters => Shape::Counter,
            _ => Shape::Node,
        };
        let name = "met".to_owned();
        self.case.shared.push(Shared { name, shape });
        for mutator in &mut self.case.mutators {
            mutator.held.push((Slot(0), 0));
        }
        for file in &mut self.guesses {
            file[0] = Guess::Of(shape);
        }
        self.roots.insert(0, Guess::Of(shape));
        self.case.roots += 1;
        self.case.capacity += 1;
        if shape == Shape::List {
            let (list, val) = (Slot(0), Slot(1));
            for _ in 0..self.below(4) {
                let made = Op::Alloc {
                    dst: val,
                    shape: Shape::Leaf,
                };
                for op in [made, Op::Append { list, val }] {
                    self.case.setup.push(Turn { mutator: 0, op });
                }
            }
        }
    }

    pub(super) fn write(mut self) -> Case {
        self.case.turns.reserve(self.len);
        let mut mutator = 0;
        while self.case.turns.len() < self.len {
            mutator = self.any_step(mutator);
        }
        self.case
    }

    /// A long program: lists are made that are larger than any page, and used for a while.
    pub(super) fn endure(mut self) -> Case {
        self.len = LONG_TURNS_MAX;
        self.case.turns.reserve(self.len);
        self.large = (8, LARGE.1);
        for _ in 0..LARGE_LISTS {
            let mut mutator = self.below_size(self.case.mutators.len());
            let list = self.any_slot();
            self.alloc(mutator, list, Shape::List);
            let val = Slot((list.0 + 1) % self.case.mutators[mutator].registers);
            self.fill(mutator, list, val, LARGE);
            for _ in 0..STEPS {
                mutator = self.any_step(mutator);
            }
        }
        self.case.turns.truncate(self.len);
        self.case
    }

    /// A step of this mutator or another one. Returns whose it was.
    fn any_step(&mut self, mut mutator: usize) -> usize {
        let mutators = self.case.mutators.len();
        if mutators > 1 && self.below(8) >= SAME_MUTATOR {
            mutator = self.below_size(mutators);
        }
        let drawn = self.below(self.kinds_total);
        let at = self.kinds.partition_point(|(_, sum)| *sum <= drawn);
        self.step(mutator, self.kinds[at].0);
        mutator
    }

    fn below(&mut self, bound: u32) -> u32 {
        below(&mut self.rng, bound)
    }

    fn below_size(&mut self, bound: usize) -> usize {
        self.below(u32::try_from(bound).unwrap_or(u32::MAX)) as usize
    }

    /// A small number, and once in 16 times a large one.
    fn small(&mut self) -> u32 {
        let (large, bound) = self.large;
        match self.below(16) {
            n if n < large => self.below(bound),
            n => n % 4,
        }
    }

    fn push(&mut self, mutator: usize, op: Op) {
        let mutator = u32::try_from(mutator).unwrap_or(u32::MAX);
        self.case.turns.push(Turn { mutator, op });
    }

    fn any_slot(&mut self) -> Slot {
        let registers = self.case.mutators[0].registers;
        Slot(self.below(registers))
    }

    /// A register that may hold what is wanted; any register if there is none, and once in 8 times.
    fn slot(&mut self, mutator: usize, is_wanted: impl Fn(Guess) -> bool) -> Slot {
        self.find(mutator, is_wanted)
            .unwrap_or_else(|| self.any_slot())
    }

    fn find(&mut self, mutator: usize, is_wanted: impl Fn(Guess) -> bool) -> Option<Slot> {
        if self.below(8) == 0 {
            return Some(self.any_slot());
        }
        let fitting = self.guesses[mutator].iter().filter(|it| is_wanted(**it));
        let fitting = fitting.count();
        if fitting == 0 {
            return None;
        }
        let chosen = self.below_size(fitting);
        let file = (0..).zip(&self.guesses[mutator]);
        let mut slots = file.filter(|(_, it)| is_wanted(**it));
        slots.nth(chosen).map(|(slot, _)| Slot(slot))
    }

    /// A register to write to: half of the time an empty one if there is any, so that objects are
    /// kept.
    fn target(&mut self, mutator: usize) -> Slot {
        if self.below(2) == 0 {
            return self.any_slot();
        }
        self.slot(mutator, |guess| guess == Guess::Empty)
    }

    fn shape(&mut self) -> Shape {
        let total: u32 = self.shapes.iter().sum();
        let mut drawn = self.below(total);
        for (shape, weight) in [Shape::Leaf, Shape::Node, Shape::List, Shape::Counter]
            .into_iter()
            .zip(self.shapes)
        {
            if drawn < weight {
                return shape;
            }
            drawn -= weight;
        }
        Shape::Leaf
    }

    fn root(&mut self) -> Global {
        // The root of an object that is held from the start is never overwritten.
        let first = self.case.shared.len();
        let root = first + self.below_size(self.roots.len() - first);
        Global(u16::try_from(root).unwrap_or(0))
    }

    fn field(&mut self) -> Field {
        Field(u8::from(self.below(2) == 1))
    }

    fn guess(&mut self, mutator: usize, slot: Slot, guess: Guess) {
        self.guesses[mutator][slot.0 as usize] = guess;
    }

    fn guessed(&self, mutator: usize, slot: Slot) -> Guess {
        self.guesses[mutator][slot.0 as usize]
    }

    /// A register that may hold an object of this shape. If there is none, usually one is allocated
    /// in place of the operation, and the answer is `None`.
    fn container(&mut self, mutator: usize, shape: Shape) -> Option<Slot> {
        let found = self.find(mutator, |guess| guess.may_be(shape));
        if found.is_none() && self.shapes[shape as usize] > 0 && self.below(4) > 0 {
            let dst = self.target(mutator);
            self.alloc(mutator, dst, shape);
            return None;
        }
        Some(found.unwrap_or_else(|| self.any_slot()))
    }

    fn alloc(&mut self, mutator: usize, dst: Slot, shape: Shape) {
        self.push(mutator, Op::Alloc { dst, shape });
        self.guess(mutator, dst, Guess::Of(shape));
    }

    fn step(&mut self, m: usize, kind: Pick) {
        match kind {
            Pick::Op(OpKind::Alloc) => {
                let (dst, shape) = (self.target(m), self.shape());
                self.alloc(m, dst, shape);
            }
            Pick::Op(OpKind::AllocFinalized) => self.alloc_finalized(m),
            Pick::Op(OpKind::Copy) => {
                let (src, dst) = (self.slot(m, |guess| guess != Guess::Empty), self.target(m));
                let held = self.guessed(m, src);
                self.push(m, Op::Copy { dst, src });
                if held != Guess::Empty {
                    self.guess(m, dst, held);
                }
            }
            Pick::Op(OpKind::Clear) => {
                let slot = self.slot(m, |guess| guess != Guess::Empty);
                self.push(m, Op::Clear { slot });
                self.guess(m, slot, Guess::Empty);
            }
            Pick::Op(OpKind::Load | OpKind::Store) | Pick::Erase => self.node_op(m, kind),
            Pick::Op(OpKind::Peek) => {
                let slot = self.slot(m, Guess::is_strong);
                self.push(m, Op::Peek { slot });
            }
            Pick::Op(OpKind::Collect) => self.push(m, Op::Collect),
            Pick::Op(OpKind::Add | OpKind::Read | OpKind::Write) => self.counter_op(m, kind),
            Pick::Op(OpKind::Publish | OpKind::Fetch) => self.root_op(m, kind),
            Pick::Op(OpKind::Downgrade | OpKind::Upgrade) => self.weak_op(m, kind),
            Pick::Op(OpKind::Rejoin) => {
                self.push(m, Op::Rejoin);
                self.guesses[m].fill(Guess::Empty);
            }
            Pick::Ring => self.ring(m),
            Pick::Fill => self.fill_any(m),
            kind => self.list_op(m, kind),
        }
    }

    fn alloc_finalized(&mut self, m: usize) {
        let (dst, shape) = (self.target(m), self.shape());
        let finalizer = if self.roots.is_empty() || self.below(3) == 0 {
            Finalizer::Witness
        } else {
            let root = self.root();
            // The object may appear in the root at any time.
            self.roots[usize::from(root.0)] = Guess::Any;
            Finalizer::Resurrect(root)
        };
        self.push(
            m,
            Op::AllocFinalized {
                dst,
                shape,
                finalizer,
            },
        );
        self.guess(m, dst, Guess::Of(shape));
    }

    fn node_op(&mut self, m: usize, kind: Pick) {
        let Some(obj) = self.container(m, Shape::Node) else {
            return;
        };
        let field = self.field();
        match kind {
            Pick::Op(OpKind::Load) => {
                let dst = self.target(m);
                self.push(m, Op::Load { dst, obj, field });
                self.guess(m, dst, Guess::Any);
            }
            Pick::Op(OpKind::Store) => {
                let val = self.slot(m, Guess::is_strong);
                self.push(m, Op::Store { obj, field, val });
                self.guess(m, val, Guess::Empty);
            }
            _ => self.push(m, Op::Erase { obj, field }),
        }
    }

    fn counter_op(&mut self, m: usize, kind: Pick) {
        let Some(counter) = self.container(m, Shape::Counter) else {
            return;
        };
        // Sums that wrap around are as rare as large indexes.
        let by = match self.small() {
            small @ 0..4 => i64::from(small) - 1,
            _ => i64::MAX,
        };
        self.push(
            m,
            match kind {
                Pick::Op(OpKind::Add) => Op::Add { counter, by },
                Pick::Op(OpKind::Read) => Op::Read { counter },
                _ => Op::WriteBack { counter, add: by },
            },
        );
    }

    fn root_op(&mut self, m: usize, kind: Pick) {
        let global = self.root();
        let root = usize::from(global.0);
        if kind == Pick::Op(OpKind::Publish) {
            let src = self.slot(m, Guess::is_strong);
            self.push(m, Op::Publish { global, src });
            if self.guessed(m, src) != Guess::Weak {
                self.roots[root] = self.guessed(m, src);
                self.guess(m, src, Guess::Empty);
            }
            return;
        }
        let dst = self.target(m);
        self.push(m, Op::Fetch { dst, global });
        if self.roots[root] != Guess::Empty {
            self.guess(m, dst, self.roots[root]);
        }
    }

    fn weak_op(&mut self, m: usize, kind: Pick) {
        if kind == Pick::Op(OpKind::Downgrade) {
            let (src, dst) = (self.slot(m, Guess::is_strong), self.target(m));
            self.push(m, Op::Downgrade { dst, src });
            self.guess(m, dst, Guess::Weak);
            return;
        }
        let (weak, dst) = (self.slot(m, |guess| guess == Guess::Weak), self.target(m));
        self.push(m, Op::Upgrade { dst, weak });
        if self.guessed(m, weak) == Guess::Weak {
            self.guess(m, dst, Guess::Any);
        }
    }

    fn list_op(&mut self, m: usize, kind: Pick) {
        let Some(list) = self.container(m, Shape::List) else {
            return;
        };
        let (index, count) = (self.small(), u64::from(self.small()));
        let op = match kind {
            Pick::Op(OpKind::Append) => {
                let val = self.slot(m, Guess::is_strong);
                self.guess(m, val, Guess::Empty);
                Op::Append { list, val }
            }
            Pick::Op(OpKind::Set) => {
                let val = self.slot(m, Guess::is_strong);
                self.guess(m, val, Guess::Any);
                Op::Set { list, index, val }
            }
            Pick::Op(OpKind::Get) => {
                let dst = self.target(m);
                self.guess(m, dst, Guess::Any);
                Op::Get { dst, list, index }
            }
            Pick::Op(OpKind::Pop) => {
                let dst = self.target(m);
                self.guess(m, dst, Guess::Any);
                Op::Pop { dst, list }
            }
            Pick::Op(OpKind::TruncateFront) => Op::TruncateFront { list, count },
            Pick::Op(OpKind::TruncateBack) => Op::TruncateBack { list, count },
            Pick::FrontTo => Op::TruncateFrontTo { list, leave: count },
            Pick::BackTo => Op::TruncateBackTo { list, leave: count },
            _ => Op::Len {
                list,
                note_above: u64::MAX,
            },
        };
        self.push(m, op);
    }

    fn fill_any(&mut self, m: usize) {
        let (Some(list), val) = (self.container(m, Shape::List), self.any_slot()) else {
            return;
        };
        self.fill(m, list, val, FILLING);
    }

    /// Appends that many objects to a list, by way of the register `val`.
    fn fill(&mut self, m: usize, list: Slot, val: Slot, (least, most): (u32, u32)) {
        let shape = self.shape();
        for _ in 0..between(&mut self.rng, least, most) {
            if val == list || self.case.turns.len() >= self.len {
                return;
            }
            self.alloc(m, val, shape);
            self.push(m, Op::Append { list, val });
            self.guess(m, val, Guess::Empty);
        }
    }

    /// Makes a node that refers to itself, or two that refer to each other. Does nothing if the
    /// three registers that it draws are not distinct.
    fn ring(&mut self, m: usize) {
        let [held, other, spare] = [self.any_slot(), self.any_slot(), self.any_slot()];
        if held == other || held == spare || other == spare {
            return;
        }
        self.alloc(m, held, Shape::Node);
        let mut last = held;
        if self.below(2) == 0 {
            self.alloc(m, other, Shape::Node);
            self.link(m, held, other, spare);
            last = other;
        }
        self.link(m, last, held, spare);
    }

    /// Makes one node refer to another, which stays in its register.
    fn link(&mut self, m: usize, from: Slot, to: Slot, spare: Slot) {
        let (obj, field, val) = (from, self.field(), spare);
        self.push(
            m,
            Op::Copy {
                dst: spare,
                src: to,
            },
        );
        self.push(m, Op::Store { obj, field, val });
        self.guess(m, spare, Guess::Empty);
    }
}

fn below(rng: &mut ChaCha8Rng, bound: u32) -> u32 {
    // Multiply and shift: not perfectly uniform, but uniform enough for this.
    let drawn = u64::from(rng.next_u32()) * u64::from(bound);
    u32::try_from(drawn >> 32).unwrap_or(0)
}

fn between(rng: &mut ChaCha8Rng, least: u32, most: u32) -> u32 {
    least + below(rng, most.max(least) - least + 1)
}
