//! One operation of one mutator: sixteen bytes that mirror the heap's contract.

use crate::heap::{Field, Finalizer, Global, Shape, Slot};

/// What a mutator does next. See [`Mutator`](crate::heap::Mutator) for what each means; the ones
/// that are not there say so here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "the fields are those of the method of the same name"
)]
pub enum Op {
    Alloc {
        dst: Slot,
        shape: Shape,
    },
    /// `alloc_with_finalizer`
    AllocFinalized {
        dst: Slot,
        shape: Shape,
        finalizer: Finalizer,
    },
    Copy {
        dst: Slot,
        src: Slot,
    },
    Clear {
        slot: Slot,
    },
    Load {
        dst: Slot,
        obj: Slot,
        field: Field,
    },
    Store {
        obj: Slot,
        field: Field,
        val: Slot,
    },
    /// `store` of nothing.
    Erase {
        obj: Slot,
        field: Field,
    },
    Peek {
        slot: Slot,
    },
    Safepoint,
    Collect,
    Append {
        list: Slot,
        val: Slot,
    },
    /// `len`; lengths above `note_above` are counted (`u64::MAX`: none are).
    Len {
        list: Slot,
        note_above: u64,
    },
    Get {
        dst: Slot,
        list: Slot,
        index: u32,
    },
    Set {
        list: Slot,
        index: u32,
        val: Slot,
    },
    Pop {
        dst: Slot,
        list: Slot,
    },
    TruncateFront {
        list: Slot,
        count: u64,
    },
    /// `del l[:len(l) - leave]`, as two operations of the heap: `len`, then `truncate_front`.
    TruncateFrontTo {
        list: Slot,
        leave: u64,
    },
    TruncateBack {
        list: Slot,
        count: u64,
    },
    /// `del l[leave:]`, as two operations of the heap: `len`, then `truncate_back`.
    TruncateBackTo {
        list: Slot,
        leave: u64,
    },
    Add {
        counter: Slot,
        by: i64,
    },
    /// `read` into the mutator's accumulator.
    Read {
        counter: Slot,
    },
    /// `write` of the accumulator plus `add`.
    WriteBack {
        counter: Slot,
        add: i64,
    },
    Publish {
        global: Global,
        src: Slot,
    },
    Fetch {
        dst: Slot,
        global: Global,
    },
    Downgrade {
        dst: Slot,
        src: Slot,
    },
    Upgrade {
        dst: Slot,
        weak: Slot,
    },
    /// The mutator leaves the heap, which empties all its registers, and attaches anew; then the
    /// shared objects it holds are fetched again.
    Rejoin,
    /// The mutator does nothing for so long, in the middle of an operation: it comes to no
    /// safepoint, and keeps whatever holds others up.
    Stall {
        millis: u32,
    },
}

const _: () = assert!(size_of::<Op>() <= 16);

/// The kind of an operation: what latencies are recorded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named like the operations")]
#[repr(u8)]
pub enum OpKind {
    Alloc,
    AllocFinalized,
    Copy,
    Clear,
    Load,
    Store,
    Peek,
    Safepoint,
    Collect,
    Append,
    Len,
    Get,
    Set,
    Pop,
    TruncateFront,
    TruncateBack,
    Add,
    Read,
    Write,
    Publish,
    Fetch,
    Downgrade,
    Upgrade,
    Rejoin,
    Stall,
}

impl OpKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 25] = [
        Self::Alloc,
        Self::AllocFinalized,
        Self::Copy,
        Self::Clear,
        Self::Load,
        Self::Store,
        Self::Peek,
        Self::Safepoint,
        Self::Collect,
        Self::Append,
        Self::Len,
        Self::Get,
        Self::Set,
        Self::Pop,
        Self::TruncateFront,
        Self::TruncateBack,
        Self::Add,
        Self::Read,
        Self::Write,
        Self::Publish,
        Self::Fetch,
        Self::Downgrade,
        Self::Upgrade,
        Self::Rejoin,
        Self::Stall,
    ];

    /// The name in workloads, tables and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alloc => "alloc",
            Self::AllocFinalized => "alloc-finalized",
            Self::Copy => "copy",
            Self::Clear => "clear",
            Self::Load => "load",
            Self::Store => "store",
            Self::Peek => "peek",
            Self::Safepoint => "safepoint",
            Self::Collect => "collect",
            Self::Append => "append",
            Self::Len => "len",
            Self::Get => "get",
            Self::Set => "set",
            Self::Pop => "pop",
            Self::TruncateFront => "truncate-front",
            Self::TruncateBack => "truncate-back",
            Self::Add => "add",
            Self::Read => "read",
            Self::Write => "write",
            Self::Publish => "publish",
            Self::Fetch => "fetch",
            Self::Downgrade => "downgrade",
            Self::Upgrade => "upgrade",
            Self::Rejoin => "rejoin",
            Self::Stall => "stall",
        }
    }
}

impl Op {
    /// What its latency is recorded as.
    #[inline]
    pub fn kind(&self) -> OpKind {
        match self {
            Self::Alloc { .. } => OpKind::Alloc,
            Self::AllocFinalized { .. } => OpKind::AllocFinalized,
            Self::Copy { .. } => OpKind::Copy,
            Self::Clear { .. } => OpKind::Clear,
            Self::Load { .. } => OpKind::Load,
            Self::Store { .. } | Self::Erase { .. } => OpKind::Store,
            Self::Peek { .. } => OpKind::Peek,
            Self::Safepoint => OpKind::Safepoint,
            Self::Collect => OpKind::Collect,
            Self::Append { .. } => OpKind::Append,
            Self::Len { .. } => OpKind::Len,
            Self::Get { .. } => OpKind::Get,
            Self::Set { .. } => OpKind::Set,
            Self::Pop { .. } => OpKind::Pop,
            Self::TruncateFront { .. } | Self::TruncateFrontTo { .. } => OpKind::TruncateFront,
            Self::TruncateBack { .. } | Self::TruncateBackTo { .. } => OpKind::TruncateBack,
            Self::Add { .. } => OpKind::Add,
            Self::Read { .. } => OpKind::Read,
            Self::WriteBack { .. } => OpKind::Write,
            Self::Publish { .. } => OpKind::Publish,
            Self::Fetch { .. } => OpKind::Fetch,
            Self::Downgrade { .. } => OpKind::Downgrade,
            Self::Upgrade { .. } => OpKind::Upgrade,
            Self::Rejoin => OpKind::Rejoin,
            Self::Stall { .. } => OpKind::Stall,
        }
    }

    /// The register whose reference it replaces or moves away; no operation has two, but for a
    /// `Rejoin`, which has all of them.
    pub fn changes(&self) -> Option<Slot> {
        match *self {
            Self::Alloc { dst, .. }
            | Self::AllocFinalized { dst, .. }
            | Self::Copy { dst, .. }
            | Self::Clear { slot: dst }
            | Self::Load { dst, .. }
            | Self::Store { val: dst, .. }
            | Self::Append { val: dst, .. }
            | Self::Get { dst, .. }
            | Self::Set { val: dst, .. }
            | Self::Pop { dst, .. }
            | Self::Publish { src: dst, .. }
            | Self::Fetch { dst, .. }
            | Self::Downgrade { dst, .. }
            | Self::Upgrade { dst, .. } => Some(dst),
            Self::Erase { .. }
            | Self::Peek { .. }
            | Self::Safepoint
            | Self::Collect
            | Self::Len { .. }
            | Self::TruncateFront { .. }
            | Self::TruncateFrontTo { .. }
            | Self::TruncateBack { .. }
            | Self::TruncateBackTo { .. }
            | Self::Add { .. }
            | Self::Read { .. }
            | Self::WriteBack { .. }
            | Self::Rejoin
            | Self::Stall { .. } => None,
        }
    }

    /// Whether it is about the mutator's place in the heap and its thread, and not about what is in
    /// the heap: no heap is asked to do it, and it stands alone in its [`Batch`](super::Batch).
    pub fn stands_alone(&self) -> bool {
        matches!(self, Self::Rejoin | Self::Stall { .. })
    }
}
