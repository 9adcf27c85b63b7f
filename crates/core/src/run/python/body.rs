//! The function of one group of mutators: its loops, and what is known on the way through them.

use std::collections::{BTreeMap, BTreeSet};

use crate::heap::Slot;
use crate::plan::{Arm, Draw, Drawn, MutatorPlan, OpKind, Plan, Step, StepNumber, size};

use super::block::{Block, Rounds, cost};
use super::may::{Contents, May};
use super::text::{Lines, Pending, Watch};
use super::tidy::emptied_behind;

/// What stands for the test whether a mutator is to stop; what it hands over is known at the end.
pub(super) const PARK: &str = "@PARK@";

/// A function while it is written.
pub(super) struct Body<'a> {
    pub(super) plan: &'a Plan,
    pub(super) mutator: &'a MutatorPlan,
    /// The registers' names, and those of shared roots.
    pub(super) names: &'a [String],
    pub(super) roots: &'a [String],
    pub(super) contents: &'a mut Contents,
    /// The registers at this place.
    pub(super) state: Vec<May>,
    pub(super) lines: Lines,
    pub(super) pending: Pending,
    /// Variables that were written out in the loop's body, so that they cannot be counted behind it.
    pub(super) written: BTreeSet<String>,
    /// What it counts: the name of the variable, and what that is.
    pub(super) counters: BTreeMap<String, String>,
    /// Where something is drawn.
    pub(super) places: BTreeSet<Drawn>,
    /// Roots that it publishes in.
    pub(super) published: BTreeSet<u16>,
    /// Why Python cannot do it.
    pub(super) refused: Option<String>,
    /// Whether something is done to what may be a shared object or another one, so that a history
    /// cannot tell all.
    pub(super) untold: bool,
    /// The difference between the numbers of two objects of one mutator.
    pub(super) stride: u64,
    /// The fields that are ever read.
    pub(super) fields_read: [bool; 2],
    /// The number of the next step.
    pub(super) step: StepNumber,
    /// Which regions are watched, and how this one is.
    pub(super) twins: Twins,
    pub(super) watch: Watch,
    /// Whether what is watched is timed, and noted for a history.
    pub(super) is_timed: bool,
    pub(super) is_recorded: bool,
    /// The kinds of operations that are timed anywhere.
    pub(super) timed: BTreeSet<&'static str>,
    /// Kinds of operations in regions that make up most of the program.
    pub(super) frequent: BTreeSet<OpKind>,
    /// Shared roots in which finalizers resurrect objects, and those of which a history can tell all.
    pub(super) rising: BTreeSet<u16>,
    pub(super) told_roots: BTreeSet<u16>,
    /// Registers that hold weak references and nothing else.
    pub(super) weak_only: Vec<Slot>,
    /// Shared lists of which books are kept, and those of them that this program changes.
    pub(super) books: BTreeSet<usize>,
    pub(super) changed: BTreeSet<usize>,
}

/// Which regions are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twins {
    /// None.
    None,
    /// Some times, a twin takes the place of a region.
    Sampled,
    /// All.
    Always,
}

/// The long loops.
impl Body<'_> {
    pub(super) fn blocks(&mut self, blocks: &[Block<'_>]) {
        for block in blocks {
            match block {
                Block::Region {
                    number,
                    first,
                    steps,
                } => {
                    self.region(*first, steps);
                    self.pending.add(&format!("d{number}"), 1);
                    self.flush();
                    self.tick(&cost(steps).to_string());
                }
                Block::Chunks {
                    number,
                    at,
                    step,
                    each,
                } => self.chunks(*number, *at, step, *each),
                Block::Loop { at, times, body } => {
                    let times = self.times(*times, *at);
                    self.settled(|this| {
                        this.lines.push(format!("for _ in range({times}):"));
                        this.inside(|this| this.blocks(body));
                    });
                }
                Block::Mix { at, times, arms } => {
                    let times = self.times(*times, *at);
                    let arm = self.drawn(Drawn::Arm(*at));
                    self.settled(|this| {
                        this.lines
                            .push(format!("for arm in islice({arm}, {times}):"));
                        this.inside(|this| {
                            this.arms(arms.len(), |this, arm| this.blocks(&arms[arm]));
                        });
                    });
                }
            }
        }
    }

    fn chunks(&mut self, number: usize, at: StepNumber, step: &Step, each: u64) {
        let (times, body_cost) = match step {
            Step::Repeat { times, body } => (*times, cost(body)),
            Step::Mix { times, .. } => {
                let once = Step::clone(step);
                (*times, cost(&[once]) / cost_of(*times).max(1))
            }
            Step::Fixed(_) | Step::Drawn(_) => (Draw::Fixed(1), 1),
        };
        let times = self.times(times, at);
        self.settled(|this| {
            this.lines
                .push(format!("for m in chunks({times}, {each}):"));
            this.inside(|this| {
                this.twins(|this| this.turns(at, step, "m"));
                this.lines.push(format!("d{number} += m"));
                this.tick(&format!("m * {}", body_cost.max(1)));
            });
        });
    }

    /// So much was done; the mutator may be asked to stand still.
    fn tick(&mut self, ops: &str) {
        self.sync_books();
        self.lines.push(format!("if tick(me, {ops}) and {PARK}"));
    }

    /// A region. Operations that only stand in regions which are run once in a while are watched each
    /// time, which costs nothing there and shows what is rare.
    fn region(&mut self, first: StepNumber, steps: &[Step]) {
        let mut kinds = BTreeSet::new();
        each_kind(steps, &mut kinds);
        let is_rare = cost(steps) <= RARE_OPS && kinds.is_disjoint(&self.frequent);
        if self.twins == Twins::Sampled && is_rare {
            self.flush();
            self.watch = Watch::Watched;
            self.step = first;
            self.steps(steps);
            self.watch = Watch::Plain;
            return;
        }
        self.twins(|this| {
            this.step = first;
            this.steps(steps);
        });
    }

    /// Writes a region, and its twin in which each operation is watched, as the case may be.
    fn twins(&mut self, mut write: impl FnMut(&mut Self)) {
        self.flush();
        match self.twins {
            Twins::None => write(self),
            Twins::Always => {
                self.watch = Watch::Watched;
                write(self);
                self.watch = Watch::Plain;
            }
            Twins::Sampled => {
                let entry = self.state.clone();
                self.lines.push("turn -= 1");
                self.lines.push("if turn:");
                self.inside(&mut write);
                let exit = std::mem::replace(&mut self.state, entry);
                self.lines
                    .push("else:  # the same, with the clock read around each operation");
                self.inside(|this| {
                    this.lines.push("turn = me.again()");
                    this.watch = Watch::Watched;
                    write(this);
                    this.watch = Watch::Plain;
                });
                self.state = joined(&exit, &self.state);
            }
        }
        self.flush();
    }

    /// One run through a repetition or mix whose number of turns is known.
    fn turns(&mut self, at: StepNumber, step: &Step, times: &str) {
        match step {
            Step::Repeat { body, .. } => self.repeat(at, times, body),
            Step::Mix { arms, .. } => self.mix(at, times, arms),
            Step::Fixed(_) | Step::Drawn(_) => {}
        }
    }

    pub(super) fn rounds(&mut self, rounds: &Rounds<'_>) {
        self.settled(|this| match rounds {
            Rounds::Short {
                number,
                first,
                steps,
                each,
            } => {
                this.lines.push(format!("for m in me.rounds_by({each}):"));
                this.inside(|this| {
                    this.twins(|this| this.repeat(first.wrapping_sub(1), "m", steps));
                    this.lines.push(format!("d{number} += m"));
                    this.lines.push("me.rounds += m");
                    this.tick(&format!("m * {}", cost(steps).max(1)));
                });
            }
            Rounds::Long(blocks) => {
                this.lines.push("for _ in me.rounds_by(1):");
                this.inside(|this| {
                    this.blocks(blocks);
                    this.lines.push("me.rounds += 1");
                });
            }
        });
    }
}

/// Regions.
impl Body<'_> {
    pub(super) fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            let number = self.step;
            self.step += 1;
            match step {
                Step::Fixed(op) => self.op(op, None),
                Step::Drawn(template) => {
                    let drawn = match template.number {
                        Draw::Fixed(value) => value.to_string(),
                        _ => format!("next({})", self.drawn(Drawn::Number(number))),
                    };
                    self.op(&template.op, Some(&drawn));
                }
                Step::Repeat { times, body } => {
                    let times = self.times(*times, number);
                    self.repeat(number, &times, body);
                    self.step = number + 1 + size(body);
                }
                Step::Mix { times, arms } => {
                    let times = self.times(*times, number);
                    self.mix(number, &times, arms);
                    let sizes = arms.iter().map(|arm| size(&arm.body));
                    self.step = number + 1 + sizes.sum::<usize>();
                }
            }
        }
    }

    fn repeat(&mut self, at: StepNumber, times: &str, body: &[Step]) {
        self.flush();
        self.settled(|this| {
            let before = std::mem::take(&mut this.lines);
            let written = std::mem::take(&mut this.written);
            this.step = at.wrapping_add(1);
            this.steps(body);
            let mut inner = std::mem::replace(&mut this.lines, before);
            // What was written in the body is also written at its end.
            let mut pending = std::mem::take(&mut this.pending);
            let mut end = Lines::default();
            for variable in this.written.clone() {
                pending.flush_one(&variable, &mut end);
            }
            this.written.extend(written);
            // `m` turns are at least one.
            let is_run = times == "m" || times.parse().is_ok_and(|times: u64| times > 0);
            let behind = match is_run && this.watch == Watch::Plain {
                true => emptied_behind(&mut inner, this.names),
                false => Vec::new(),
            };
            let births = pending.take("n");
            this.head(times, births);
            this.lines.indented(|lines| {
                lines.extend(inner);
                lines.extend(end);
            });
            for register in behind {
                this.lines.push(format!("{register} = None"));
            }
            if births > 0 {
                this.lines.push("n = end");
                this.written.insert("n".to_owned());
            }
            let hoisted = pending.variables();
            this.written.extend(hoisted);
            pending.times(times, &mut this.lines);
        });
    }

    /// The head of a loop, in which the objects' numbers count where each turn makes the same number
    /// of objects: so numbering them costs next to nothing.
    fn head(&mut self, times: &str, births: u64) {
        let line = if births > 0 {
            self.lines.push(format!("end = n + {times} * {births}"));
            format!("for n in range(n, end, {births}):")
        } else {
            format!("for _ in range({times}):")
        };
        self.lines.push(line);
    }

    fn mix(&mut self, at: StepNumber, times: &str, arms: &[Arm]) {
        if let [only] = arms {
            return self.repeat(at, times, &only.body);
        }
        self.flush();
        let arm = self.drawn(Drawn::Arm(at));
        self.settled(|this| {
            this.lines
                .push(format!("for arm in islice({arm}, {times}):"));
            this.inside(|this| {
                let mut first = at + 1;
                this.arms(arms.len(), |this, arm| {
                    this.step = first;
                    this.steps(&arms[arm].body);
                    first += size(&arms[arm].body);
                });
            });
        });
    }

    /// Alternatives, by the variable `arm`.
    fn arms(&mut self, count: usize, mut write: impl FnMut(&mut Self, usize)) {
        let entry = self.state.clone();
        let mut exit: Option<Vec<May>> = None;
        for arm in 0..count {
            self.state.clone_from(&entry);
            self.lines.push(match arm {
                0 => "if arm == 0:".to_owned(),
                _ if arm + 1 == count => "else:".to_owned(),
                _ => format!("elif arm == {arm}:"),
            });
            self.inside(|this| write(this, arm));
            exit = Some(match exit {
                Some(exit) => joined(&exit, &self.state),
                None => self.state.clone(),
            });
        }
        self.state = exit.unwrap_or(entry);
    }
}

/// What all of them use.
impl Body<'_> {
    /// Writes a body one level deeper.
    fn inside(&mut self, write: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.lines);
        write(self);
        self.flush();
        let inner = std::mem::replace(&mut self.lines, outer);
        self.lines.indented(|lines| lines.extend(inner));
    }

    /// Writes a loop, whose body must hold for what an earlier turn left in the registers: as often
    /// as that finds something new.
    fn settled(&mut self, mut write: impl FnMut(&mut Self)) {
        self.flush();
        loop {
            let (entry, lines) = (self.state.clone(), self.lines.clone());
            write(self);
            let joined = joined(&entry, &self.state);
            self.state.clone_from(&joined);
            if joined == entry {
                return;
            }
            self.lines = lines;
        }
    }

    pub(super) fn flush(&mut self) {
        self.written.extend(self.pending.variables());
        self.pending.flush(&mut self.lines);
    }

    /// The iterator over what is drawn here.
    pub(super) fn drawn(&mut self, place: Drawn) -> String {
        self.places.insert(place);
        iterator(place)
    }

    /// How often, as an expression that may be read more than once.
    fn times(&mut self, times: Draw, at: StepNumber) -> String {
        if let Draw::Fixed(times) = times {
            return times.to_string();
        }
        self.flush();
        let drawn = self.drawn(Drawn::Times(at));
        self.lines.push(format!("k{at} = next({drawn})"));
        format!("k{at}")
    }

    pub(super) fn name(&self, slot: Slot) -> &str {
        &self.names[slot.0 as usize]
    }

    pub(super) fn at(&self, slot: Slot) -> May {
        self.state[slot.0 as usize]
    }

    pub(super) fn now_holds(&mut self, slot: Slot, may: May) {
        self.state[slot.0 as usize] = may;
    }

    /// The shared object that this register is for.
    pub(super) fn held(&self, slot: Slot) -> Option<usize> {
        let held = self.mutator.held.iter().find(|(held, _)| *held == slot);
        held.map(|(_, object)| *object)
    }
}

/// A region with no more operations than this may be watched each time.
const RARE_OPS: u64 = 64;

/// The kinds of these steps' operations.
pub(super) fn each_kind(steps: &[Step], kinds: &mut BTreeSet<OpKind>) {
    for step in steps {
        match step {
            Step::Fixed(op) => drop(kinds.insert(op.kind())),
            Step::Drawn(template) => drop(kinds.insert(template.op.kind())),
            Step::Repeat { body, .. } => each_kind(body, kinds),
            Step::Mix { arms, .. } => arms.iter().for_each(|arm| each_kind(&arm.body, kinds)),
        }
    }
}

/// The name of the iterator over what is drawn at a place.
pub(super) fn iterator(place: Drawn) -> String {
    match place {
        Drawn::Times(step) => format!("times_{step}"),
        Drawn::Arm(step) => format!("arms_{step}"),
        Drawn::Number(step) => format!("numbers_{step}"),
    }
}

fn joined(one: &[May], other: &[May]) -> Vec<May> {
    one.iter()
        .zip(other)
        .map(|(one, other)| one.or(*other))
        .collect()
}

fn cost_of(times: Draw) -> u64 {
    cost(&[Step::Repeat {
        times,
        body: vec![Step::Fixed(crate::plan::Op::Safepoint)],
    }])
}
