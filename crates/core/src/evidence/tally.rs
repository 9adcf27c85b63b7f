//! What the operations did, counted by the mutator that did them.
//!
//! Tallies are kept by shared object, so that the sums over all mutators can be compared with what
//! is in the object at the end. A tally knows what was asked for and what was answered, and nothing
//! of how the heap did it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Anomalies, Name};
use crate::heap::{ObjectId, Peek};

/// What one mutator did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Operations by kind.
    pub ops: BTreeMap<String, u64>,
    /// Those of them that the mutator's setup did before the common start. Rates do not include
    /// them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub setup_ops: BTreeMap<String, u64>,
    /// What it did to each shared list that it holds, by the list's number in the plan.
    pub lists: BTreeMap<usize, ListTally>,
    /// What it did to each shared counter that it holds, by the counter's number in the plan.
    pub counters: BTreeMap<usize, CounterTally>,
    /// What became of its weak references.
    pub weak: WeakTally,
    /// Fetches that met an object whose finalizer had run.
    pub resurrected: u64,
    /// What it found in its own registers.
    #[serde(default)]
    pub peeks: PeekTally,
    /// What it could tell of its answers by itself.
    #[serde(default)]
    pub answers: AnswerTally,
}

/// What one mutator was answered while it kept a model of all that it alone can reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerTally {
    /// Operations that were followed.
    pub followed: u64,
    /// Answers, and contents of registers and fields, that the model predicted.
    pub judged: u64,
    /// Those of them that were wrong.
    pub wrong: Anomalies,
    /// Appends that were refused although there was a list and an object to append.
    #[serde(default)]
    pub refused: u64,
    /// What was found where it looked, likewise.
    pub looks: PeekTally,
}

/// What one mutator found when it looked at what its registers refer to. It held those references
/// all the while, so every object should have been alive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeekTally {
    /// Objects and broken references that were found.
    pub found: u64,
    /// References that the heap recognised as broken: their objects were freed.
    pub stale: u64,
    /// Objects that were dead, by their tags.
    pub dead: u64,
}

impl PeekTally {
    /// Counts a look at a register.
    #[inline]
    pub fn see(&mut self, seen: Peek) {
        match seen {
            Peek::Empty => return,
            Peek::Object(id) => self.dead += u64::from(!id.state().is_alive()),
            Peek::Stale => self.stale += 1,
        }
        self.found += 1;
    }
}

/// What one mutator did to one list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTally {
    /// Elements appended.
    pub appended: u64,
    /// Appends that the heap refused.
    pub refused: u64,
    /// Elements popped.
    pub popped: u64,
    /// Those that had been popped before, though nothing gets into the list more than once.
    #[serde(default)]
    pub popped_again: Anomalies,
    /// Elements replaced by `set`.
    pub replaced: u64,
    /// Elements that truncations were asked to remove, at most; saturating.
    pub truncation_asked: u64,
    /// Lengths read.
    pub len_reads: u64,
    /// The greatest length read.
    pub len_max: u64,
    /// Lengths read above the bound that the workload notes.
    pub noted: u64,
    /// Elements removed by this mutator's pops and truncations; exact only if no other mutator
    /// changes the list.
    pub model_removed: u64,
    /// The greatest length before any removal, by the model.
    model_len_max: u64,
    /// Lengths read that differ from [`model_len`](Self::model_len); meaningful only if no other
    /// mutator changes the list.
    pub model_misses: u64,
    /// The first of these: (model, read).
    pub model_first_miss: Option<(u64, u64)>,
    /// Its share in the list, where several mutators change it.
    #[serde(default)]
    pub share: Share,
}

/// How much one mutator contributed to a list's length, and what the lengths that it read say about
/// the others.
///
/// A length is the sum of the shares of all mutators. A mutator's share is the number of elements
/// that it appended, less the number that it removed. Of a truncation it is known only how many
/// elements it was asked to remove, so a share lies between two bounds: if every truncation removed
/// all that it was asked to, and if none removed anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The least value of the lower bound in the run.
    pub least: i64,
    /// The greatest value of the upper bound just before something was removed.
    greatest: i64,
    /// The shares of the others together were at most this at some moment …
    pub others_at_most: Option<i64>,
    /// … and at least this at some moment.
    pub others_at_least: Option<i64>,
    /// The upper bound of the others' shares when it last read a length.
    last: i64,
    /// The largest fall of that bound from one length to the next; the others removed at least as
    /// many.
    pub fall: i64,
}

impl ListTally {
    /// The length that the list has if nobody else changes it.
    pub fn model_len(&self) -> u64 {
        self.appended - self.model_removed
    }

    /// The greatest length that it had by that model.
    pub fn model_len_max(&self) -> u64 {
        self.model_len_max.max(self.model_len())
    }

    /// Counts an appended element. This is the most frequent of all, so it is one addition.
    #[inline]
    pub fn append(&mut self) {
        self.appended += 1;
    }

    /// Counts a refused append.
    #[cold]
    pub fn refuse(&mut self) {
        self.refused += 1;
    }

    /// Counts a popped element.
    #[inline]
    pub fn pop(&mut self) {
        self.share.greatest = self.share_greatest();
        self.popped += 1;
        self.remove(1);
    }

    /// Counts an element that was popped for the second time.
    #[cold]
    pub fn pop_again(&mut self, element: ObjectId) {
        let name = Name::in_words(element);
        self.popped_again.add(|| format!("{name} was popped again"));
    }

    /// Counts a truncation that was asked to remove up to `count` elements.
    #[inline]
    pub fn truncate(&mut self, count: u64) {
        self.truncation_asked = self.truncation_asked.saturating_add(count);
        self.remove(count);
    }

    fn remove(&mut self, count: u64) {
        let len = self.model_len();
        self.model_len_max = self.model_len_max.max(len);
        self.model_removed += count.min(len);
        self.share.least = self.share.least.min(self.share_at_least());
    }

    /// Its share, if its truncations removed all that they were asked to.
    fn share_at_least(&self) -> i64 {
        signed(self.appended).saturating_sub(self.removed_at_most())
    }

    /// Its share, if its truncations removed nothing.
    fn share_at_most(&self) -> i64 {
        signed(self.appended) - signed(self.popped)
    }

    /// The greatest value that its share can have had.
    pub fn share_greatest(&self) -> i64 {
        self.share.greatest.max(self.share_at_most())
    }

    /// The greatest number of elements that it can have removed.
    pub fn removed_at_most(&self) -> i64 {
        signed(self.popped).saturating_add(signed(self.truncation_asked))
    }

    /// Counts a length that was read.
    #[inline]
    pub fn len(&mut self, len: u64, note_above: u64) {
        self.len_reads += 1;
        self.len_max = self.len_max.max(len);
        self.noted += u64::from(len > note_above);
        let model = self.model_len();
        if len != model {
            self.model_misses += 1;
            self.model_first_miss.get_or_insert((model, len));
        }
        self.leave_to_others(signed(len));
    }

    /// Notes what a length that was read says about the shares of the others.
    #[inline]
    fn leave_to_others(&mut self, len: i64) {
        let at_most = len.saturating_sub(self.share_at_least());
        let at_least = len.saturating_sub(self.share_at_most());
        let share = &mut self.share;
        if let Some(before) = share.others_at_most {
            share.fall = share.fall.max(share.last.saturating_sub(at_most));
            share.others_at_most = Some(before.min(at_most));
        } else {
            share.others_at_most = Some(at_most);
        }
        share.last = at_most;
        let most = share
            .others_at_least
            .map_or(at_least, |least| least.max(at_least));
        share.others_at_least = Some(most);
    }
}

/// A count as a part of a sum; no run comes near the limit, but a truncation may be asked to remove
/// it.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What became of one mutator's weak references.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeakTally {
    /// Upgrades that succeeded.
    pub upgraded: u64,
    /// Upgrades that failed, of registers that hold weak references and nothing else.
    pub lost: u64,
    /// Upgrades that could be judged by what the mutator itself held.
    pub judged: u64,
    /// Judged upgrades that should have gone the other way.
    pub wrong: Anomalies,
}

/// What one mutator did to one counter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterTally {
    /// Additions, in one operation or in three.
    pub additions: u64,
    /// The sum of what they added; wrapping.
    pub sum: i64,
}
