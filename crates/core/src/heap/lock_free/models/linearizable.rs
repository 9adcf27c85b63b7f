//! Whether a history of a list is linearizable: whether each operation can be put at one point
//! between its start and its end, such that a sequential list gives the same answers and ends the
//! same.
//!
//! This is Wing and Gong's search (Testing and Verifying Concurrent Objects, JPDC 1993) without
//! memoization, since histories here have ten operations or so.

use crate::heap::ObjectId;

/// What was asked, and what came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Append(ObjectId),
    Len(u64),
    Get(u64, Option<ObjectId>),
    Set(u64, ObjectId, bool),
    Pop(Option<ObjectId>),
    Cut(u64),
    /// A pop whose result is dropped.
    Drop,
}

/// A call and the times of its start and end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) call: Call,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Fails unless the history has an order that leads from `initial` to `last`.
pub(super) fn assert_linearizable(initial: &[ObjectId], history: &[Event], last: &[ObjectId]) {
    assert!(
        extend(initial, history, last, 0),
        "not linearizable: {initial:?}, then {history:?}, then {last:?}"
    );
}

fn extend(list: &[ObjectId], history: &[Event], last: &[ObjectId], done: u32) -> bool {
    if done.count_ones() as usize == history.len() {
        return list == last;
    }
    let is_open = |index: usize| done & 1 << index == 0;
    (0..history.len()).any(|index| {
        let event = history[index];
        let is_next = is_open(index)
            && (0..history.len()).all(|other| !is_open(other) || history[other].end >= event.start);
        let mut list = list.to_vec();
        is_next && answer(&mut list, event.call) && extend(&list, history, last, done | 1 << index)
    })
}

/// Applies the call to the list; returns whether the answer is the same.
fn answer(list: &mut Vec<ObjectId>, call: Call) -> bool {
    let at = |index: u64| usize::try_from(index).expect("a small index");
    match call {
        Call::Append(element) => {
            list.push(element);
            true
        }
        Call::Len(len) => list.len() as u64 == len,
        Call::Get(index, found) => list.get(at(index)).copied() == found,
        Call::Set(index, element, is_set) => match list.get_mut(at(index)) {
            Some(place) => {
                *place = element;
                is_set
            }
            None => !is_set,
        },
        Call::Pop(popped) => list.pop() == popped,
        Call::Drop => {
            list.pop();
            true
        }
        Call::Cut(count) => {
            let count = at(count).min(list.len());
            list.drain(..count);
            true
        }
    }
}
