//! What the tests of this room share, and the tests of what is drawn.

use std::collections::BTreeMap;

use super::draws::Draws;
use crate::plan::{
    Arm, Draw, Drawn, MutatorPlan, Op, OpSource, Plan, ProgramPart, Step, StepNumber, Template,
    size,
};
use crate::workload::{Workload, embedded};

/// The plans of all workloads that come with the program.
pub(super) fn shipped() -> Vec<Plan> {
    let plans = embedded().iter().map(|it| {
        let workload = Workload::parse(it.path, it.text).expect(it.name);
        workload.plan(&[], 7).expect(it.name)
    });
    plans.collect()
}

/// Does a program by what was drawn, as the lowered one does.
pub(super) struct Player<'a> {
    draws: &'a Draws,
    used: BTreeMap<Drawn, usize>,
    ops: Vec<Op>,
    limit: usize,
}

impl<'a> Player<'a> {
    pub(super) fn new(draws: &'a Draws) -> Self {
        Self {
            draws,
            used: BTreeMap::new(),
            ops: Vec::new(),
            limit: usize::MAX,
        }
    }

    fn next(&mut self, place: Drawn) -> u64 {
        let Some(drawn) = self.draws.places.get(&place) else {
            return 0;
        };
        let used = self.used.entry(place).or_default();
        *used += 1;
        drawn[(*used - 1) % drawn.len()]
    }

    pub(super) fn times(&mut self, times: Draw, at: StepNumber) -> u64 {
        match times {
            Draw::Fixed(times) => times,
            _ => self.next(Drawn::Times(at)),
        }
    }

    fn steps(&mut self, steps: &[Step], first: StepNumber) {
        let mut at = first;
        for step in steps {
            if self.ops.len() >= self.limit {
                return;
            }
            match step {
                Step::Fixed(op) => self.ops.push(*op),
                Step::Drawn(template) => {
                    let drawn = self.next(Drawn::Number(at));
                    self.ops.push(with(template, drawn));
                }
                Step::Repeat { times, body } => {
                    for _ in 0..self.times(*times, at) {
                        self.steps(body, at + 1);
                    }
                }
                Step::Mix { times, arms } => {
                    for _ in 0..self.times(*times, at) {
                        self.mix(arms, at);
                    }
                }
            }
            at += size(std::slice::from_ref(step));
        }
    }

    fn mix(&mut self, arms: &[Arm], at: StepNumber) {
        let arm = match arms.len() {
            1 => 0,
            _ => usize::try_from(self.next(Drawn::Arm(at))).expect("a number of an arm"),
        };
        let before = arms[..arm].iter().map(|arm| size(&arm.body));
        self.steps(&arms[arm].body, at + 1 + before.sum::<usize>());
    }
}

/// The operation with this number, as the source itself puts it in.
fn with(template: &Template, drawn: u64) -> Op {
    let number = Draw::Fixed(drawn);
    let op = template.op;
    let plan = MutatorPlan {
        name: String::new(),
        registers: 64,
        names: Vec::new(),
        held: Vec::new(),
        setup: Vec::new(),
        body: vec![Step::Drawn(Template { op, number })],
        rounds: Some(1),
        background: false,
        pace: None,
    };
    let mut source = OpSource::new(&plan, 0, 0, ProgramPart::Rounds, None);
    source.next_batch().expect("there is one operation").ops[0]
}

/// Goal: what is written down of the dice gives the operations of the source itself, in their order,
/// for every workload that comes with the program.
#[test]
fn draws_are_those_of_the_source() {
    const OPS: usize = 4000;
    for plan in shipped() {
        for (number, mutator) in (0..).zip(&plan.mutators) {
            for (part, steps, first) in [
                (ProgramPart::Setup, &mutator.setup, 0),
                (ProgramPart::Rounds, &mutator.body, size(&mutator.setup)),
            ] {
                let draws = Draws::of(mutator, plan.seed, number, part, Some(3));
                let mut player = Player {
                    limit: OPS,
                    ..Player::new(&draws)
                };
                let rounds = if part == ProgramPart::Setup { 1 } else { 3 };
                (0..rounds).for_each(|_| player.steps(steps, first));
                let mut source = OpSource::new(mutator, plan.seed, number, part, Some(3));
                let mut ops = Vec::new();
                while ops.len() < OPS
                    && let Some(batch) = source.next_batch()
                {
                    ops.extend(batch.ops.repeat(batch.times as usize));
                }
                ops.truncate(OPS);
                player.ops.truncate(OPS);
                assert_eq!(player.ops, ops, "{} {}", plan.workload, mutator.name);
            }
        }
    }
}

/// Goal: rounds are kept whole, and repeat: so sums over what was used may be taken at any time.
#[test]
fn rounds_are_kept_whole() {
    let plan = shipped().remove(0);
    let mut mutator = plan.mutators[0].clone();
    let times = Draw::Uniform { low: 1, high: 9 };
    let body = vec![Step::Fixed(Op::Safepoint), Step::Fixed(Op::Collect)];
    mutator.body = vec![Step::Repeat { times, body }];
    let draws = Draws::of(&mutator, 7, 0, ProgramPart::Rounds, Some(5));
    let place = Drawn::Times(size(&mutator.setup));
    let drawn = draws.places[&place].clone();
    assert_eq!((draws.rounds, drawn.len()), (5, 5));
    let (all, two) = (drawn.iter().sum::<u64>(), drawn[..2].iter().sum::<u64>());
    assert_eq!(draws.sum(place, 12), 2 * all + two);
    let ones = drawn.iter().filter(|&&it| it == drawn[0]).count() as u64;
    assert_eq!(draws.among(place, 5, drawn[0]), ones);
}
