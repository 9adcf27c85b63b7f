//! Removes the mutators, registers, roots and room that a case does not use, and renumbers the
//! rest.

use std::cmp::Ordering;

use crate::heap::{Finalizer, Global, Slot};
use crate::plan::{Case, Op, Turn};

/// The case with only the mutators, registers and roots that its turns name, and no more room than
/// its objects can fill. Shared objects and the registers that hold them stay.
pub(super) fn tidied(case: &Case) -> Case {
    let mut tidy = case.clone();
    drop_idle_mutators(&mut tidy);
    renumber_roots(&mut tidy);
    renumber_registers(&mut tidy);
    let made = tidy.all_turns().filter(|turn| makes(turn.op)).count();
    let room = made + tidy.shared.len() + 1;
    tidy.capacity = tidy.capacity.min(u32::try_from(room).unwrap_or(u32::MAX));
    tidy
}

fn makes(op: Op) -> bool {
    matches!(op, Op::Alloc { .. } | Op::AllocFinalized { .. })
}

fn drop_idle_mutators(case: &mut Case) {
    let is_busy: Vec<bool> = (0..case.mutators.len())
        .map(|number| case.all_turns().any(|turn| turn.mutator as usize == number))
        .collect();
    if !is_busy.iter().any(|busy| *busy) {
        case.mutators.truncate(1);
        return;
    }
    let numbers: Vec<u32> = is_busy
        .iter()
        .scan(0, |next, busy| {
            let number = *next;
            *next += u32::from(*busy);
            Some(number)
        })
        .collect();
    for turn in case.setup.iter_mut().chain(&mut case.turns) {
        turn.mutator = numbers[turn.mutator as usize];
    }
    let mut is_busy = is_busy.into_iter();
    case.mutators.retain(|_| is_busy.next().unwrap_or(true));
}

fn renumber_roots(case: &mut Case) {
    let first = case.shared.len();
    let mut numbers: Vec<Option<u16>> = vec![None; usize::from(case.roots)];
    let mut next = u16::try_from(first).unwrap_or(u16::MAX);
    for (number, slot) in (0..).zip(&mut numbers).take(first) {
        *slot = Some(number);
    }
    for turn in case.setup.iter_mut().chain(&mut case.turns) {
        if let Some(root) = root_of(&mut turn.op) {
            let number = numbers[usize::from(root.0)].get_or_insert(next);
            next += u16::from(*number == next);
            *root = Global(*number);
        }
    }
    case.roots = next;
}

/// Removes a shared object, so that the registers that held it start out empty; `None` if a turn
/// names its root.
pub(super) fn unshare(case: &mut Case, object: usize) -> Option<()> {
    for turn in case.setup.iter_mut().chain(&mut case.turns) {
        let Some(root) = root_of(&mut turn.op) else {
            continue;
        };
        match usize::from(root.0).cmp(&object) {
            Ordering::Less => {}
            Ordering::Equal => return None,
            Ordering::Greater => root.0 -= 1,
        }
    }
    case.shared.remove(object);
    case.roots -= 1;
    for mutator in &mut case.mutators {
        mutator.held.retain(|(_, held)| *held != object);
        for (_, held) in &mut mutator.held {
            *held -= usize::from(*held > object);
        }
    }
    Some(())
}

fn root_of(op: &mut Op) -> Option<&mut Global> {
    match op {
        Op::Publish { global, .. }
        | Op::Fetch { global, .. }
        | Op::AllocFinalized {
            finalizer: Finalizer::Resurrect(global),
            ..
        } => Some(global),
        _ => None,
    }
}

fn renumber_registers(case: &mut Case) {
    for number in 0..case.mutators.len() {
        let mutator = &case.mutators[number];
        let mut numbers: Vec<Option<u32>> = vec![None; mutator.registers as usize];
        let mut next = 0;
        let mut name = |slot: &mut Slot| {
            let number = numbers[slot.0 as usize].get_or_insert(next);
            next += u32::from(*number == next);
            *slot = Slot(*number);
        };
        let mut held = mutator.held.clone();
        held.iter_mut().for_each(|(slot, _)| name(slot));
        let turns = case.setup.iter_mut().chain(&mut case.turns);
        for turn in turns.filter(|turn| turn.mutator as usize == number) {
            each_slot(&mut turn.op, &mut name);
        }
        case.mutators[number].held = held;
        case.mutators[number].registers = next;
    }
}

/// Gives the turns of mutator `gone` to mutator `heir`, which gets the registers of `gone` after
/// its own. `None` if `gone` has no turns, or if one of the two rejoins: that would empty the
/// registers of both.
pub(super) fn merge(case: &mut Case, gone: u32, heir: u32) -> Option<()> {
    let rejoins = |turn: &Turn| turn.op == Op::Rejoin && [gone, heir].contains(&turn.mutator);
    let is_busy = case.all_turns().any(|turn| turn.mutator == gone);
    if !is_busy || case.all_turns().any(rejoins) {
        return None;
    }
    let offset = case.mutators.get(heir as usize)?.registers;
    let more = case.mutators.get(gone as usize)?.clone();
    for turn in case.setup.iter_mut().chain(&mut case.turns) {
        if turn.mutator == gone {
            turn.mutator = heir;
            each_slot(&mut turn.op, &mut |slot| slot.0 += offset);
        }
    }
    let merged = &mut case.mutators[heir as usize];
    merged.registers += more.registers;
    let held = more.held.into_iter();
    merged
        .held
        .extend(held.map(|(slot, object)| (Slot(slot.0 + offset), object)));
    Some(())
}

/// Calls `name` with every register that an operation names.
fn each_slot(op: &mut Op, name: &mut impl FnMut(&mut Slot)) {
    match op {
        Op::Alloc { dst: a, .. }
        | Op::AllocFinalized { dst: a, .. }
        | Op::Clear { slot: a }
        | Op::Erase { obj: a, .. }
        | Op::Peek { slot: a }
        | Op::Len { list: a, .. }
        | Op::TruncateFront { list: a, .. }
        | Op::TruncateFrontTo { list: a, .. }
        | Op::TruncateBack { list: a, .. }
        | Op::TruncateBackTo { list: a, .. }
        | Op::Add { counter: a, .. }
        | Op::Read { counter: a }
        | Op::WriteBack { counter: a, .. }
        | Op::Publish { src: a, .. }
        | Op::Fetch { dst: a, .. } => name(a),
        Op::Copy { dst: a, src: b }
        | Op::Load { dst: a, obj: b, .. }
        | Op::Store { obj: a, val: b, .. }
        | Op::Append { list: a, val: b }
        | Op::Get {
            dst: a, list: b, ..
        }
        | Op::Set {
            list: a, val: b, ..
        }
        | Op::Pop { dst: a, list: b }
        | Op::Downgrade { dst: a, src: b }
        | Op::Upgrade { dst: a, weak: b } => {
            name(a);
            name(b);
        }
        Op::Safepoint | Op::Collect | Op::Rejoin | Op::Stall { .. } => {}
    }
}
