//! A mix whose arms are short, drawn without an unpredictable branch per operation.
//!
//! Interpreting an arm requires a branch on its number. As that number is random, the branch is
//! often mispredicted, which costs some 5 ns, more than everything else together. So a batch is
//! made in two passes. The first draws all choices and copies each arm's pattern, always the same
//! number of operations wide, whatever the length of the arm. The second goes arm by arm and fills
//! in the drawn numbers, in a loop of its own for each kind of operation.

use super::batch::BATCH_OPS;
use super::dice::{Dice, Geometric};
use super::unroll::unroll;
use super::{Arm, Draw, Drawn, Listener, Op, Step, StepNumber, Template, size};
use crate::heap::Field;

/// The longest arm, and so the widest pattern: 128 bytes to copy for a choice.
pub(super) const WIDTH_MAX: usize = 8;

/// The largest table of choices (one byte a unit of weight): an eighth of a level-1 cache.
const TABLE_MAX: u64 = 4096;

/// A mix compiled to tables.
#[derive(Debug)]
pub(super) struct FlatMix {
    /// The arm for each unit of weight.
    table: Vec<u8>,
    arms: Vec<Pattern>,
    /// The mix's own step.
    step: StepNumber,
    /// The longest arm, rounded up to a power of two.
    width: usize,
    /// For each arm, where in the batch it was put. Scratch space.
    places: Vec<[u16; BATCH_OPS]>,
}

#[derive(Debug)]
struct Pattern {
    ops: [Op; WIDTH_MAX],
    len: usize,
    /// The operations with a number to draw, by their offsets in the pattern.
    open: Vec<(usize, Template, StepNumber)>,
}

/// Operations that will be handed out next, with room for one more pattern behind them.
#[derive(Debug)]
pub(super) struct Buffer {
    ops: Box<[Op; BATCH_OPS + WIDTH_MAX]>,
    len: usize,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            ops: Box::new([Op::Safepoint; BATCH_OPS + WIDTH_MAX]),
            len: 0,
        }
    }

    #[inline]
    pub(super) fn room(&self) -> usize {
        BATCH_OPS - self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn filled(&self) -> &[Op] {
        &self.ops[..self.len]
    }

    #[inline]
    pub(super) fn push(&mut self, op: Op) {
        self.ops[self.len] = op;
        self.len += 1;
    }

    pub(super) fn extend(&mut self, ops: &[Op]) {
        self.ops[self.len..self.len + ops.len()].copy_from_slice(ops);
        self.len += ops.len();
    }
}

impl FlatMix {
    /// `None` if there are too many arms, or one is too long or has a loop of a drawn length.
    pub(super) fn new(arms: &[Arm], step: StepNumber) -> Option<Self> {
        let shared = arms.iter().fold(0, |divisor, arm| gcd(divisor, arm.weight));
        let total: u64 = arms.iter().map(|arm| u64::from(arm.weight / shared)).sum();
        if total > TABLE_MAX {
            return None;
        }
        let mut table = Vec::new();
        for (number, arm) in arms.iter().enumerate() {
            let number = u8::try_from(number).ok()?;
            table.extend(std::iter::repeat_n(number, (arm.weight / shared) as usize));
        }
        let mut number = step + 1;
        let patterns = arms.iter().map(|arm| {
            let pattern = Pattern::new(&arm.body, number);
            number += size(&arm.body);
            pattern
        });
        let arms: Vec<Pattern> = patterns.collect::<Option<_>>()?;
        let longest = arms.iter().map(|arm| arm.len).max()?;
        Some(Self {
            table,
            step,
            width: longest.max(1).next_power_of_two(),
            places: vec![[0; BATCH_OPS]; arms.len()],
            arms,
        })
    }

    /// Draws up to `times` choices into `buffer`, as many as there is room for; returns how many.
    pub(super) fn fill<L: Listener>(
        &mut self,
        times: u64,
        dice: &mut Dice,
        buffer: &mut Buffer,
        listener: &mut L,
    ) -> u64 {
        let room = buffer.room() / self.width;
        let count = usize::try_from(times).map_or(room, |times| times.min(room));
        match self.width {
            1 => self.fill_wide::<1, L>(count, dice, buffer, listener),
            2 => self.fill_wide::<2, L>(count, dice, buffer, listener),
            4 => self.fill_wide::<4, L>(count, dice, buffer, listener),
            _ => self.fill_wide::<WIDTH_MAX, L>(count, dice, buffer, listener),
        }
        count as u64
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a table has at most 4096 entries, a batch 1024"
    )]
    fn fill_wide<const WIDTH: usize, L: Listener>(
        &mut self,
        count: usize,
        dice: &mut Dice,
        to: &mut Buffer,
        listener: &mut L,
    ) {
        let Self {
            step,
            table,
            arms,
            places,
            ..
        } = self;
        let mut taken = [0usize; u8::MAX as usize + 1];
        let mut at = to.len;
        let mut put = |arm: usize| {
            let pattern = &arms[arm];
            to.ops[at..at + WIDTH].copy_from_slice(&pattern.ops[..WIDTH]);
            places[arm][taken[arm]] = at as u16;
            taken[arm] += 1;
            at += pattern.len;
        };
        if let [only] = table[..] {
            (0..count).for_each(|_| put(usize::from(only)));
        } else {
            let bound = table.len() as u32;
            dice.below_each(bound, count, |_, drawn| {
                let arm = table[drawn as usize];
                listener.drew(Drawn::Arm(*step), arm.into());
                put(usize::from(arm));
            });
        }
        to.len = at;
        for ((pattern, places), taken) in arms.iter().zip(places).zip(taken) {
            for (offset, template, step) in &pattern.open {
                template.scatter(&places[..taken], *offset, dice, to, &mut |drawn| {
                    listener.drew(Drawn::Number(*step), drawn);
                });
            }
        }
    }
}

impl Pattern {
    fn new(body: &[Step], first: StepNumber) -> Option<Self> {
        let mut number = first;
        let mut pattern = Self {
            ops: [Op::Safepoint; WIDTH_MAX],
            len: 0,
            open: Vec::new(),
        };
        for step in body {
            if let Step::Drawn(template) = step {
                pattern.open.push((pattern.len, template.clone(), number));
                pattern.push(Op::Safepoint)?;
            } else {
                unroll(step)?
                    .into_iter()
                    .try_for_each(|op| pattern.push(op))?;
            }
            number += size(std::slice::from_ref(step));
        }
        Some(pattern)
    }

    fn push(&mut self, op: Op) -> Option<()> {
        *self.ops.get_mut(self.len)? = op;
        self.len += 1;
        Some(())
    }
}

impl Template {
    /// The operation, drawn; `tell` is told the number.
    pub(super) fn draw(&self, dice: &mut Dice, tell: &mut impl FnMut(u64)) -> Op {
        let mut buffer = Op::Safepoint;
        self.each(dice, 1, tell, |_, op| buffer = op);
        buffer
    }

    fn scatter(
        &self,
        places: &[u16],
        offset: usize,
        dice: &mut Dice,
        to: &mut Buffer,
        tell: &mut impl FnMut(u64),
    ) {
        self.each(dice, places.len(), tell, |number, op| {
            to.ops[usize::from(places[number]) + offset] = op;
        });
    }

    /// Draws the operation `count` times; the kind of operation is matched only once.
    #[inline]
    fn each(
        &self,
        dice: &mut Dice,
        count: usize,
        tell: &mut impl FnMut(u64),
        mut put: impl FnMut(usize, Op),
    ) {
        let draw = self.number;
        match self.op {
            Op::Get { dst, list, .. } => repeat(draw, dice, count, tell, put, |drawn| {
                let index = saturate(drawn);
                Op::Get { dst, list, index }
            }),
            Op::Set { list, val, .. } => repeat(draw, dice, count, tell, put, |drawn| {
                let index = saturate(drawn);
                Op::Set { list, index, val }
            }),
            Op::TruncateFront { list, .. } => repeat(draw, dice, count, tell, put, |count| {
                Op::TruncateFront { list, count }
            }),
            Op::TruncateFrontTo { list, .. } => repeat(draw, dice, count, tell, put, |leave| {
                Op::TruncateFrontTo { list, leave }
            }),
            Op::TruncateBack { list, .. } => repeat(draw, dice, count, tell, put, |count| {
                Op::TruncateBack { list, count }
            }),
            Op::TruncateBackTo { list, .. } => repeat(draw, dice, count, tell, put, |leave| {
                Op::TruncateBackTo { list, leave }
            }),
            Op::Load { dst, obj, .. } => repeat(draw, dice, count, tell, put, |drawn| {
                let field = Field(u8::from(drawn != 0));
                Op::Load { dst, obj, field }
            }),
            Op::Store { obj, val, .. } => repeat(draw, dice, count, tell, put, |drawn| {
                let field = Field(u8::from(drawn != 0));
                Op::Store { obj, field, val }
            }),
            has_no_number => (0..count).for_each(|number| put(number, has_no_number)),
        }
    }
}

/// An index beyond `u32` is out of range of every list, and so is the greatest `u32`.
fn saturate(index: u64) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[inline]
fn repeat(
    draw: Draw,
    dice: &mut Dice,
    count: usize,
    tell: &mut impl FnMut(u64),
    mut put: impl FnMut(usize, Op),
    make: impl Fn(u64) -> Op,
) {
    if let Draw::Fixed(value) = draw {
        return (0..count).for_each(|number| put(number, make(value)));
    }
    let mut put = |number: usize, drawn: u64| {
        tell(drawn);
        put(number, make(drawn));
    };
    match draw {
        Draw::Fixed(_) => {}
        Draw::Uniform { low, high } => match u32::try_from(high - low) {
            Ok(span) if span < u32::MAX => dice.below_each(span + 1, count, |number, drawn| {
                put(number, low + u64::from(drawn));
            }),
            _ => (0..count).for_each(|number| put(number, dice.between(low, high))),
        },
        Draw::Geometric { mean } => {
            let geometric = Geometric::new(mean);
            for number in 0..count {
                put(number, dice.geometric(geometric));
            }
        }
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
