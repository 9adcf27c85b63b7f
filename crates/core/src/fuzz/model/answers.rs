//! Compares what the heap answered with what it should have answered.

use super::Wrong;
use crate::evidence::{Answer, Seen};
use crate::plan::{Op, OpKind};

/// Compares an answer with the model's.
pub(super) fn compare(op: Op, expected: Answer, answered: Answer) -> Result<(), Wrong> {
    if expected == answered {
        return Ok(());
    }
    let check = match op.kind() {
        OpKind::Len | OpKind::TruncateFront | OpKind::TruncateBack => "length",
        OpKind::Read => "counter",
        OpKind::Upgrade => "weak",
        _ => "conservation",
    };
    let (name, answered, expected) = (op.kind().name(), told(answered), told(expected));
    let text = format!("{name} answered {answered} and should have answered {expected}");
    Err(Wrong::new(check, text))
}

fn told(answer: Answer) -> String {
    match answer {
        Answer::Nothing => "nothing".to_owned(),
        Answer::Found(is_found) => if is_found { "yes" } else { "no" }.to_owned(),
        Answer::Length(length) => length.to_string(),
        Answer::Value(value) => value.to_string(),
        Answer::NoRoom => "that there is no room".to_owned(),
    }
}

/// Compares what a register leads to after an operation with the model's.
pub(super) fn compare_seen(op: Op, expected: Seen, seen: Seen) -> Result<(), Wrong> {
    if expected == seen {
        return Ok(());
    }
    let check = match (seen, op.kind()) {
        (Seen::Stale | Seen::Stranger, _) => "dangling",
        (_, OpKind::Upgrade) => "weak",
        (Seen::Object(_), OpKind::Get | OpKind::Pop) => "order",
        _ => "conservation",
    };
    let (name, seen, expected) = (op.kind().name(), told_seen(seen), told_seen(expected));
    let text = format!("{name} left {seen} in its register, where {expected} should be");
    Err(Wrong::new(check, text))
}

fn told_seen(seen: Seen) -> String {
    match seen {
        Seen::Unseen | Seen::Empty => "nothing".to_owned(),
        Seen::Object(name) => name.to_string(),
        Seen::Stranger => "an object that was never made here".to_owned(),
        Seen::Stale => "a reference to a freed cell".to_owned(),
    }
}
