//! What the dice decide, written down for a program that has none: whole rounds of a mutator's draws,
//! by the place at which they are used.
//!
//! A run may draw more than fits into a file, so what is kept is some half a million draws, to the end
//! of a round. After that the rounds repeat from the first. One round that alone draws more than
//! [`DRAWS_MAX`] is cut off there, and then every place repeats by itself.

use std::collections::BTreeMap;

use crate::plan::{Drawn, Listener, MutatorPlan, OpSource, ProgramPart, Step};

/// No further round is kept after so many draws: half a megabyte for each mutator, and seconds of any
/// interpreter's time.
const DRAWS_ENOUGH: usize = 500_000;
/// A round that draws more is cut off.
const DRAWS_MAX: usize = 16_000_000;
/// As many rounds as anybody will want repeated exactly, if a round draws next to nothing.
const ROUNDS_ENOUGH: u64 = 100_000;
/// A round with more batches than this is cut off: a minute of drawing nothing.
const BATCHES_MAX: u64 = 1 << 22;

/// What one part of a mutator's program draws.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draws {
    /// By place, in the order of use.
    pub(super) places: BTreeMap<Drawn, Vec<u64>>,
    /// How many rounds these are; 0 if not even one is whole.
    pub(super) rounds: u64,
}

impl Draws {
    /// What is drawn for one part of a mutator's program.
    pub(super) fn of(
        plan: &MutatorPlan,
        seed: u64,
        mutator: u32,
        part: ProgramPart,
        rounds: Option<u64>,
    ) -> Self {
        let steps = match part {
            ProgramPart::Setup => &plan.setup,
            ProgramPart::Rounds => &plan.body,
        };
        if !draws(steps) {
            return Self::default();
        }
        let mut source = OpSource::told_to(Notes::default(), plan, seed, mutator, part, rounds);
        let mut batches = 0;
        while !source.listener().is_enough()
            && batches < BATCHES_MAX
            && source.next_batch().is_some()
        {
            batches += 1;
        }
        source.listener().draws()
    }

    /// The sum of the first `count` draws at a place, which repeat.
    pub(super) fn sum(&self, place: Drawn, count: u64) -> u64 {
        self.fold(place, count, |drawn| drawn)
    }

    /// How often `value` is among the first `count` draws at a place.
    pub(super) fn among(&self, place: Drawn, count: u64, value: u64) -> u64 {
        self.fold(place, count, |drawn| u64::from(drawn == value))
    }

    fn fold(&self, place: Drawn, count: u64, of: impl Fn(u64) -> u64) -> u64 {
        let Some(drawn) = self.places.get(&place).filter(|drawn| !drawn.is_empty()) else {
            return of(0).saturating_mul(count);
        };
        let sum = |drawn: &[u64]| drawn.iter().map(|&drawn| of(drawn)).sum::<u64>();
        let len = drawn.len() as u64;
        let rest = usize::try_from(count % len).unwrap_or(0);
        let whole = if count < len { 0 } else { sum(drawn) };
        whole.saturating_mul(count / len) + sum(&drawn[..rest])
    }
}

/// Whether anything is drawn in these steps.
fn draws(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Fixed(_) => false,
        Step::Drawn(_) | Step::Mix { .. } => true,
        Step::Repeat { times, body } => {
            !matches!(times, crate::plan::Draw::Fixed(_)) || draws(body)
        }
    })
}

/// What was drawn so far.
#[derive(Debug, Default)]
struct Notes {
    places: BTreeMap<Drawn, Vec<u64>>,
    total: usize,
    /// How much of each place belongs to the rounds that are kept.
    kept: BTreeMap<Drawn, usize>,
    rounds: u64,
    is_full: bool,
}

impl Listener for Notes {
    fn drew(&mut self, what: Drawn, drawn: u64) {
        self.total += 1;
        self.places.entry(what).or_default().push(drawn);
    }

    fn finished_round(&mut self) {
        if self.is_full {
            return;
        }
        self.kept = (self.places.iter())
            .map(|(place, drawn)| (*place, drawn.len()))
            .collect();
        self.rounds += 1;
        self.is_full = self.total >= DRAWS_ENOUGH || self.rounds >= ROUNDS_ENOUGH;
    }
}

impl Notes {
    fn is_enough(&self) -> bool {
        self.is_full || self.total >= DRAWS_MAX
    }

    fn draws(&self) -> Draws {
        let mut places = self.places.clone();
        if self.rounds > 0 {
            for (place, drawn) in &mut places {
                drawn.truncate(self.kept.get(place).copied().unwrap_or(0));
            }
        }
        places.retain(|_, drawn| !drawn.is_empty());
        Draws {
            places,
            rounds: self.rounds,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::plan::{Arm, Draw, Op, Plan, StepNumber, Template, size};
    use crate::workload::{Workload, embedded};

    /// The plans of all workloads that come with the program.
    pub(in super::super) fn shipped() -> Vec<Plan> {
        let plans = embedded().iter().map(|it| {
            let workload = Workload::parse(it.path, it.text).expect(it.name);
            workload.plan(&[], 7).expect(it.name)
        });
        plans.collect()
    }

    /// Does a program by what was drawn, as the lowered one does.
    pub(in super::super) struct Player<'a> {
        draws: &'a Draws,
        used: BTreeMap<Drawn, usize>,
        ops: Vec<Op>,
        limit: usize,
    }

    impl<'a> Player<'a> {
        pub(in super::super) fn new(draws: &'a Draws) -> Self {
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

        pub(in super::super) fn times(&mut self, times: Draw, at: StepNumber) -> u64 {
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
}
