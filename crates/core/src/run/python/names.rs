//! What registers and shared roots are called in a Python program.

use std::collections::BTreeSet;

use crate::plan::{MutatorPlan, Plan};

/// Words that a program uses for something else: Python's own, and those of the run time.
const TAKEN: &str = "False None True and as assert async await break class continue def del elif else \
    except finally for from global if import in is lambda nonlocal not or pass raise return try while \
    with yield int len list next range type min max print id sum map iter islice gc sys time me n m \
    arm index found acc was took ref now tick park pause chunks sleep Node Leaf List Counter lost won \
    wrong seats main";

/// The register names of one program, by slot.
pub(super) fn registers(mutator: &MutatorPlan) -> Vec<String> {
    let mut used: BTreeSet<String> = TAKEN.split_whitespace().map(str::to_owned).collect();
    let named = (0..mutator.registers as usize).map(|slot| {
        let name = match mutator.names.get(slot) {
            Some(name) => identifier(name.strip_prefix("the ").unwrap_or(name)),
            None => format!("r{slot}"),
        };
        unused(name, &mut used)
    });
    named.collect()
}

/// The names of the shared roots, by number.
pub(super) fn roots(plan: &Plan) -> Vec<String> {
    let mut used = BTreeSet::new();
    let objects = plan.objects.iter();
    let mut names: Vec<String> = objects
        .map(|object| unused(format!("shared_{}", identifier(&object.name)), &mut used))
        .collect();
    for mailbox in 0..usize::from(plan.globals).saturating_sub(names.len()) {
        names.push(unused(format!("mailbox_{mailbox}"), &mut used));
    }
    names
}

/// The name of the function of the group that this mutator belongs to.
pub(super) fn group(mutator: &MutatorPlan, used: &mut BTreeSet<String>) -> String {
    let name = match mutator.name.rsplit_once('-') {
        Some((name, number)) if number.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => &mutator.name,
    };
    unused(format!("run_{}", identifier(name)), used)
}

fn unused(name: String, used: &mut BTreeSet<String>) -> String {
    let mut name = name;
    while used.contains(&name) {
        name.push('_');
    }
    used.insert(name.clone());
    name
}

/// The name with everything replaced that Python does not allow in one.
fn identifier(name: &str) -> String {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let name: String = name
        .chars()
        .map(|letter| if is_word(letter) { letter } else { '_' })
        .collect();
    match name.chars().next() {
        Some(first) if !first.is_ascii_digit() => name,
        _ => format!("r_{name}"),
    }
}
