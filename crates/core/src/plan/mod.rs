//! What a run will do: a [`Plan`] is a workload with every parameter settled and a seed chosen.
//!
//! An [`OpSource`] turns one mutator's part of it into a stream of [`Op`]s. It holds the only
//! randomness of a run, one ChaCha stream a mutator, so the same plan gives the same streams on
//! every heap and machine. A plan knows nothing of time, and of heaps only the contract.

mod batch;
pub mod case;
mod dice;
mod flat_mix;
mod flow;
mod listener;
mod needs;
mod op;
mod operands;
mod pace;
mod program;
mod source;
mod spacing;
mod unroll;
mod usage;
mod value;
mod weak;

pub use batch::{BATCH_OPS, Batch};
pub use case::{Case, Control, Schedule, Turn};
pub use flow::{Flow, Problem, ProblemKind};
pub(crate) use listener::size;
pub use listener::{Drawn, Listener, StepNumber};
pub use needs::Needs;
pub use op::{Op, OpKind};
pub(crate) use operands::{Operands, STALL_MILLIS_MAX};
pub use pace::{Arrivals, BURST_OPS, Pace, RATE_MAX, Timetable};
pub use source::{OpSource, ProgramPart};
pub(crate) use spacing::{Between, Spacing};
pub(crate) use unroll::yields;
pub use usage::ListUsage;
pub(crate) use weak::may_be_weak;
pub use weak::weak_registers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::heap::{Global, Shape, Slot};

/// Everything that a run is a function of, besides the heap and the schedule.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The workload's name.
    pub workload: String,
    /// A digest of the workload's text, so that results of different texts are not mixed up.
    pub workload_hash: String,
    /// The value of every parameter, as text.
    pub parameters: BTreeMap<String, String>,
    /// The seed of all randomness.
    pub seed: u64,
    /// The mutators, by number.
    pub mutators: Vec<MutatorPlan>,
    /// The shared objects; number i is published in `Global(i)` before any mutator starts.
    pub objects: Vec<SharedObject>,
    /// How many shared roots there are: those of the shared objects, and after them the workload's
    /// mailboxes.
    pub globals: u16,
    /// The maximum number of objects that may be alive at once.
    pub live_limit: u32,
    /// What the run must have done not to be vacuous.
    pub require: Vec<Requirement>,
    /// What the run may cost.
    pub budget: Vec<Ceiling>,
    /// Explanations of verdicts.
    pub notes: Vec<Note>,
}

impl Plan {
    /// What a heap must be able to do to run it.
    pub fn needs(&self) -> Needs {
        Flow::of(self).needs
    }

    /// Requires that mutators got in between each other, if there are several.
    pub fn require_interleaving(&mut self) {
        if self.mutators.len() > 1 {
            self.require.push(Requirement {
                counter: "interleavings".to_owned(),
                at_least: INTERLEAVINGS_MIN,
                asked_by: Asker::Workload,
            });
        }
    }

    /// Gives all mutators together this rate, each an even share of it, whatever the workload says.
    pub fn share_rate(&mut self, rate: Pace) {
        let mutators = self.mutators.len().max(1) as f64;
        for mutator in &mut self.mutators {
            mutator.pace = Some(Pace {
                per_second: rate.per_second / mutators,
                ..rate
            });
        }
    }
}

/// What is required of mutators that are to get in between each other. Two that run one after the
/// other, but for how they start and end, come to two.
const INTERLEAVINGS_MIN: u64 = 4;

/// The greatest value that a counter may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Its name.
    pub counter: String,
    /// The greatest value.
    pub at_most: u64,
}

/// An object that all mutators share.
#[derive(Debug, Clone)]
pub struct SharedObject {
    /// The name in the workload.
    pub name: String,
    /// A list or a counter (or a node).
    pub shape: Shape,
    /// Where it is published.
    pub global: Global,
    /// How the programs use it, if it is a list.
    pub usage: ListUsage,
}

/// One mutator's part.
#[derive(Debug, Clone)]
pub struct MutatorPlan {
    /// The thread group's name and a number: `appender-0`.
    pub name: String,
    /// How many registers the program uses: slots `0..registers`.
    pub registers: u32,
    /// What the workload calls them, by slot; empty if it does not say.
    pub names: Vec<String>,
    /// Registers that hold a shared object from the start, by the object's number. The run fetches
    /// them before `setup`.
    pub held: Vec<(Slot, usize)>,
    /// Run once, before all mutators start together; not timed.
    pub setup: Vec<Step>,
    /// One round; repeated.
    pub body: Vec<Step>,
    /// How many rounds the workload itself asks for; `None`: until the run ends.
    pub rounds: Option<u64>,
    /// Whether it runs only until all mutators that are not in the background are done.
    pub background: bool,
    /// When its operations are scheduled to start; `None`: each as soon as the one before is done.
    pub pace: Option<Pace>,
}

impl MutatorPlan {
    /// Shows every operation that its program may do, each time that it stands there; what is drawn
    /// may be drawn otherwise.
    pub fn each_op(&self, visit: &mut impl FnMut(&Op)) {
        fn each(steps: &[Step], visit: &mut impl FnMut(&Op)) {
            for step in steps {
                match step {
                    Step::Fixed(op) => visit(op),
                    Step::Drawn(template) => visit(&template.op),
                    Step::Repeat { body, .. } => each(body, visit),
                    Step::Mix { arms, .. } => arms.iter().for_each(|arm| each(&arm.body, visit)),
                }
            }
        }
        each(&self.setup, visit);
        each(&self.body, visit);
    }
}

/// One step of a program.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// An operation with nothing left to draw.
    Fixed(Op),
    /// An operation whose open place is drawn anew each time.
    Drawn(Template),
    /// `body`, as often as `times` says; the number is drawn each time the step is reached.
    Repeat {
        /// How often.
        times: Draw,
        /// What.
        body: Vec<Step>,
    },
    /// Arms chosen by weight, as often as `times` says. Each choice is drawn anew.
    Mix {
        /// How often.
        times: Draw,
        /// The alternatives; at least one.
        arms: Vec<Arm>,
    },
}

/// One alternative of a mix.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Its weight; at least 1.
    pub weight: u32,
    /// What it does.
    pub body: Vec<Step>,
}

/// An operation with one number that is drawn anew each time: an index, a count, what is left, or a
/// field (0 or 1).
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// The operation, with any number in the place of the drawn one.
    pub op: Op,
    /// What the number is drawn from.
    pub number: Draw,
}

/// A number: fixed, or drawn from a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Draw {
    /// Always this one.
    Fixed(u64),
    /// Evenly from `low..=high`.
    Uniform {
        /// The least value.
        low: u64,
        /// The greatest value.
        high: u64,
    },
    /// Geometric from 0 upwards with this mean; cut off at 64 times the mean.
    Geometric {
        /// The mean, above 0.
        mean: f64,
    },
}

/// A counter of the run must have reached this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// The counter's name, as in the result.
    pub counter: String,
    /// The least value that will do.
    pub at_least: u64,
    /// Who says so.
    #[serde(default)]
    pub asked_by: Asker,
}

/// Who requires something of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asker {
    /// The workload, which is written for every heap.
    #[default]
    Workload,
    /// The command line, which means this run.
    Command,
}

/// An explanation of a check's verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The check's name.
    pub check: String,
    /// The verdict, as in the result.
    pub verdict: String,
    /// A sentence or two.
    pub text: String,
}
