//! What a plan's programs may do, found by walking them without running them.
//!
//! Each register is followed from operation to operation: whether it was written, what it may refer
//! to, whether its reference was moved away. The contents of the heap are approximated by a single
//! set, the *pot*: a program that reads a list, a field or a mailbox may get anything that any
//! program ever put into any of them. Loops are walked until nothing changes; the arms of a mix are
//! walked separately and joined. So a [`Problem`] is always real (the operation can do nothing when
//! it first runs), and a fact that checks rely on, such as [`ListUsage::fresh_only`], is claimed
//! only if it holds on every path.

use super::value::{Pot, Referent, RegisterState, Registers};
use super::{Arm, Draw, ListUsage, MutatorPlan, Needs, Op, OpKind, Plan, Step};
use crate::heap::{Finalizer, Global, Shape, Slot};

/// An operation that cannot do anything when it first runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// The mutator's number.
    pub mutator: usize,
    /// The step's number: steps are counted from 0 as they are met, setup first, a repetition or
    /// mix before its parts.
    pub step: usize,
    /// The register.
    pub slot: Slot,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// What is wrong with a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Nothing was put into it before.
    NeverWritten,
    /// An operation of this kind emptied it.
    EmptiedBy(OpKind),
    /// It can refer to objects, but to none of the shape that the operation works on.
    NeverA(Shape),
    /// It is read from places that no program ever puts anything into.
    NeverFilled,
    /// It holds a weak reference, which must be upgraded first.
    Weak,
    /// It holds a strong reference where a weak one is asked for.
    NotWeak,
    /// It is the container, and moves into itself; the container must stay in a register.
    IntoItself,
}

/// Everything that the walk finds out about a plan.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    /// What cannot work, in the order of mutators and steps.
    pub problems: Vec<Problem>,
    /// What a heap must be able to do.
    pub needs: Needs,
    /// How each shared object is used, by number.
    pub usage: Vec<ListUsage>,
    /// By shared root: whether no object gets into it more than once. Only mutators put something
    /// into it, and each time with the reference that `alloc` left in the register, and not with a
    /// copy. Not claimed of the roots of shared objects, and of none if there are problems. It
    /// rests on every allocation that returns having put its object into the register, so it does
    /// not hold if one is refused and the program goes on.
    pub once: Vec<bool>,
    /// The mutators and steps that may close a cycle.
    pub closing: Vec<(usize, usize)>,
}

impl Flow {
    /// Walks all programs of `plan`.
    pub fn of(plan: &Plan) -> Self {
        // What one program reads depends on what the others write, so all are walked again until
        // the pot has everything in it.
        let mut contents = Pot::default();
        loop {
            let before = contents;
            let flow = Self::with(plan, &mut contents);
            if contents == before {
                return flow;
            }
        }
    }

    fn with(plan: &Plan, contents: &mut Pot) -> Self {
        let untouched = plan.objects.iter().map(|object| ListUsage {
            fresh_only: object.shape == Shape::List,
            once: object.shape == Shape::List,
            gapless: object.shape == Shape::List,
            ..ListUsage::default()
        });
        let mut flow = Self {
            usage: untouched.collect(),
            once: (0..usize::from(plan.globals))
                .map(|root| root >= plan.objects.len())
                .collect(),
            ..Self::default()
        };
        flow.needs.threads = plan.mutators.len() > 1;
        flow.needs.globals = plan.globals > 0;
        for object in &plan.objects {
            flow.needs.add_shape(object.shape);
        }
        for (number, mutator) in (0u32..).zip(&plan.mutators) {
            let mut walk = Walk {
                plan,
                mutator: number,
                flow: &mut flow,
                contents,
                state: Registers::default(),
                step: 0,
                muted: 0,
                gap: false,
                appends_to: 0,
            };
            walk.program(mutator);
        }
        for usage in &mut flow.usage {
            usage.fresh_only &= !usage.sets;
            usage.gapless &= usage.fresh_only && !usage.pops && !usage.truncates_back;
        }
        if !flow.problems.is_empty() {
            flow.once.fill(false);
        }
        flow
    }
}

/// The maximum number of problems that are kept: no reader needs more, and random programs have one
/// in every other step.
const PROBLEMS_MAX: usize = 64;

/// The walk through one mutator's program.
struct Walk<'a> {
    plan: &'a Plan,
    mutator: u32,
    flow: &'a mut Flow,
    contents: &'a mut Pot,
    state: Registers,
    /// The number of the next step.
    step: usize,
    /// How many of the walks under way may find problems that are not real.
    muted: u32,
    /// The program made an object that was not appended to a list right away.
    gap: bool,
    /// The shared lists that the program appends to.
    appends_to: u64,
}

/// How the walk follows paths.
impl Walk<'_> {
    fn program(&mut self, mutator: &MutatorPlan) {
        self.state.reserve(mutator.registers);
        self.hold_shared(mutator);
        self.steps(&mutator.setup);
        self.repeated(|walk| walk.steps(&mutator.body));
        if self.gap || self.state.unappended || self.appends_to.count_ones() > 1 {
            self.each_usage(self.appends_to, |usage, _| usage.gapless = false);
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            let number = self.step;
            self.step += 1;
            match step {
                Step::Fixed(op) => self.op(number, op),
                Step::Drawn(template) => self.op(number, &template.op),
                Step::Repeat { times, body } => {
                    let before = self.state.clone();
                    self.repeated(|walk| walk.steps(body));
                    self.pass_over(*times, &before);
                }
                Step::Mix { times, arms } => {
                    let before = self.state.clone();
                    // Each arm may find what any other left behind, so what looks like a problem in
                    // the first walks may not be one.
                    self.muted += 1;
                    self.repeated(|walk| walk.arms(arms));
                    self.muted -= 1;
                    self.step = number + 1;
                    self.arms(arms);
                    self.pass_over(*times, &before);
                }
            }
        }
    }

    /// Walks `body` until another time finds nothing new.
    fn repeated(&mut self, mut body: impl FnMut(&mut Self)) {
        let start = self.step;
        loop {
            let entry = self.state.clone();
            self.step = start;
            body(self);
            let mut joined = entry.clone();
            joined.join(&self.state);
            if joined == entry {
                return;
            }
            self.state = joined;
        }
    }

    /// A loop that may be run no time leaves the registers as they were before it.
    fn pass_over(&mut self, times: Draw, before: &Registers) {
        let may_be_none = match times {
            Draw::Fixed(times) => times == 0,
            Draw::Uniform { low, .. } => low == 0,
            Draw::Geometric { .. } => true,
        };
        if may_be_none {
            self.state.join(before);
        }
    }

    fn arms(&mut self, arms: &[Arm]) {
        let entry = self.state.clone();
        let mut exit: Option<Registers> = None;
        for arm in arms {
            self.state = entry.clone();
            self.steps(&arm.body);
            match &mut exit {
                Some(exit) => exit.join(&self.state),
                None => exit = Some(self.state.clone()),
            }
        }
        self.state = exit.unwrap_or(entry);
    }
}

/// What each operation does.
impl Walk<'_> {
    fn op(&mut self, step: usize, op: &Op) {
        self.flow.needs.add_op(op);
        match *op {
            Op::Alloc { dst, shape } => self.alloc(dst, shape),
            Op::AllocFinalized {
                dst,
                shape,
                finalizer,
            } => {
                self.alloc(dst, shape);
                if let Finalizer::Resurrect(root) = finalizer {
                    self.contents.add(Referent::new_object(shape));
                    self.doubt(root);
                }
            }
            Op::Copy { dst, src } => {
                if let Some(value) = self.strong(step, src) {
                    self.state.share(src);
                    self.state.may_put(dst, value.once_more());
                }
            }
            Op::Clear { slot } => {
                self.held(step, slot);
                self.state.empty(slot, OpKind::Clear);
            }
            Op::Peek { slot } => drop(self.strong(step, slot)),
            Op::Load { dst, obj, .. } => {
                self.shaped(step, obj, Shape::Node);
                self.state.may_put(dst, self.contents.read());
            }
            Op::Erase { obj, .. } => drop(self.shaped(step, obj, Shape::Node)),
            Op::Store { obj, val, .. } => {
                let container = self.shaped(step, obj, Shape::Node);
                self.put_into(step, obj, container, val, OpKind::Store);
            }
            Op::Publish { global, src } => {
                let is_new = matches!(self.state.get(src), RegisterState::Held(it) if it.new);
                if !is_new {
                    self.doubt(global);
                }
                self.moved(step, src, OpKind::Publish);
            }
            Op::Fetch { dst, global } => {
                let object = usize::from(global.0);
                match self.plan.objects.get(object) {
                    Some(shared) => self.state.put(dst, Referent::shared(shared.shape, object)),
                    None => self.state.may_put(dst, self.contents.read()),
                }
            }
            Op::Read { counter } => drop(self.shaped(step, counter, Shape::Counter)),
            Op::Add { counter, .. } | Op::WriteBack { counter, .. } => {
                if let Some(value) = self.shaped(step, counter, Shape::Counter) {
                    self.changes(counter, value.objects);
                }
            }
            Op::Downgrade { dst, src } => {
                if let Some(value) = self.strong(step, src) {
                    self.state.share(src);
                    let weak = true;
                    let value = value.once_more();
                    self.state.may_put(dst, Referent { weak, ..value });
                }
            }
            Op::Upgrade { dst, weak } => self.upgrade(step, dst, weak),
            Op::Safepoint | Op::Collect | Op::Stall { .. } => {}
            Op::Rejoin => self.rejoin(),
            _ => self.list_op(step, op),
        }
    }

    fn list_op(&mut self, step: usize, op: &Op) {
        match *op {
            Op::Append { list, val } => self.append(step, list, val),
            Op::Set { list, val, .. } => {
                let container = self.writes(step, list, |usage| usage.sets = true);
                self.enters(container, val);
                self.put_into(step, list, container, val, OpKind::Set);
            }
            Op::Get { dst, list, .. } => {
                self.shaped(step, list, Shape::List);
                self.state.may_put(dst, self.contents.read());
            }
            Op::Pop { dst, list } => {
                self.writes(step, list, |usage| usage.pops = true);
                self.state.may_put(dst, self.contents.read());
            }
            Op::TruncateFront { list, .. } | Op::TruncateFrontTo { list, .. } => {
                self.writes(step, list, |usage| usage.truncates_front = true);
            }
            Op::TruncateBack { list, .. } | Op::TruncateBackTo { list, .. } => {
                self.writes(step, list, |usage| usage.truncates_back = true);
            }
            Op::Len { list, .. } => drop(self.shaped(step, list, Shape::List)),
            _ => unreachable!("only operations on lists come here"),
        }
    }

    fn alloc(&mut self, dst: Slot, shape: Shape) {
        self.gap |= self.state.unappended;
        // A heap without room leaves in the register what is there.
        let may_be_old = matches!(self.state.get(dst), RegisterState::Held(old) if !old.new);
        self.state.put_newest(dst, shape);
        if may_be_old {
            self.state.grow_old(dst);
        }
    }

    /// What is in `val` gets into a list.
    fn enters(&mut self, list: Option<Referent>, val: Slot) {
        let is_new = !matches!(self.state.get(val), RegisterState::Held(value) if !value.new);
        if let Some(list) = list {
            self.each_usage(list.objects, |usage, _| usage.once &= is_new);
        }
    }

    /// An object may get into this shared root more than once.
    fn doubt(&mut self, root: Global) {
        if let Some(once) = self.flow.once.get_mut(usize::from(root.0)) {
            *once = false;
        }
    }

    /// Resets the registers to those of a mutator that has just attached.
    fn rejoin(&mut self) {
        let mutator = &self.plan.mutators[self.mutator as usize];
        self.state.empty_all(OpKind::Rejoin);
        self.hold_shared(mutator);
    }

    fn hold_shared(&mut self, mutator: &MutatorPlan) {
        for (slot, object) in &mutator.held {
            let shape = self.plan.objects[*object].shape;
            self.state.put(*slot, Referent::shared(shape, *object));
        }
    }

    fn append(&mut self, step: usize, list: Slot, val: Slot) {
        let fresh = self.state.is_newest(val);
        let container = self.writes(step, list, |_| {});
        self.enters(container, val);
        if let Some(container) = container {
            self.appends_to |= container.objects;
            self.each_usage(container.objects, |usage, mutator| {
                push_once(&mut usage.appenders, mutator);
                usage.fresh_only &= fresh;
            });
            self.gap |= !container.is_certain();
            self.state.unappended &= !fresh;
        }
        self.put_into(step, list, container, val, OpKind::Append);
    }

    fn upgrade(&mut self, step: usize, dst: Slot, weak: Slot) {
        if let Some(value) = self.held(step, weak) {
            if !value.weak {
                self.problem(step, weak, ProblemKind::NotWeak);
            }
            let weak = false;
            self.state.may_put(dst, Referent { weak, ..value });
        }
    }

    /// Moves `val` into `container`, which the register `obj` holds.
    fn put_into(
        &mut self,
        step: usize,
        obj: Slot,
        container: Option<Referent>,
        val: Slot,
        by: OpKind,
    ) {
        let moved = if obj == val {
            self.problem(step, val, ProblemKind::IntoItself);
            if let Some(itself) = container {
                self.contents.add(itself);
            }
            container
        } else {
            self.moved(step, val, by)
        };
        if let (Some(container), Some(moved)) = (container, moved) {
            // An object to which nothing refers yet cannot be reached from what is put into it.
            let closes = (obj == val || !container.private)
                && match by {
                    OpKind::Store => moved.shapes.may_refer(),
                    _ => moved.shapes.has(Shape::List),
                };
            let place = (self.mutator as usize, step);
            if closes && !self.flow.closing.contains(&place) {
                self.flow.needs.cycles = true;
                self.flow.closing.push(place);
            }
        }
    }

    fn moved(&mut self, step: usize, slot: Slot, by: OpKind) -> Option<Referent> {
        let value = self.strong(step, slot);
        if let Some(value) = value {
            self.contents.add(value);
        }
        self.state.empty(slot, by);
        value
    }

    /// Notes a change of the list in `list`, of the kind that `note` notes.
    fn writes(
        &mut self,
        step: usize,
        list: Slot,
        note: impl Fn(&mut ListUsage),
    ) -> Option<Referent> {
        let value = self.shaped(step, list, Shape::List)?;
        self.changes(list, value.objects);
        self.each_usage(value.objects, |usage, mutator| {
            push_once(&mut usage.writers, mutator);
            note(usage);
        });
        Some(value)
    }

    /// Tallies are kept by register, so changes through any other than an object's own are not in
    /// them.
    fn changes(&mut self, slot: Slot, objects: u64) {
        let held = &self.plan.mutators[self.mutator as usize].held;
        for (number, usage) in self.flow.usage.iter_mut().enumerate() {
            usage.aliased |= objects >> number & 1 == 1 && !held.contains(&(slot, number));
        }
    }

    fn each_usage(&mut self, objects: u64, note: impl Fn(&mut ListUsage, u32)) {
        for (number, usage) in self.flow.usage.iter_mut().enumerate() {
            if objects >> number & 1 == 1 {
                note(usage, self.mutator);
            }
        }
    }
}

/// What must be true of a register.
impl Walk<'_> {
    fn held(&mut self, step: usize, slot: Slot) -> Option<Referent> {
        let kind = match self.state.get(slot) {
            RegisterState::Held(value) => return Some(value),
            RegisterState::Never => ProblemKind::NeverWritten,
            RegisterState::Gone(by) => ProblemKind::EmptiedBy(by),
        };
        self.problem(step, slot, kind);
        None
    }

    fn strong(&mut self, step: usize, slot: Slot) -> Option<Referent> {
        let value = self.held(step, slot)?;
        if value.weak {
            self.problem(step, slot, ProblemKind::Weak);
            return None;
        }
        if value.shapes.is_empty() {
            self.problem(step, slot, ProblemKind::NeverFilled);
            return None;
        }
        Some(value)
    }

    fn shaped(&mut self, step: usize, slot: Slot, shape: Shape) -> Option<Referent> {
        let value = self.strong(step, slot)?;
        if !value.shapes.has(shape) {
            self.problem(step, slot, ProblemKind::NeverA(shape));
            return None;
        }
        Some(value)
    }

    fn problem(&mut self, step: usize, slot: Slot, kind: ProblemKind) {
        let problem = Problem {
            mutator: self.mutator as usize,
            step,
            slot,
            kind,
        };
        let problems = &self.flow.problems;
        if self.muted == 0 && problems.len() < PROBLEMS_MAX && !problems.contains(&problem) {
            self.flow.problems.push(problem);
        }
    }
}

fn push_once(numbers: &mut Vec<u32>, number: u32) {
    if numbers.last() != Some(&number) {
        numbers.push(number);
    }
}
