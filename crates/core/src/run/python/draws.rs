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
/// No further round is kept after so many batches, of which most may draw nothing: a fraction of a
/// second.
const BATCHES_ENOUGH: u64 = 1 << 18;
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
        while !source.listener().is_enough(batches) && source.next_batch().is_some() {
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
    /// Whether to stop after this many batches.
    fn is_enough(&self, batches: u64) -> bool {
        self.is_full
            || self.total >= DRAWS_MAX
            || batches >= BATCHES_MAX
            || (batches >= BATCHES_ENOUGH && self.rounds > 0)
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
